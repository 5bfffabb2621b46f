//! Changing the password.

use std::sync::Arc;

use super::{Proof as PasswordProof, ProofError, prove, waiting};
use crate::domain::audit::Event;
use crate::domain::factor::{Decision, Proof, Requirement, decide};
use crate::domain::mail::Kind;
use crate::domain::password::Password;
use crate::domain::session::EndReason;
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::session::{
    Begun, IssuedTokens, Kept, begin_session, end_sessions_of, issue_first_tokens, prepare_session, session_begun,
    session_ended,
};
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Failure, in_own_task};
use crate::storage::{account, audit, factor, password, session};

/// Changes the password. Every session ends, the asking one too, because a thief may have copied its cookies; a new one begins.
/// `new` satisfies the policy. `binds`: the page knows sessions that are bound to a device.
///
/// # Errors
/// See [`ProofError`].
pub async fn change(
    app: &Arc<App>,
    proof: PasswordProof,
    new: Password,
    binds: bool,
) -> Result<IssuedTokens, ProofError> {
    let account = throttle::in_session(app, &proof.caller);
    let attempt = Attempt::begin::<ProofError>(app, Scope::Reauthenticate, &proof.client, Some(account)).await?;
    let (attempt, (first, second)) = attempt.two_places::<ProofError>().await?;
    let (_waiting, hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(async move {
        let (client, user_id, asking) = (proof.client.clone(), proof.caller.user.id, proof.caller.session.id);
        let delivery = proof.caller.session.delivery;
        let (attempt, verified) = prove(&app, (attempt, first), proof, hung_up).await?;
        let (attempt, hash) = attempt.unless_refused::<_, ProofError>(second.hash(new).await).await?;
        let new_session = prepare_session(&app, user_id, delivery)?;
        let notice = app.mail.notice(Kind::PasswordChanged)?;
        let input = (client, app.session.policy.clone(), (new_session, asking), (verified, hash), notice);
        let changed =
            app.store.write(input, |tx, (client, policy, (new_session, asking), (verified, hash), notice)| {
                Box::pin(async move {
                    let user_id = new_session.user_id;
                    let Some(locked) = account::lock(tx, user_id).await? else { return Ok(None) };
                    let Some(asking) = session::lock(tx, *asking).await? else { return Ok(None) };
                    // What the asking session has proved beside the password is proved still.
                    let not_before = policy.not_before.unwrap_or(Timestamp::EPOCH);
                    let Some((enrolled, _)) = factor::standing(tx, user_id, not_before).await? else { return Ok(None) };
                    let mut proved = Proof::of(&asking.session.amr);
                    proved.push(Proof::Password);
                    let Decision::SignedIn(signed_in) = decide(enrolled, &proved, Requirement::Optional) else {
                        return Ok(None);
                    };
                    // Guarded by the hash that was verified: of two changes at once the second knows the wrong password.
                    if !account::change_password(tx, user_id, verified, hash).await? {
                        return Ok(None);
                    }
                    password::void(tx, user_id).await?;
                    let reason = EndReason::PasswordChanged;
                    let ended = end_sessions_of(tx, user_id, None, &reason, client, locked.now).await?;
                    audit::append(tx, &client.record(Event::PasswordChanged, user_id, None), locked.now).await?;
                    if let Some(notice) = notice {
                        notice.tell(tx, &locked.user, client, locked.now).await?;
                    }
                    let kept = Some(Kept::of(&asking.session));
                    let begun =
                        begin_session(tx, new_session, (&signed_in, None), kept, policy, client, locked.now).await?;
                    Ok(Some((ended, begun, locked.user.external_id)))
                })
            });
        let (ended, begun, external_id) = changed.await.map_err(Failure::from)?.ok_or(ProofError::Incorrect)?;
        attempt.succeeded().await;
        app.mail.wake();
        for id in ended {
            session_ended(&app, id, EndReason::PasswordChanged);
        }
        session_begun(&app, &begun);
        let Begun { session, now, .. } = begun;
        Ok(issue_first_tokens(&app, &session, external_id.as_ref(), now, binds)?)
    })
    .await
}
