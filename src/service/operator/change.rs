//! Changes of an account, each a use case.

use super::{Changed, is_last_superuser};
use crate::domain::account::UserId;
use crate::domain::audit::Event;
use crate::domain::mail::Kind;
use crate::domain::password::PasswordHash;
use crate::domain::session::{EndReason, SessionId};
use crate::service::mail::Draft;
use crate::service::session::{end_sessions_of, session_ended};
use crate::service::throttle::forget_account;
use crate::service::{App, Client, Failure};
use crate::storage::account::Locked;
use crate::storage::{BoxFuture, Error, Tx, account, audit, mail, password};

/// Lets a disabled person log in again.
///
/// # Errors
/// When the database can't be asked.
pub async fn enable(app: &App, id: UserId, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Admin, force: true };
    let work: Work<()> = |tx, change, (), locked| {
        Box::pin(async move {
            account::set_active(tx, change.id, true, locked.now).await?;
            change.note(tx, Event::UserEnabled, &locked).await.map(Some)
        })
    };
    change.carry_out(app, (), work).await
}

/// Lets a person log in no more, and ends their sessions. `force`: also when it is the last active superuser.
///
/// # Errors
/// When the database can't be asked.
pub async fn disable(app: &App, id: UserId, client: &Client, force: bool) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Disabled, force };
    let work: Work<()> = |tx, change, (), locked| {
        Box::pin(async move {
            account::set_active(tx, change.id, false, locked.now).await?;
            change.note(tx, Event::UserDisabled, &locked).await?;
            change.end_sessions(tx, &locked).await.map(Some)
        })
    };
    change.carry_out(app, (), work).await
}

/// Sets a password, voids a reset that waits, and ends all sessions.
///
/// # Errors
/// When the database can't be asked.
pub async fn set_password(app: &App, id: UserId, hash: PasswordHash, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::PasswordChanged, force: true };
    let notice = app.mail.notice(Kind::PasswordReset)?;
    let work: Work<(PasswordHash, Option<Draft>)> = |tx, change, (hash, notice), locked| {
        Box::pin(async move {
            account::set_password(tx, change.id, hash, locked.now).await?;
            password::void(tx, change.id).await?;
            change.note(tx, Event::PasswordChanged, &locked).await?;
            change.tell(tx, notice.as_ref(), &locked).await?;
            change.end_sessions(tx, &locked).await.map(Some)
        })
    };
    change.carry_out(app, (hash, notice), work).await
}

/// Makes the application beside Doorward see a superuser.
///
/// # Errors
/// When the database can't be asked.
pub async fn make_superuser(app: &App, id: UserId, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Admin, force: true };
    let work: Work<()> = |tx, change, (), locked| {
        Box::pin(async move {
            account::make_superuser(tx, change.id, locked.now).await?;
            change.note(tx, Event::SuperuserMade, &locked).await.map(Some)
        })
    };
    change.carry_out(app, (), work).await
}

/// Ends all sessions of a person.
///
/// # Errors
/// When the database can't be asked.
pub async fn log_out(app: &App, id: UserId, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Admin, force: true };
    let work: Work<()> =
        |tx, change, (), locked| Box::pin(async move { change.end_sessions(tx, &locked).await.map(Some) });
    change.carry_out(app, (), work).await
}

/// Forgives the failures that were counted against an account: an attack has made its owner wait.
///
/// # Errors
/// When the database can't be asked.
pub async fn unblock(app: &App, id: UserId, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Admin, force: true };
    let work: Work<_> = |tx, change, names, locked| {
        Box::pin(async move {
            account::unblock(tx, change.id, locked.now).await?;
            forget_account(tx, names, &locked.user.email).await?;
            change.note(tx, Event::UserUnblocked, &locked).await.map(Some)
        })
    };
    change.carry_out(app, app.limits.names.clone(), work).await
}

/// Erases an account with all sessions; the audit keeps its id alone. `force`: also when it is the last active superuser.
///
/// # Errors
/// When the database can't be asked.
pub async fn erase(app: &App, id: UserId, client: &Client, force: bool) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Admin, force };
    let notice = app.mail.notice(Kind::AccountDeleted)?;
    let work: Work<Option<Draft>> = |tx, change, notice, locked| {
        Box::pin(async move {
            let ended = change.end_sessions(tx, &locked).await?;
            change.note(tx, Event::UserDeleted, &locked).await?;
            change.tell(tx, notice.as_ref(), &locked).await?;
            // But the one that tells of this.
            mail::forget_user(tx, change.id, &locked.user.email, notice.as_ref().map(Draft::id)).await?;
            account::erase(tx, change.id).await?;
            Ok(Some(ended))
        })
    };
    let erased = change.carry_out(app, notice, work).await;
    app.mail.wake();
    erased
}

/// What all changes of an account have in common.
pub(super) struct Change {
    pub(super) id: UserId,
    pub(super) client: Client,
    /// Why sessions end, where they do.
    pub(super) reason: EndReason,
    /// Also when nobody is left who can do what a superuser does.
    pub(super) force: bool,
}

/// What is done under the lock of the account's row. Returns the sessions that it ended.
/// None: another account is in the way.
pub(super) type Work<I> =
    for<'t> fn(&'t mut Tx, &'t Change, &'t I, Locked) -> BoxFuture<'t, Result<Option<Vec<SessionId>>, Error>>;

impl Change {
    pub(super) async fn carry_out<I>(self, app: &App, input: I, work: Work<I>) -> Result<Changed, Failure>
    where
        I: Send + Sync + 'static,
    {
        let reason = self.reason.clone();
        let done = app.store.write((self, input, work), |tx, (change, input, work)| {
            Box::pin(async move {
                if !change.force && is_last_superuser(tx, change.id).await? {
                    return Ok(Err(Changed::LastSuperuser));
                }
                let Some(locked) = account::lock(tx, change.id).await? else { return Ok(Err(Changed::Unknown)) };
                Ok(work(tx, change, input, locked).await?.ok_or(Changed::Taken))
            })
        });
        match done.await? {
            Ok(ended) => {
                for session in ended {
                    session_ended(app, session, reason.clone());
                }
                Ok(Changed::Done)
            }
            Err(undone) => Ok(undone),
        }
    }

    pub(super) async fn note(&self, tx: &mut Tx, event: Event, locked: &Locked) -> Result<Vec<SessionId>, Error> {
        audit::append(tx, &self.client.record(event, self.id, None), locked.now).await?;
        Ok(Vec::new())
    }

    async fn tell(&self, tx: &mut Tx, notice: Option<&Draft>, locked: &Locked) -> Result<(), Error> {
        if let Some(notice) = notice {
            notice.tell(tx, &locked.user, &self.client, locked.now).await?;
        }
        Ok(())
    }

    pub(super) async fn end_sessions(&self, tx: &mut Tx, locked: &Locked) -> Result<Vec<SessionId>, Error> {
        end_sessions_of(tx, self.id, None, &self.reason, &self.client, locked.now).await
    }
}
