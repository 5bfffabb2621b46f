//! Setting a new password with a reset token.

use std::sync::Arc;

use crate::domain::account::User;
use crate::domain::audit::{Event, Record};
use crate::domain::mail::{Kind, LinkToken};
use crate::domain::password::Password;
use crate::domain::session::EndReason;
use crate::domain::throttle::Scope;
use crate::platform::digest::sha256;
use crate::service::session::{end_sessions_of, session_ended};
use crate::service::throttle::{Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::mail::TokenHash;
use crate::storage::{account, audit, password};

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
pub async fn reset(app: &Arc<App>, client: Client, token: Option<LinkToken>, new: Password) -> Result<(), ResetError> {
    let attempt = Attempt::begin_to_hash::<ResetError>(app, Scope::Reset, &client, None).await?;
    let (attempt, place) = attempt.place::<ResetError>().await?;
    let token = sha256(token.ok_or(ResetError::Invalid)?.bytes());
    let user = whose(app, &token).await?.ok_or(ResetError::Invalid)?;
    if new.reveal().eq_ignore_ascii_case(user.email.as_str()) {
        return Err(ResetError::PasswordIsEmail);
    }
    let (attempt, hash) = attempt.unless_refused::<_, ResetError>(place.hash(new).await).await?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let notice = app.mail.notice(Kind::PasswordReset)?;
        let input = (client, user.id, token, hash, notice);
        let ended = app.store.write(input, |tx, (client, user_id, token, hash, notice)| {
            Box::pin(async move {
                let Some(mut locked) = account::lock(tx, *user_id).await? else { return Ok(None) };
                let Some(mailed) = password::take(tx, token, locked.now).await? else { return Ok(None) };
                if mailed.mailed_to.as_deref() == Some(locked.user.email.as_str()) {
                    // Whoever has the link reads the mail of the address.
                    account::confirm_email(tx, *user_id, locked.now).await?;
                    locked.user.email_verified_at.get_or_insert(locked.now);
                }
                password::void(tx, *user_id).await?;
                account::set_password(tx, *user_id, hash, locked.now).await?;
                let detail = Some("reset".to_owned());
                let record = Record { detail, ..client.record(Event::PasswordChanged, *user_id, None) };
                audit::append(tx, &record, locked.now).await?;
                if let Some(notice) = notice {
                    notice.tell(tx, &locked.user, client, locked.now).await?;
                }
                end_sessions_of(tx, *user_id, None, &EndReason::PasswordChanged, client, locked.now).await.map(Some)
            })
        });
        let ended = ended.await.map_err(Failure::from)?.ok_or(ResetError::Invalid)?;
        attempt.succeeded().await;
        for session in ended {
            session_ended(&app, session, EndReason::PasswordChanged);
        }
        app.mail.wake();
        tracing::info!(user_id = %user.id, "password reset");
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
