//! Deletes what is no longer needed: old sessions, old audit records, tokens that have expired, and counters in which nothing counts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::account::erase_due;
use super::{App, Failure};
use crate::domain::mail::GIVE_UP_AFTER;
use crate::storage::{PURGE_BATCH, account, audit, mail, password, session, throttle};

/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// How long a session's row is kept after it ended or expired. Until then its tokens are refused with the reason; without the
/// row they are merely not authentic.
const SESSION_RETENTION: Duration = Duration::from_hours(168);

/// How long a mail that was sent is remembered, without its address: what counts against budgets lies within a day.
const MAIL_RETENTION: Duration = Duration::from_hours(48);
/// What is too old is given up by those who try to send it; and here, where nobody does.
const GIVE_UP_SLACK: Duration = Duration::from_hours(2);

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
    while app.store.write((), move |tx, ()| Box::pin(account::purge_left(tx, now))).await? == PURGE_BATCH {}
    erase_due(app).await?;
    let (too_old, done_before) = (now - GIVE_UP_AFTER - GIVE_UP_SLACK, now - MAIL_RETENTION);
    app.store.write((), move |tx, ()| Box::pin(mail::give_up(tx, too_old, now))).await?;
    while app.store.write((), move |tx, ()| Box::pin(mail::purge(tx, done_before))).await? == PURGE_BATCH {}
    Ok(())
}
