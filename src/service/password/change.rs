//! Changing the password.

use std::sync::Arc;

use crate::domain::audit::Event;
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::EndReason;
use crate::service::session::{
    Begun, Caller, IssuedTokens, begin_session, end_sessions_of, issue_tokens, prepare_session, session_begun,
    session_ended,
};
use crate::service::throttle::{self, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit, password};

/// Why the password is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// The current password is another one.
    #[error("the current password is another one")]
    Incorrect,
    /// The account is gone.
    #[error("the account is gone")]
    Gone,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Proves that the caller knows the account's password: what everything asks for that a stolen session must not be enough for.
/// Returns the hash that was verified. Wrong ones count against the account.
pub(in crate::service) async fn prove(
    app: &App,
    caller: &Caller,
    password: Option<Password>,
) -> Result<PasswordHash, PasswordChangeError> {
    let name = throttle::name_of(app, &caller.user.email);
    let here = app.throttles.account(name, true, app.clock.now());
    let reserved = throttle::admit::<PasswordChangeError>(app, here).await?;
    let stored = {
        let mut tx = app.store.read().await.map_err(Failure::from)?;
        account::credentials(&mut tx, &caller.user.email).await.map_err(Failure::from)?
    };
    let stored = stored.ok_or(PasswordChangeError::Gone)?.password_hash;
    let verified = match password {
        Some(password) => app.hashing.verify(password, Some(stored.clone())).await,
        None => app.hashing.verify_nobody().await,
    };
    if verified.as_ref().is_ok_and(|verified| !verified.matches) {
        return Err(PasswordChangeError::Incorrect);
    }
    throttle::refund(app, [reserved]).await;
    throttle::unless_overloaded::<_, PasswordChangeError>(app, verified, []).await?;
    Ok(stored)
}

/// Changes the password. Every session ends, the asking one too, because a thief may have copied its cookies; a new one begins.
/// `current` is none when no account can have what was submitted; `new` satisfies the policy.
///
/// # Errors
/// See [`PasswordChangeError`].
pub async fn change(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
    current: Option<Password>,
    new: Password,
) -> Result<IssuedTokens, PasswordChangeError> {
    let verified = prove(app, caller, current).await?;
    let hash = throttle::unless_overloaded::<_, PasswordChangeError>(app, app.hashing.hash(new).await, []).await?;
    let user_id = caller.user.id;
    let app = Arc::clone(app);
    in_own_task(async move {
        let new_session = prepare_session(&app, &client, user_id)?;
        let policy = app.sessions.clone();
        let changed = app
            .store
            .write((), move |tx, ()| {
                let (client, policy, new_session) = (client.clone(), policy.clone(), new_session.clone());
                let (verified, hash) = (verified.clone(), hash.clone());
                Box::pin(async move {
                    let Some(locked) = account::lock(tx, user_id).await? else { return Ok(None) };
                    // Guarded by the hash that was verified: of two changes at once the second knows the wrong password.
                    if !account::replace_hash(tx, user_id, &verified, &hash).await? {
                        return Ok(None);
                    }
                    password::void(tx, user_id).await?;
                    let reason = EndReason::PasswordChanged;
                    let ended = end_sessions_of(tx, user_id, None, reason, &client, locked.now).await?;
                    audit::append(tx, &client.record(Event::PasswordChanged, user_id, None), locked.now).await?;
                    let begun = begin_session(tx, new_session, &policy, &client, locked.now).await?;
                    Ok(Some((ended, begun)))
                })
            })
            .await
            .map_err(Failure::from)?;
        let (ended, begun) = changed.ok_or(PasswordChangeError::Incorrect)?;
        for id in ended {
            session_ended(&app, id, EndReason::PasswordChanged);
        }
        session_begun(&app, &begun);
        let Begun { session, now, .. } = begun;
        Ok(issue_tokens(&app, &session, now)?)
    })
    .await
}
