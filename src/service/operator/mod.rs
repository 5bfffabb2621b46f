//! What an operator does to accounts, by the command line. A server beside it notices within two seconds.

use std::time::Duration;

use super::account::{self as accounts, Export};
use super::session::{end_sessions_of, session_ended};
use super::{App, Client, Failure, throttle};
use crate::domain::account::Email;
use crate::domain::account::{User, UserId};
use crate::domain::audit::{Event, Record};
use crate::domain::password::PasswordHash;
use crate::domain::password::ResetToken;
use crate::domain::session::EndReason;
use crate::platform::digest::sha256;
use crate::storage::{Tx, account, audit, password};

/// How many users are read at once.
const PAGE: u32 = 500;

/// The detail of a record that might be taken for the person's own doing.
const BY_OPERATOR: &str = "operator";

/// What an operator may change of an account.
#[derive(Clone, Debug)]
pub enum Change {
    /// It can be used again.
    Enable,
    /// It can't be used; its sessions end.
    Disable,
    /// It has a new password; its sessions end.
    SetPassword(PasswordHash),
    /// The application beside Doorward will see a superuser.
    MakeSuperuser,
    /// Its sessions end.
    LogOut,
    /// Failures that were counted against it are forgiven: an attack has made its owner wait.
    Unblock,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// There is no such account.
    Unknown,
    /// Nobody else could do what a superuser does.
    LastSuperuser,
}

/// What became of an erasure.
pub type Erased = Changed;

/// The account with this email.
///
/// # Errors
/// When the database can't be asked.
pub async fn find(app: &App, email: &Email) -> Result<Option<User>, Failure> {
    let mut tx = app.store.read().await?;
    Ok(account::credentials(&mut tx, email).await?.map(|found| found.user))
}

/// All accounts, in the order of their ids.
///
/// # Errors
/// When the database can't be asked.
pub async fn list(app: &App) -> Result<Vec<User>, Failure> {
    let mut tx = app.store.read().await?;
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map_or(UserId(0), |user| user.id);
        let page = account::list(&mut tx, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Everything stored about a person, as [`accounts::export`] gives it to them. None: there is no such account.
///
/// # Errors
/// When the database can't be asked.
pub async fn export(app: &App, id: UserId, client: &Client) -> Result<Option<Export>, Failure> {
    let detail = Some(BY_OPERATOR.to_owned());
    accounts::hand_out(app, id, Record { detail, ..client.record(Event::DataExported, id, None) }).await
}

/// Changes an account. `force`: also when it is the last active superuser.
///
/// # Errors
/// When the database can't be asked.
pub async fn change(app: &App, id: UserId, change: Change, client: &Client, force: bool) -> Result<Changed, Failure> {
    let reason = match change {
        Change::Disable => EndReason::Disabled,
        Change::SetPassword(_) => EndReason::PasswordChanged,
        _ => EndReason::Admin,
    };
    let (client, names) = (client.clone(), app.names.clone());
    let (changed, ended) = app
        .store
        .write((), move |tx, ()| {
            let (change, client, names) = (change.clone(), client.clone(), names.clone());
            Box::pin(async move {
                if matches!(change, Change::Disable) && !force && is_last_superuser(tx, id).await? {
                    return Ok((Changed::LastSuperuser, Vec::new()));
                }
                let Some(locked) = account::lock(tx, id).await? else { return Ok((Changed::Unknown, Vec::new())) };
                let now = locked.now;
                let (event, ends_sessions) = match &change {
                    Change::Enable => {
                        account::set_active(tx, id, true, now).await?;
                        (Some(Event::UserEnabled), false)
                    }
                    Change::Disable => {
                        account::set_active(tx, id, false, now).await?;
                        (Some(Event::UserDisabled), true)
                    }
                    Change::SetPassword(hash) => {
                        account::set_password(tx, id, hash, now).await?;
                        password::void(tx, id).await?;
                        (Some(Event::PasswordChanged), true)
                    }
                    Change::MakeSuperuser => {
                        account::make_superuser(tx, id, now).await?;
                        (Some(Event::SuperuserMade), false)
                    }
                    Change::LogOut => (None, true),
                    Change::Unblock => {
                        account::unblock(tx, id, now).await?;
                        throttle::forget_account(tx, &names, &locked.user.email).await?;
                        (Some(Event::UserUnblocked), false)
                    }
                };
                if let Some(event) = event {
                    let detail = Some(BY_OPERATOR.to_owned());
                    audit::append(tx, &Record { detail, ..client.record(event, id, None) }, now).await?;
                }
                let ended =
                    if ends_sessions { end_sessions_of(tx, id, None, reason, &client, now).await? } else { Vec::new() };
                Ok((Changed::Done, ended))
            })
        })
        .await?;
    for session in ended {
        session_ended(app, session, reason);
    }
    Ok(changed)
}

/// Erases an account with all sessions; the audit keeps its id alone.
///
/// # Errors
/// When the database can't be asked.
pub async fn erase(app: &App, id: UserId, client: &Client, force: bool) -> Result<Erased, Failure> {
    let client = client.clone();
    let (erased, ended) = app
        .store
        .write((), move |tx, ()| {
            let client = client.clone();
            Box::pin(async move {
                if !force && is_last_superuser(tx, id).await? {
                    return Ok((Erased::LastSuperuser, Vec::new()));
                }
                let Some(locked) = account::lock(tx, id).await? else { return Ok((Erased::Unknown, Vec::new())) };
                let reason = EndReason::Admin;
                let ended = end_sessions_of(tx, id, None, reason, &client, locked.now).await?;
                audit::append(tx, &client.record(Event::UserDeleted, id, None), locked.now).await?;
                account::erase(tx, id).await?;
                Ok((Erased::Done, ended))
            })
        })
        .await?;
    for session in ended {
        session_ended(app, session, EndReason::Admin);
    }
    Ok(erased)
}

/// Makes a reset that can be used once, until `ttl` has passed; an earlier one is void. None: there is no such account.
///
/// # Errors
/// When the database can't be asked.
pub async fn make_reset(app: &App, id: UserId, ttl: Duration, client: &Client) -> Result<Option<ResetToken>, Failure> {
    let token = ResetToken::new(app.random.bytes()?);
    let hash = sha256(token.bytes());
    let client = client.clone();
    let made = app
        .store
        .write((), move |tx, ()| {
            let client = client.clone();
            Box::pin(async move {
                let Some(locked) = account::lock(tx, id).await? else { return Ok(false) };
                password::put(tx, id, &hash, locked.now + ttl).await?;
                audit::append(tx, &client.record(Event::ResetRequested, id, None), locked.now).await?;
                Ok(true)
            })
        })
        .await?;
    Ok(made.then_some(token))
}

/// Locks all active superusers first, in order, so that of two that are removed at once one stays.
async fn is_last_superuser(tx: &mut Tx, id: UserId) -> Result<bool, crate::storage::Error> {
    Ok(account::lock_superusers(tx).await? == [id])
}
