//! Whether somebody has proved, in this session and a moment ago, who they are.

use crate::domain::factor::Method;
use crate::domain::timestamp::Timestamp;
use crate::service::session::Caller;
use crate::service::{App, Failure};
use crate::storage::{factor, session};

/// They have not.
#[derive(Debug, thiserror::Error)]
pub enum NotRecent {
    /// It is to be proved again, by all of these kinds: the password, and one of the others where there are any. None at all: by nothing, for
    /// the page is one of many.
    #[error("it was proved too long ago")]
    Wanted(Vec<Method>),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Asks for a recent proof of the caller. Reads the row, not a cache.
pub(in crate::service) async fn ensure_recent(app: &App, caller: &Caller) -> Result<(), NotRecent> {
    match is_recent(app, caller).await? {
        (true, _) => Ok(()),
        (false, methods) => Err(NotRecent::Wanted(methods)),
    }
}

/// Whether there is one; and by what the account can give one.
pub(in crate::service) async fn is_recent(app: &App, caller: &Caller) -> Result<(bool, Vec<Method>), NotRecent> {
    if caller.one_of_many {
        return Err(NotRecent::Wanted(Vec::new()));
    }
    Ok(look(app, caller).await?)
}

async fn look(app: &App, caller: &Caller) -> Result<(bool, Vec<Method>), Failure> {
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    let row = session::find(&mut tx, caller.session.id).await?.map(|(session, _)| session);
    let live = row.filter(|session| session.ended.is_none());
    let proved_at = live.and_then(|session| session.proved_at);
    let recent = app.factor.cookies.is_recent(&caller.recent, caller.session.id, proved_at, now);
    let not_before = app.session.policy.not_before.unwrap_or(Timestamp::EPOCH);
    let standing = factor::standing(&mut tx, caller.user.id, not_before).await?;
    let methods = standing.map_or_else(Vec::new, |(enrolled, _)| enrolled.methods());
    Ok((recent, methods))
}
