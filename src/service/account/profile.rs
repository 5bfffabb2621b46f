//! A person's own account: its name, what is stored about them, and leaving.

use std::sync::Arc;

use crate::domain::account::{FullName, User, UserId};
use crate::domain::audit::{Entry, Event, Record};
use crate::domain::password::Password;
use crate::domain::session::Session;
use crate::service::operator::{self, Erased};
use crate::service::password::{PasswordChangeError, prove};
use crate::service::session::Caller;
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit, session};

/// Everything stored about a person, but for hashes and secrets.
#[derive(Clone, Debug)]
pub struct Export {
    /// The account.
    pub user: User,
    /// All sessions that are still stored, ended ones too.
    pub sessions: Vec<Session>,
    /// The audit.
    pub audit: Vec<Entry>,
}

/// Why an account is still there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The password was not proved.
    #[error(transparent)]
    Password(#[from] PasswordChangeError),
    /// Nobody else could do what a superuser does.
    #[error("the last superuser can't leave")]
    LastSuperuser,
}

impl From<Failure> for EraseError {
    fn from(failure: Failure) -> Self {
        Self::Password(failure.into())
    }
}

/// Gives the caller another name, or none. None: the account is gone.
///
/// # Errors
/// When the database can't be asked.
pub async fn rename(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
    name: Option<FullName>,
) -> Result<Option<User>, Failure> {
    let id = caller.user.id;
    let app = Arc::clone(app);
    in_own_task(async move {
        let (renamed, now) = app
            .store
            .write((), move |tx, ()| {
                let (client, name) = (client.clone(), name.clone());
                Box::pin(async move {
                    let now = tx.now().await?;
                    let renamed = account::rename(tx, id, name.as_ref(), now).await?;
                    if renamed.is_some() {
                        audit::append(tx, &client.record(Event::ProfileChanged, id, None), now).await?;
                    }
                    Ok((renamed, now))
                })
            })
            .await?;
        app.cache.user_changed(id, now, app.clock.now());
        Ok(renamed)
    })
    .await
}

/// Erases the caller's account, with all sessions, at once and for ever.
///
/// # Errors
/// See [`EraseError`].
pub async fn erase(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
    password: Option<Password>,
) -> Result<(), EraseError> {
    prove(app, caller, password).await?;
    let id = caller.user.id;
    let app = Arc::clone(app);
    in_own_task(async move {
        match operator::erase(&app, id, &client, false).await? {
            Erased::Done | Erased::Unknown => Ok(()),
            Erased::LastSuperuser => Err(EraseError::LastSuperuser),
        }
    })
    .await
}

/// Everything stored about the caller. None: the account is gone.
///
/// # Errors
/// When the database can't be asked.
pub async fn export(app: &App, caller: &Caller, client: &Client) -> Result<Option<Export>, Failure> {
    let id = caller.user.id;
    hand_out(app, id, client.record(Event::DataExported, id, None)).await
}

/// Everything stored about a person. That it is handed out is written down first, and so is part of it.
pub(in crate::service) async fn hand_out(app: &App, id: UserId, record: Record) -> Result<Option<Export>, Failure> {
    let noted = app
        .store
        .write((), move |tx, ()| {
            let record = record.clone();
            Box::pin(async move {
                let Some(locked) = account::lock(tx, id).await? else { return Ok(false) };
                audit::append(tx, &record, locked.now).await?;
                Ok(true)
            })
        })
        .await?;
    if !noted {
        return Ok(None);
    }
    let mut tx = app.store.read().await?;
    let Some(user) = account::by_id(&mut tx, id).await? else { return Ok(None) };
    let sessions = session::all_of_user(&mut tx, id).await?;
    Ok(Some(Export { user, sessions, audit: audit::of_user(&mut tx, id).await? }))
}
