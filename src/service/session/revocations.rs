//! Learns what other nodes and the command line have ended or changed.
//!
//! Every node asks the database once a second, whatever messages arrive: the bound on how long a revoked token lives elsewhere
//! holds by construction, not by delivery. A message merely makes it ask at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::cache::sessions::LIVE_FOR;
use crate::domain::timestamp::Timestamp;
use crate::service::{App, Failure, throttle};
use crate::storage::{OPEN_FOR, Revocations, Version, account, session};

/// How often to ask.
const EVERY: Duration = Duration::from_secs(1);

/// What was read, kept over failures: what was changed while the database did not answer, or was not asked, is read afterwards.
#[derive(Debug, Default)]
pub struct Follower {
    /// None: nothing was read yet, and nothing is remembered that could be out of date.
    known: Option<KnownUntil>,
}

/// How far the last look that came to an end has got.
#[derive(Clone, Copy, Debug)]
struct KnownUntil {
    /// What has an earlier time was read.
    horizon: Timestamp,
    /// When the look began, by the monotonic clock.
    began: Duration,
}

/// A look that has begun.
pub struct Look {
    /// By the monotonic clock.
    began: Duration,
    changed: Option<Version>,
    /// What is written from here on, this look may not see.
    horizon: Option<Timestamp>,
}

/// Asks for as long as the task lives. While the database does not answer every request reads its row, or fails.
pub async fn follow_revocations(app: Arc<App>) {
    let mut follower = Follower::default();
    loop {
        let Err(error) = follower.listen(&app).await;
        tracing::warn!(%error, "revocations can't be read; trying again");
        sleep(EVERY).await;
    }
}

impl Follower {
    /// Asks until it fails.
    async fn listen(&mut self, app: &App) -> Result<std::convert::Infallible, Failure> {
        let mut revocations = app.store.revocations().await?;
        loop {
            let look = Self::begin(app, &mut revocations).await?;
            self.finish(app, &mut revocations, look).await?;
            revocations.wait(EVERY).await?;
        }
    }

    /// Begins a look: whatever was committed before is known when it is finished.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(app: &App, revocations: &mut Revocations) -> Result<Look, Failure> {
        let began = app.clock.monotonic();
        let changed = revocations.changed().await?;
        let horizon = match changed {
            // Before the snapshot of the transaction that reads.
            Some(_) => Some(app.store.horizon().await?),
            None => None,
        };
        Ok(Look { began, changed, horizon })
    }

    /// Reads what was ended or changed since the last look.
    ///
    /// # Errors
    /// When the database does not answer: then the next look reads it.
    pub async fn finish(&mut self, app: &App, revocations: &mut Revocations, look: Look) -> Result<(), Failure> {
        if let (Some(version), Some(horizon)) = (look.changed, look.horizon) {
            let mut tx = app.store.read().await?;
            let now = tx.now().await?;
            let since = self.since(horizon, now, app.clock.monotonic());
            let ended = session::ended_since(&mut tx, since).await?;
            // What a reader has read before is from before this snapshot, perhaps; what it reads from now on is not.
            let noticed = app.clock.monotonic();
            let changed = account::changed_since(&mut tx, since).await?;
            let unblocked = account::unblocked_since(&mut tx, since).await?;
            drop(tx);
            for (id, reason) in ended {
                app.session.cache.end(id, reason);
            }
            for (user, changed_at) in changed {
                app.session.cache.user_changed(user, changed_at, noticed);
            }
            for (email, at) in unblocked {
                throttle::unblock(app, &email, at);
            }
            app.clock.follow(now);
            self.known = Some(KnownUntil { horizon, began: look.began });
            revocations.seen(version);
        }
        app.session.cache.looked(look.began);
        Ok(())
    }

    /// From which time on everything is to be read, when it is `now` on the database's clock.
    ///
    /// What was written since the last look has a time that is no longer ago than that look, by whatever the clock showed then and
    /// if it was set back meanwhile: such times are before what is known already, and would be overlooked.
    fn since(&self, horizon: Timestamp, now: Timestamp, monotonic: Duration) -> Timestamp {
        match self.known {
            // What is remembered by then is no older than this.
            None => horizon - LIVE_FOR,
            Some(known) => known.horizon.min(now - monotonic.saturating_sub(known.began) - OPEN_FOR),
        }
    }
}
