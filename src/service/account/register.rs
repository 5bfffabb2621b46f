//! Making an account.

use std::sync::Arc;

use crate::domain::account::Email;
use crate::domain::account::{FullName, User};
use crate::domain::audit::Event;
use crate::domain::password::Password;
use crate::service::throttle::{self, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::account::NewUser;
use crate::storage::{account, audit};

/// What a person registers with. The password satisfies the policy: the door has checked it.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// In canonical form.
    pub email: Email,
    /// Satisfies the policy.
    pub password: Password,
    /// As written.
    pub full_name: Option<FullName>,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// An account has this email.
    #[error("the email is taken")]
    EmailUnavailable,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Makes an account. The password is hashed before the email is looked at, so that a taken one takes as long.
///
/// # Errors
/// See [`RegisterError`].
pub async fn register(app: &Arc<App>, client: Client, account: NewAccount) -> Result<User, RegisterError> {
    let reserved = throttle::admit::<RegisterError>(app, app.throttles.register(client.ip, app.clock.now())).await?;
    let hashed = app.hashing.hash(account.password).await;
    let password_hash = throttle::unless_overloaded::<_, RegisterError>(app, hashed, [reserved]).await?;
    let new = NewUser { email: account.email, full_name: account.full_name, password_hash };
    let app = Arc::clone(app);
    in_own_task(async move {
        let user = app
            .store
            .write((), move |tx, ()| {
                let (new, client) = (new.clone(), client.clone());
                Box::pin(async move {
                    let now = tx.now().await?;
                    let Some(user) = account::insert(tx, &new, now).await? else { return Ok(None) };
                    audit::append(tx, &client.record(Event::Registered, user.id, None), now).await?;
                    Ok(Some(user))
                })
            })
            .await
            .map_err(Failure::from)?
            .ok_or(RegisterError::EmailUnavailable)?;
        tracing::info!(user_id = %user.id, "registered");
        Ok(user)
    })
    .await
}
