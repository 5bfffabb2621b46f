//! Deletes what is no longer needed: old sessions, old audit records, tokens that have expired, and counters in which nothing counts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::{App, Failure};
use crate::storage::{PURGE_BATCH, audit, password, session, throttle};

/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// How long a session's row is kept after it ended or expired. Until then its tokens are refused with the reason; without the
/// row they are merely not authentic.
const SESSION_RETENTION: Duration = Duration::from_hours(168);

/// Purges for as long as the task lives.
pub async fn keep_house(app: Arc<App>, audit_retention: Duration) {
    loop {
        if let Err(error) = purge(&app, audit_retention).await {
            tracing::warn!(%error, "old rows can't be deleted; trying again later");
        }
        sleep(EVERY).await;
    }
}

/// Purges once, in short transactions.
///
/// # Errors
/// When the database does not answer; what was deleted until then stays deleted.
pub async fn purge(app: &App, audit_retention: Duration) -> Result<(), Failure> {
    let now = app.store.read().await?.now().await?;
    let (sessions_before, audit_before) = (now - SESSION_RETENTION, now - audit_retention);
    while app.store.write((), move |tx, ()| Box::pin(session::purge(tx, sessions_before))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(audit::purge(tx, audit_before))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(throttle::purge(tx, now))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(password::purge(tx, now))).await? == PURGE_BATCH {}
    Ok(())
}
