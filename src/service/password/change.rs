//! Changing the password.

use std::sync::Arc;

use super::{Proof, ProofError, prove, waiting};
use crate::domain::audit::Event;
use crate::domain::mail::Kind;
use crate::domain::password::Password;
use crate::domain::session::{AuthMethod, EndReason};
use crate::domain::throttle::Scope;
use crate::service::session::{
    Begun, IssuedTokens, begin_session, end_sessions_of, issue_first_tokens, prepare_session, session_begun,
    session_ended,
};
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Failure, in_own_task};
use crate::storage::{account, audit, password};

/// Changes the password. Every session ends, the asking one too, because a thief may have copied its cookies; a new one begins.
/// `new` satisfies the policy. `binds`: the page knows sessions that are bound to a device.
///
/// # Errors
/// See [`ProofError`].
pub async fn change(app: &Arc<App>, proof: Proof, new: Password, binds: bool) -> Result<IssuedTokens, ProofError> {
    let account = throttle::in_session(app, &proof.caller);
    let attempt = Attempt::begin::<ProofError>(app, Scope::Reauthenticate, &proof.client, Some(account)).await?;
    let (attempt, (first, second)) = attempt.two_places::<ProofError>().await?;
    let (_waiting, hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(async move {
        let (client, user_id) = (proof.client.clone(), proof.caller.user.id);
        let (attempt, verified) = prove(&app, (attempt, first), proof, hung_up).await?;
        let (attempt, hash) = attempt.unless_refused::<_, ProofError>(second.hash(new).await).await?;
        let new_session = prepare_session(&app, &client, user_id, vec![AuthMethod::Password])?;
        let notice = app.mail.notice(Kind::PasswordChanged)?;
        let input = (client, app.session.policy.clone(), new_session, (verified, hash), notice);
        let changed = app.store.write(input, |tx, (client, policy, new_session, (verified, hash), notice)| {
            Box::pin(async move {
                let user_id = new_session.user_id;
                let Some(locked) = account::lock(tx, user_id).await? else { return Ok(None) };
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
                let begun = begin_session(tx, new_session.clone(), policy, client, locked.now).await?;
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
