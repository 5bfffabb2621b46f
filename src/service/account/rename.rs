//! Changing one's name.

use std::sync::Arc;

use crate::domain::account::{FullName, User};
use crate::domain::audit::Event;
use crate::domain::throttle::Scope;
use crate::service::session::Caller;
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit};

/// Why the name is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
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

/// Gives the caller another name, or none. Where it is the name that they have, nothing is written.
///
/// # Errors
/// See [`RenameError`].
pub async fn rename(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
    name: Option<FullName>,
) -> Result<User, RenameError> {
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<RenameError>(app, Scope::Profile, &client, Some(account)).await?;
    let (app, input) = (Arc::clone(app), (caller.user.id, client, name));
    in_own_task(async move {
        let id = input.0;
        let renamed = app.store.write(input, |tx, (id, client, name)| {
            Box::pin(async move {
                let Some(locked) = account::lock(tx, *id).await? else { return Ok(None) };
                if locked.user.full_name == *name {
                    return Ok(Some((locked.user, None)));
                }
                let renamed = account::rename(tx, *id, name.as_ref(), locked.now).await?;
                audit::append(tx, &client.record(Event::ProfileChanged, *id, None), locked.now).await?;
                Ok(renamed.map(|renamed| (renamed, Some(locked.now))))
            })
        });
        let (user, changed_at) = renamed.await.map_err(Failure::from)?.ok_or(RenameError::Gone)?;
        if let Some(changed_at) = changed_at {
            app.session.cache.user_changed(id, changed_at, app.clock.monotonic());
        }
        attempt.succeeded().await;
        Ok(user)
    })
    .await
}
