//! Making an account.

use std::sync::Arc;

use crate::domain::account::{Email, FullName, User};
use crate::domain::audit::Event;
use crate::domain::password::Password;
use crate::domain::throttle::Scope;
use crate::service::throttle::{Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::account::{self, NewUser};
use crate::storage::audit;

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
pub async fn register(app: &Arc<App>, client: Client, new: NewAccount) -> Result<User, RegisterError> {
    let made = make(app, client, new).await;
    app.metrics.registrations.add(match &made {
        Ok(_) => "registered",
        Err(RegisterError::EmailUnavailable) => "taken",
        Err(RegisterError::Limited(limited)) => limited.word(),
        Err(RegisterError::Failed(_)) => "failed",
    });
    made
}

async fn make(app: &Arc<App>, client: Client, new: NewAccount) -> Result<User, RegisterError> {
    let attempt = Attempt::begin::<RegisterError>(app, Scope::Register, &client, None).await?;
    let (attempt, place) = attempt.place::<RegisterError>().await?;
    let NewAccount { email, password, full_name } = new;
    let hashed = place.hash(password).await;
    let (attempt, password_hash) = attempt.unless_refused::<_, RegisterError>(hashed).await?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let input = (NewUser { email, full_name, password_hash }, client);
        let made = app.store.write(input, |tx, (new, client)| {
            Box::pin(async move {
                let now = tx.now().await?;
                let Some(user) = account::insert(tx, new, now).await? else { return Ok(None) };
                audit::append(tx, &client.record(Event::Registered, user.id, None), now).await?;
                Ok(Some(user))
            })
        });
        let Some(user) = made.await.map_err(Failure::from)? else {
            attempt.failed();
            return Err(RegisterError::EmailUnavailable);
        };
        attempt.succeeded().await;
        tracing::info!(user_id = %user.id, "registered");
        Ok(user)
    })
    .await
}
