//! Setting a new password with a reset token.

use std::sync::Arc;

use crate::domain::account::User;
use crate::domain::audit::{Event, Record};
use crate::domain::password::Password;
use crate::domain::password::ResetToken;
use crate::domain::session::EndReason;
use crate::platform::digest::sha256;
use crate::service::session::{end_sessions_of, session_ended};
use crate::service::throttle::{self, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::password::{self, TokenHash};
use crate::storage::{account, audit};

/// Why the password is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// Unknown, used, replaced or expired: nobody outside learns which.
    #[error("the reset token is invalid or expired")]
    Invalid,
    /// The new password is the account's email.
    #[error("the new password is the email")]
    PasswordIsEmail,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Sets a new password, which satisfies the policy, and ends all sessions. `token` is none when it is none of ours.
///
/// An invalid token costs no hash and a valid one does: the time tells what the answer tells, and guessing 256 bits is hopeless.
///
/// # Errors
/// See [`ResetError`].
pub async fn reset(app: &Arc<App>, client: Client, token: Option<ResetToken>, new: Password) -> Result<(), ResetError> {
    let reserved = throttle::admit::<ResetError>(app, app.throttles.login(client.ip, app.clock.now())).await?;
    let token = sha256(token.ok_or(ResetError::Invalid)?.bytes());
    let user = whose(app, &token).await?.ok_or(ResetError::Invalid)?;
    if new.reveal().eq_ignore_ascii_case(user.email.as_str()) {
        return Err(ResetError::PasswordIsEmail);
    }
    let user_id = user.id;
    let hashed = app.hashing.hash(new).await;
    let hash = throttle::unless_overloaded::<_, ResetError>(app, hashed, [reserved]).await?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let ended = app
            .store
            .write((), move |tx, ()| {
                let (client, hash) = (client.clone(), hash.clone());
                Box::pin(async move {
                    let Some(locked) = account::lock(tx, user_id).await? else { return Ok(None) };
                    if !password::take(tx, &token, locked.now).await? {
                        return Ok(None);
                    }
                    account::set_password(tx, user_id, &hash, locked.now).await?;
                    let detail = Some("reset".to_owned());
                    let record = Record { detail, ..client.record(Event::PasswordChanged, user_id, None) };
                    audit::append(tx, &record, locked.now).await?;
                    let reason = EndReason::PasswordChanged;
                    end_sessions_of(tx, user_id, None, reason, &client, locked.now).await.map(Some)
                })
            })
            .await
            .map_err(Failure::from)?
            .ok_or(ResetError::Invalid)?;
        for session in ended {
            session_ended(&app, session, EndReason::PasswordChanged);
        }
        tracing::info!(%user_id, "password reset");
        Ok(())
    })
    .await
}

async fn whose(app: &App, token: &TokenHash) -> Result<Option<User>, Failure> {
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    let Some(id) = password::find(&mut tx, token, now).await? else { return Ok(None) };
    Ok(account::by_id(&mut tx, id).await?)
}
