//! The only source of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::timestamp::Timestamp;

/// Tells the time; tests hold a manual one and move it. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System {
        start: Instant,
    },
    /// The database's clock, kept as an offset to this node's monotonic clock: see [`Clock::follow`].
    Followed {
        start: Instant,
        at_start: Arc<AtomicI64>,
    },
    Manual(Arc<Manual>),
}

/// Both in microseconds.
#[derive(Debug, Default)]
struct Manual {
    now: AtomicI64,
    passed: AtomicU64,
}

impl Clock {
    /// The operating system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System { start: Instant::now() })
    }

    /// Starts with the operating system's time, runs with the monotonic clock, and is set by [`Clock::follow`]: what nodes of
    /// one PostgreSQL use, so that they agree on what has expired whatever their own clocks say.
    #[must_use]
    pub fn following() -> Self {
        let at_start = Arc::new(AtomicI64::new(system_now().micros()));
        Self(Source::Followed { start: Instant::now(), at_start })
    }

    /// A clock that stands still until a test moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Manual { now: AtomicI64::new(start.micros()), ..Manual::default() })))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => system_now(),
            Source::Followed { start, at_start } => {
                Timestamp::from_micros(at_start.load(Ordering::Relaxed)) + start.elapsed()
            }
            Source::Manual(manual) => Timestamp::from_micros(manual.now.load(Ordering::SeqCst)),
        }
    }

    /// How long the clock has run, whatever anybody has set it to: never goes back, and never jumps. For how old something is that
    /// this process remembers. Means nothing to another process.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { start } | Source::Followed { start, .. } => start.elapsed(),
            Source::Manual(manual) => Duration::from_micros(manual.passed.load(Ordering::SeqCst)),
        }
    }

    /// The time that statements on PostgreSQL must use instead of the database's clock: only a manual clock has one.
    #[must_use]
    pub fn fixed(&self) -> Option<Timestamp> {
        matches!(self.0, Source::Manual(_)).then(|| self.now())
    }

    /// Learns that it is `there` on the database's clock, now. Other clocks than [`Clock::following`] ignore it.
    pub fn follow(&self, there: Timestamp) {
        if let Source::Followed { start, at_start } = &self.0 {
            at_start.store((there - start.elapsed()).micros(), Ordering::Relaxed);
        }
    }

    /// Moves a manual clock forward; others ignore it.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.now.fetch_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
            manual.passed.fetch_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock, backwards too, as an administrator would: no time passes. Others ignore it.
    pub fn set(&self, now: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.now.store(now.micros(), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system")]
fn system_now() -> Timestamp {
    let span = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH + span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        let twin = clock.clone();
        twin.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::from_seconds(105));
        assert_eq!(clock.fixed(), Some(Timestamp::from_seconds(105)));
    }

    #[test]
    fn what_has_passed_does_not_care_what_the_clock_is_set_to() {
        let clock = Clock::manual(Timestamp::from_seconds(100));
        clock.advance(Duration::from_secs(5));
        clock.set(Timestamp::from_seconds(7));
        assert_eq!((clock.now(), clock.monotonic()), (Timestamp::from_seconds(7), Duration::from_secs(5)));

        let clock = Clock::following();
        let before = clock.monotonic();
        clock.follow(Timestamp::EPOCH);
        assert!(clock.monotonic() >= before);
        assert!(clock.monotonic() < before + Duration::from_mins(1));
    }

    #[test]
    fn a_following_clock_takes_the_databases_time() {
        let clock = Clock::following();
        clock.follow(Timestamp::from_seconds(1_000));
        assert!(clock.now() >= Timestamp::from_seconds(1_000));
        assert!(clock.now() < Timestamp::from_seconds(1_100));
        assert_eq!(clock.fixed(), None);
    }
}
