//! The sliding log: so many in any span, wherever it starts.
//!
//! A fixed window admits twice its count across its edge, a token bucket nearly twice in its first window. Only the times of
//! the last admissions give the exact rule, and they are few.

use std::time::Duration;

use crate::domain::timestamp::Timestamp;

/// So many in any span of this length, wherever the span starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many; at least 1.
    pub count: u32,
    /// The span's length; more than zero. It is half open: what was admitted at `t` counts until just before `t + window`.
    pub window: Duration,
}

/// How often something may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// So many at will.
    pub limit: Limit,
    /// When the limit has been reached one attempt in this time is admitted still; none: the limit is all.
    pub pace: Option<Duration>,
}

impl Rule {
    /// Decides on an attempt: see [`reserve`] and [`reserve_paced`].
    ///
    /// # Errors
    /// When it may not be made now.
    pub fn reserve(self, log: &mut Log, now: Timestamp) -> Result<Timestamp, Throttled> {
        match self.pace {
            None => reserve(log, self.limit, now),
            Some(pace) => reserve_paced(log, self.limit, pace, now),
        }
    }
}

impl Rule {
    /// What an attempt would be answered. Notes nothing.
    ///
    /// # Errors
    /// When it may not be made now.
    pub fn peek(self, log: &Log, now: Timestamp) -> Result<(), Throttled> {
        let Limit { count, window } = self.limit;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        // All that come after one that counts do so, too.
        let blocks = log.0.len().checked_sub(count).and_then(|index| log.0.get(index)).map(|at| now.since(*at));
        let Some(ago) = blocks.filter(|ago| *ago < window) else { return Ok(()) };
        let wait = window.saturating_sub(ago);
        let Some(pace) = self.pace else { return Err(Throttled { retry_after: wait }) };
        let newest = log.0.last().map_or(Duration::ZERO, |at| now.since(*at));
        match pace.saturating_sub(newest) {
            Duration::ZERO => Ok(()),
            to_pace => Err(Throttled { retry_after: wait.min(to_pace) }),
        }
    }
}

/// When attempts were admitted: the newest that still count, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log(Vec<Timestamp>);

/// Not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct Throttled {
    /// When the next attempt would be admitted, if nobody else comes first.
    pub retry_after: Duration,
}

/// Admits an attempt and notes its time, or says how long to wait. A refused attempt leaves no trace: it does not extend the wait.
///
/// # Errors
/// When `limit` has been reached.
pub fn reserve(log: &mut Log, limit: Limit, now: Timestamp) -> Result<Timestamp, Throttled> {
    log.forget(limit.window, now);
    match log.oldest_that_blocks(limit) {
        None => Ok(log.note(now)),
        Some(oldest) => Err(Throttled { retry_after: limit.window.saturating_sub(now.since(oldest)) }),
    }
}

/// As [`reserve`]; but when the limit has been reached, one attempt per `pace` is admitted still. In any window of the limit at
/// most `count + window / pace` (rounded up) are.
///
/// # Errors
/// When the limit has been reached and the last admission is less than `pace` ago.
pub fn reserve_paced(log: &mut Log, limit: Limit, pace: Duration, now: Timestamp) -> Result<Timestamp, Throttled> {
    let Err(throttled) = reserve(log, limit, now) else { return Ok(now) };
    let newest = log.0.last().copied().unwrap_or(now);
    let to_pace = pace.saturating_sub(now.since(newest));
    if !to_pace.is_zero() {
        return Err(Throttled { retry_after: throttled.retry_after.min(to_pace) });
    }
    // Whatever is older than the newest `count` can't be the one that blocks again.
    log.0.remove(0);
    Ok(log.note(now))
}

impl Log {
    /// Takes back the admission noted at `at`, if it still counts. Admissions of the same moment are alike: one of them goes.
    pub fn refund(&mut self, at: Timestamp) {
        if let Ok(index) = self.0.binary_search(&at) {
            self.0.remove(index);
        }
    }

    /// The log of these times, which are in order.
    #[must_use]
    pub const fn of(times: Vec<Timestamp>) -> Self {
        Self(times)
    }

    /// When attempts were admitted, in order.
    #[must_use]
    pub fn times(&self) -> &[Timestamp] {
        &self.0
    }

    /// Forgives what was noted until then.
    pub fn forgive(&mut self, until: Timestamp) {
        self.0.retain(|at| *at > until);
    }

    /// Drops what no longer counts. A time that lies ahead was noted before the clock was set back: how long ago it was nobody
    /// knows, so it counts as noted now. That can only lengthen the wait, and to no more than one window.
    fn forget(&mut self, window: Duration, now: Timestamp) {
        self.0.retain_mut(|at| {
            *at = now.min(*at);
            now.since(*at) < window
        });
    }

    fn oldest_that_blocks(&self, limit: Limit) -> Option<Timestamp> {
        let count = usize::try_from(limit.count).unwrap_or(usize::MAX);
        self.0.len().checked_sub(count).and_then(|index| self.0.get(index)).copied()
    }

    fn note(&mut self, now: Timestamp) -> Timestamp {
        self.0.push(now);
        now
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
