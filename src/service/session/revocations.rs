//! Learns what other nodes and the command line have ended or changed.
//!
//! Every node asks the database once a second, whatever messages arrive: the bound on how long a revoked token lives elsewhere
//! holds by construction, not by delivery. A message merely makes it ask at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::domain::timestamp::Timestamp;
use crate::service::{App, Failure, throttle};
use crate::storage::{Revocations, account, session};

/// How often to ask.
const EVERY: Duration = Duration::from_secs(1);
/// How far back to ask again: a transaction may commit later than the time that it wrote. Longer than a statement may take.
const OVERLAP: Duration = Duration::from_secs(10);

/// Asks for as long as the task lives. While the database does not answer every request reads its row, or fails.
pub async fn follow_revocations(app: Arc<App>) {
    loop {
        let Err(error) = listen(&app).await;
        tracing::warn!(%error, "revocations can't be read; trying again");
        sleep(EVERY).await;
    }
}

/// Asks until it fails.
async fn listen(app: &App) -> Result<std::convert::Infallible, Failure> {
    let mut revocations = app.store.revocations().await?;
    let mut looked = None;
    loop {
        looked = Some(look(app, &mut revocations, looked).await?);
        revocations.wait(EVERY).await?;
    }
}

/// Asks once for what was ended or changed since the last time, and some time before. Returns when it asked, by the clock that
/// rows are written with.
async fn look(app: &App, revocations: &mut Revocations, looked: Option<Timestamp>) -> Result<Timestamp, Failure> {
    let began = app.clock.now();
    if !revocations.may_have_changed().await?
        && let Some(looked) = looked
    {
        app.session.cache.looked(began);
        return Ok(looked);
    }
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    let since = looked.unwrap_or(now) - OVERLAP;
    for (id, reason) in session::ended_since(&mut tx, since).await? {
        app.session.cache.end(id, reason);
    }
    for (user, changed_at) in account::changed_since(&mut tx, since).await? {
        app.session.cache.user_changed(user, changed_at, began);
    }
    for (email, at) in account::unblocked_since(&mut tx, since).await? {
        throttle::unblock(app, &email, at);
    }
    drop(tx);
    app.clock.follow(now);
    app.session.cache.looked(began);
    Ok(now)
}
