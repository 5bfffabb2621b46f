//! Deletes what is no longer needed: old sessions, old audit records, tokens that have expired, and counters in which nothing counts.
//!
//! What is deleted does not come back, so no clock is taken at its word: one that is a hundred days ahead for four seconds would cost all
//! sessions and the whole audit.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::account::erase_due;
use super::{App, Failure};
use crate::domain::mail::GIVE_UP_AFTER;
use crate::domain::timestamp::Timestamp;
use crate::storage::{PURGE_BATCH, account, audit, factor, mail, password, session, throttle};

/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// How long a session's row is kept after it ended or expired. Until then its tokens are refused with the reason; without the
/// row they are merely not authentic.
const SESSION_RETENTION: Duration = Duration::from_hours(168);
/// For so long the clock must have run as the monotonic one did, before anything is deleted by it.
const STEADY_FOR: Duration = Duration::from_hours(1);
/// What a clock that is being slewed may deviate from one look to the next.
const TOLERANCE: Duration = Duration::from_mins(1);

/// How long a mail that was sent is remembered, without its address: what counts against budgets lies within a day.
const MAIL_RETENTION: Duration = Duration::from_hours(48);
/// What is too old is given up by those who try to send it; and here, where nobody does.
const GIVE_UP_SLACK: Duration = Duration::from_hours(2);

/// Purges for as long as the task lives.
pub async fn run(app: Arc<App>, audit_retention: Duration) {
    let mut maintenance = Maintenance::new(audit_retention);
    loop {
        if let Err(error) = maintenance.round(&app).await {
            tracing::warn!(%error, "old rows can't be deleted; trying again later");
        }
        sleep(EVERY).await;
    }
}

/// Purges, once the clock has proved to be steady.
#[derive(Debug)]
pub struct Maintenance {
    audit_retention: Duration,
    seen: Option<Seen>,
}

/// What the clock showed last.
#[derive(Clone, Copy, Debug)]
struct Seen {
    now: Timestamp,
    monotonic: Duration,
    /// Since when, by the monotonic clock, it has not jumped.
    steady_since: Duration,
}

impl Maintenance {
    /// Keeps audit records for so long.
    #[must_use]
    pub const fn new(audit_retention: Duration) -> Self {
        Self { audit_retention, seen: None }
    }

    /// Looks at the clock, and purges if it has been steady for an hour. Says whether it has.
    ///
    /// # Errors
    /// As [`purge`].
    pub async fn round(&mut self, app: &App) -> Result<bool, Failure> {
        let now = app.store.read().await?.now().await?;
        let is_steady = self.is_steady(now, app.clock.monotonic());
        if is_steady {
            purge(app, self.audit_retention, now).await?;
        }
        Ok(is_steady)
    }

    fn is_steady(&mut self, now: Timestamp, monotonic: Duration) -> bool {
        let steady_since = match self.seen {
            Some(seen) if !has_jumped(seen, now, monotonic) => seen.steady_since,
            Some(seen) => {
                tracing::warn!(before = %seen.now, %now, "the clock has jumped: nothing is deleted for an hour");
                monotonic
            }
            None => monotonic,
        };
        self.seen = Some(Seen { now, monotonic, steady_since });
        monotonic.saturating_sub(steady_since) >= STEADY_FOR
    }
}

fn has_jumped(seen: Seen, now: Timestamp, monotonic: Duration) -> bool {
    let expected = seen.now + monotonic.saturating_sub(seen.monotonic);
    now.since(expected).max(expected.since(now)) > TOLERANCE
}

/// Purges once, in short transactions, as if it were `now`.
///
/// # Errors
/// When the database does not answer; what was deleted until then stays deleted.
pub async fn purge(app: &App, audit_retention: Duration, now: Timestamp) -> Result<(), Failure> {
    let (sessions_before, audit_before) = (now - SESSION_RETENTION, now - audit_retention);
    while app.store.write((), move |tx, ()| Box::pin(session::note_idle_days(tx))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(session::purge(tx, sessions_before))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(audit::purge(tx, audit_before))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(throttle::purge(tx, now))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(password::purge(tx, now))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(account::purge_left(tx, now))).await? == PURGE_BATCH {}
    while app.store.write((), move |tx, ()| Box::pin(factor::purge(tx, now))).await? == PURGE_BATCH {}
    erase_due(app, now).await?;
    let (too_old, done_before) = (now - GIVE_UP_AFTER - GIVE_UP_SLACK, now - MAIL_RETENTION);
    app.store.write((), move |tx, ()| Box::pin(mail::give_up(tx, too_old, now))).await?;
    while app.store.write((), move |tx, ()| Box::pin(mail::purge(tx, done_before))).await? == PURGE_BATCH {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const DAYS_100: Duration = Duration::from_hours(2_400);

    /// The clock shows `shows(n)` at the n-th look, ten minutes after the one before. The first looks at which something is deleted.
    fn purges(looks: u32, shows: impl Fn(u32) -> Timestamp) -> Vec<u32> {
        let mut maintenance = Maintenance::new(Duration::ZERO);
        (0..looks).filter(|look| maintenance.is_steady(shows(*look), EVERY * *look)).collect()
    }

    #[test]
    fn a_steady_clock_is_believed_after_an_hour() {
        assert_eq!(purges(9, |look| START + EVERY * look), [6, 7, 8]);
        // Slewed by half a second in a thousand.
        assert_eq!(purges(9, |look| START + EVERY * look * 2_001 / 2_000), [6, 7, 8]);
    }

    #[test]
    fn nothing_is_deleted_by_a_clock_that_has_just_jumped_and_after_it_is_back() {
        let ahead_once = |look: u32| START + EVERY * look + if look == 7 { DAYS_100 } else { Duration::ZERO };
        assert_eq!(purges(16, ahead_once), [6, 14, 15]);
        let behind = |look: u32| if look < 7 { START + EVERY * look } else { START + EVERY * look - DAYS_100 };
        assert_eq!(purges(15, behind), [6, 13, 14]);
        assert_eq!(purges(9, |look| if look == 0 { START + DAYS_100 } else { START + EVERY * look }), [7, 8]);
    }
}
