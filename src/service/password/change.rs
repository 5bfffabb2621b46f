//! Changing the password.

use std::sync::Arc;

use super::{Looks, Proof as PasswordProof, ProofError, prove, waiting};
use crate::domain::account::ExternalId;
use crate::domain::audit::Event;
use crate::domain::factor::{Decision, Proof, Requirement, decide};
use crate::domain::mail::Kind;
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::{EndReason, Policy, SessionId};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::mail::Draft;
use crate::service::session::{
    Begun, IssuedTokens, Kept, Prepared, begin_session, end_sessions_of, issue_first_tokens, prepare_session,
    session_begun, session_ended,
};
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, audit, factor, password, session};

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
    let attempt =
        Attempt::begin_to_hash::<ProofError>(app, Scope::Reauthenticate, &proof.client, Some(account)).await?;
    let (attempt, (first, second)) = attempt.two_places::<ProofError>().await?;
    let (_waiting, mut hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(async move {
        let (mut attempt, mut verified) = prove(&app, (attempt, first), &proof, &mut hung_up).await?;
        let hash;
        (attempt, hash) = attempt.unless_refused::<_, ProofError>(second.hash(new).await).await?;
        let new_session = prepare_session(&app, proof.caller.user.id, proof.caller.session.delivery)?;
        let (policy, notice) = (app.session.policy.clone(), app.mail.notice(Kind::PasswordChanged)?);
        let (client, asking) = (proof.client.clone(), proof.caller.session.id);
        let change = Arc::new(Change { client, policy, new_session, asking, hash, notice });
        let mut looks = Looks::default();
        let (ended, begun, external_id) = loop {
            let input = (Arc::clone(&change), verified);
            let done = app.store.write(input, |tx, (change, verified)| Box::pin(replace(tx, change, verified)));
            if let Some(done) = done.await.map_err(Failure::from)? {
                break done;
            }
            let admitted = looks.again(attempt, ProofError::Incorrect).await?;
            (attempt, verified) = prove(&app, admitted, &proof, &mut hung_up).await?;
        };
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

struct Change {
    client: Client,
    policy: Policy,
    new_session: Prepared,
    asking: SessionId,
    hash: PasswordHash,
    notice: Option<Draft>,
}

/// The sessions that ended, and the one that began. Nothing: what was verified is not what is stored.
async fn replace(
    tx: &mut Tx,
    change: &Change,
    verified: &PasswordHash,
) -> Result<Option<(Vec<SessionId>, Begun, Option<ExternalId>)>, storage::Error> {
    let Change { client, policy, new_session, asking, hash, notice } = change;
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
    let ended = end_sessions_of(tx, user_id, None, &EndReason::PasswordChanged, client, locked.now).await?;
    audit::append(tx, &client.record(Event::PasswordChanged, user_id, None), locked.now).await?;
    if let Some(notice) = notice {
        notice.tell(tx, &locked.user, client, locked.now).await?;
    }
    let kept = Some(Kept::of(&asking.session));
    let begun = begin_session(tx, new_session, (&signed_in, None), kept, policy, client, locked.now).await?;
    Ok(Some((ended, begun, locked.user.external_id)))
}
