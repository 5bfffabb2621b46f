//! Learns what other nodes and the command line have ended or changed.
//!
//! Every node asks the database once a second, whatever messages arrive: the bound holds by construction, not by delivery.

use std::sync::Arc;
use std::time::Duration;

use super::{App, Failure};
use crate::domain::timestamp::Timestamp;
use crate::storage::{sessions, users};

/// How often to ask.
pub const EVERY: Duration = Duration::from_secs(1);
/// How far back to ask again: a transaction may commit later than the time that it wrote. Longer than a statement may take.
const OVERLAP: Duration = Duration::from_secs(10);

/// Asks for as long as the task lives. A failure is logged once, until it works again: meanwhile every answer reads its row.
pub async fn follow(app: Arc<App>) {
    let mut since = None;
    let mut failing = false;
    loop {
        match look(&app, since).await {
            Ok(now) => {
                since = Some(now - OVERLAP);
                failing = false;
            }
            Err(error) if failing => tracing::debug!(error = %error, "revocations can't be read"),
            Err(error) => {
                tracing::warn!(error = %error, "revocations can't be read");
                failing = true;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks once; returns the database's time. The first time nothing is remembered that could be wrong: only the time is asked.
///
/// # Errors
/// When the database does not answer.
pub async fn look(app: &App, since: Option<Timestamp>) -> Result<Timestamp, Failure> {
    let began = app.clock.now();
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    let since = since.unwrap_or(now - OVERLAP);
    for (id, reason) in sessions::ended_since(&mut tx, since).await? {
        app.cache.end(id, reason);
    }
    for (user, at) in users::changed_since(&mut tx, since).await? {
        app.cache.user_changed(user, at, began);
    }
    drop(tx);
    app.clock.follow(now);
    app.cache.looked(began);
    Ok(now)
}
