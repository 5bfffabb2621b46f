//! Handing out everything that is stored about a person, but for hashes and secrets: page by page, so that however much it is, little
//! of it is in memory.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::account::{User, UserId};
use crate::domain::audit::{Entry, Event, Record};
use crate::domain::factor::{Method, Recovery};
use crate::domain::session::{Session, SessionId};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::factor::{Listed, NotRecent, factors_of, is_recent};
use crate::service::session::Caller;
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure};
use crate::storage::mail::{self, LinkOf, MailOf};
use crate::storage::{account, audit, factor, session};

/// How many rows are read at once.
const PAGE: u32 = 500;
/// How many people take out their data at once, on this node.
const AT_ONCE: usize = 4;
/// When it is worth trying again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why nothing is handed out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The account is gone.
    #[error("the account is gone")]
    Gone,
    /// The account has a factor beside its password, and it is to be proved again by both.
    #[error("it was proved too long ago")]
    Wanted(Vec<Method>),
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<NotRecent> for ExportError {
    fn from(error: NotRecent) -> Self {
        match error {
            NotRecent::Wanted(methods) => Self::Wanted(methods),
            NotRecent::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// Whose exports are under way on this node.
#[derive(Debug, Default)]
pub struct Exports(Arc<Mutex<HashSet<UserId>>>);

/// An export that is under way. Dropping it ends it.
struct Turn(Arc<Mutex<HashSet<UserId>>>, UserId);

impl Exports {
    /// One at a time a person, and a few in all.
    fn begin(&self, id: UserId) -> Result<Turn, Limited> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.contains(&id) {
            return Err(Limited::Throttled { retry_after: RETRY_AFTER });
        }
        if under_way.len() >= AT_ONCE {
            return Err(Limited::Overloaded { retry_after: RETRY_AFTER });
        }
        under_way.insert(id);
        Ok(Turn(Arc::clone(&self.0), id))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// What is handed out, as it is read.
pub struct Export {
    /// The account.
    pub user: User,
    /// Its mails, the oldest first.
    pub mails: Vec<MailOf>,
    /// Its links, the oldest first.
    pub links: Vec<LinkOf>,
    /// What it has beside its password.
    pub factors: Listed,
    /// Their removal, where somebody who has lost them has asked for it.
    pub recovery: Option<Recovery>,
    /// The addresses that it had and that are kept for it, and when it left them.
    pub left_addresses: Vec<(String, Timestamp)>,
    app: Arc<App>,
    next: Next,
    _turn: Option<Turn>,
}

/// Where the next page begins.
enum Next {
    Sessions(Option<(Timestamp, SessionId)>),
    Audit(Option<(Timestamp, i64)>),
    Nothing,
}

/// A part of what is stored.
pub enum Page {
    /// Sessions that are still stored, ended ones too; first, and the oldest first.
    Sessions(Vec<Session>),
    /// The audit; the oldest first.
    Audit(Vec<Entry>),
}

/// Everything stored about the caller.
///
/// # Errors
/// See [`ExportError`].
pub async fn export(app: &Arc<App>, caller: &Caller, client: &Client) -> Result<Export, ExportError> {
    let (is_recent, methods) = is_recent(app, caller).await?;
    if methods.len() > 1 && !is_recent {
        return Err(ExportError::Wanted(methods));
    }
    let account = throttle::in_session(app, caller);
    let turn = app.exports.begin(caller.user.id)?;
    let attempt = Attempt::begin::<ExportError>(app, Scope::Export, client, Some(account)).await?;
    let id = caller.user.id;
    let export = hand_out(app, id, client.record(Event::DataExported, id, None)).await?.ok_or(ExportError::Gone)?;
    attempt.succeeded().await;
    Ok(Export { _turn: Some(turn), ..export })
}

/// Everything stored about a person. That it is handed out is written down first, and so is part of it. None: there is no such person.
pub(in crate::service) async fn hand_out(
    app: &Arc<App>,
    id: UserId,
    record: Record,
) -> Result<Option<Export>, Failure> {
    let noted = app.store.write((id, record), |tx, (id, record)| {
        Box::pin(async move {
            let Some(locked) = account::lock(tx, *id).await? else { return Ok(None) };
            audit::append(tx, record, locked.now).await?;
            let (mails, links) = (mail::mails_of(tx, *id).await?, mail::links_of(tx, *id).await?);
            let factors = factors_of(tx, *id, Timestamp::EPOCH).await?;
            let stands = |recovery: &Recovery| recovery.stands(locked.version, locked.user.is_superuser);
            let recovery = factor::recovery(tx, *id).await?.filter(stands);
            Ok(Some((locked.user, (mails, links), (factors, recovery), account::left_by(tx, *id).await?)))
        })
    });
    let export = |(user, (mails, links), (factors, recovery), left_addresses)| Export {
        user,
        mails,
        links,
        factors,
        recovery,
        left_addresses,
        app: Arc::clone(app),
        next: Next::Sessions(None),
        _turn: None,
    };
    Ok(noted.await?.map(export))
}

impl Export {
    /// The next page. None: that was all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next(&mut self) -> Result<Option<Page>, Failure> {
        let mut tx = self.app.store.read().await?;
        if let Next::Sessions(after) = self.next {
            let page = session::page_of_user(&mut tx, self.user.id, after, PAGE).await?;
            self.next = if page.last.is_some() { Next::Sessions(page.last) } else { Next::Audit(None) };
            if page.last.is_some() {
                return Ok(Some(Page::Sessions(page.items)));
            }
        }
        if let Next::Audit(after) = self.next {
            let page = audit::page_of_user(&mut tx, self.user.id, after, PAGE).await?;
            self.next = if page.last.is_some() { Next::Audit(page.last) } else { Next::Nothing };
            if page.last.is_some() {
                return Ok(Some(Page::Audit(page.items)));
            }
        }
        Ok(None)
    }
}
