//! What there is at the moment, for whoever watches over the service.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use super::{App, Failure};
use crate::storage::{PoolUse, session};
use crate::telemetry::logging;
use crate::telemetry::metrics::{Connections, Hashing, Mail, Observed, SessionCache};

/// How often live sessions are counted, which reads the whole table of sessions.
const EVERY: Duration = Duration::from_mins(1);

/// How many sessions can be used, as it was counted last.
#[derive(Debug)]
pub struct LiveSessions(AtomicI64);

impl Default for LiveSessions {
    fn default() -> Self {
        Self(AtomicI64::new(-1))
    }
}

impl LiveSessions {
    fn get(&self) -> Option<u64> {
        u64::try_from(self.0.load(Ordering::Relaxed)).ok()
    }
}

/// Counts live sessions for as long as the task lives. While the database does not answer nobody knows.
pub async fn count_sessions(app: Arc<App>, live: Arc<LiveSessions>) {
    loop {
        let counted = count(&app).await.inspect_err(|error| tracing::debug!(%error, "live sessions were not counted"));
        live.0.store(counted.ok().and_then(|live| i64::try_from(live).ok()).unwrap_or(-1), Ordering::Relaxed);
        sleep(EVERY).await;
    }
}

async fn count(app: &App) -> Result<u64, Failure> {
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    Ok(session::count_live(&mut tx, now).await?)
}

/// All metrics as text.
#[must_use]
pub fn render(app: &App, live: &LiveSessions) -> Vec<u8> {
    let hashing = app.password.hashing.gauges();
    let (remembered_live, remembered_ended) = app.session.cache.sizes();
    let PoolUse { busy, idle, max } = app.store.pool();
    app.metrics.render(&Observed {
        version: env!("CARGO_PKG_VERSION"),
        hashing: Hashing {
            waiting: hashing.waiting,
            running: hashing.running,
            lanes: hashing.lanes,
            predicted_wait: hashing.predicted_wait,
            waited: hashing.waited,
            begun: hashing.begun,
            shed: hashing.refused,
            abandoned: hashing.abandoned,
            rounds: hashing.rounds_done,
        },
        sessions: SessionCache { live: remembered_live, ended: remembered_ended },
        live_sessions: live.get(),
        connections: Connections { busy, idle, max },
        revocations_read: app.session.cache.looked_at().map(|looked| app.clock.monotonic().saturating_sub(looked)),
        throttle_counters: app.limits.counters.live_counters(),
        requests_held: app.limits.pace.held(),
        mail: app.mail.depth().map(|depth| Mail {
            waiting: depth.waiting,
            age: depth.oldest.map_or(Duration::ZERO, |oldest| app.clock.now().since(oldest)),
            dead: depth.dead,
        }),
        log_lines_dropped: logging::dropped_lines(),
    })
}
