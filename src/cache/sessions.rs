//! What this node remembers of sessions, so that asking who is logged in takes no query.
//!
//! Ended wins, whatever the order in which things are learned. The end of a session leaves a *tombstone*, which every look-up
//! asks first. A slow reader that loaded the row while it was live may insert it after the end; it does no harm, because what
//! was read counts for [`LIVE_FOR`] after the read *began*, and the tombstone stands for longer.
//!
//! A remembered live session counts only while the last look for revocations on other nodes began less than [`FRESH_FOR`]
//! ago: that look, not the delivery of any message, is what bounds how long a revoked token lives elsewhere.
//!
//! Ages are told by [`Clock::monotonic`](crate::platform::clock::Clock::monotonic): whatever the clock on the wall is set to, nothing
//! is believed for longer, nor forgotten.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::domain::account::{User, UserId};
use crate::domain::session::{EndReason, Generation, Session, SessionId};
use crate::domain::timestamp::Timestamp;

/// How long a live session is believed after the read that found it began.
pub const LIVE_FOR: Duration = Duration::from_secs(30);
/// How long an end is remembered: longer than any statement takes, and than [`LIVE_FOR`].
pub const ENDED_FOR: Duration = Duration::from_mins(1);
/// How old the last look for revocations may be.
pub const FRESH_FOR: Duration = Duration::from_secs(2);

const CAPACITY: u64 = 100_000;

/// A live session and its user, as a read that began at a time found them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The session.
    pub session: Session,
    /// Its user.
    pub user: User,
    /// When the read began, by the monotonic clock.
    pub read_at: Duration,
    /// What answers say of them, made once.
    pub answers: Answers,
}

/// What answers say of a session and its user, as it is sent: made when it is first wanted, and kept as long as what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The user, as `/me` answers.
    pub user: OnceLock<Bytes>,
    /// The session's name.
    pub session_name: OnceLock<Bytes>,
}

impl Live {
    /// What a read that began at a time found.
    #[must_use]
    pub fn new(session: Session, user: User, read_at: Duration) -> Self {
        Self { session, user, read_at, answers: Answers::default() }
    }
}

/// What is remembered of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was live a moment ago.
    Live(Arc<Live>),
    /// It has ended, for ever.
    Ended(EndReason),
}

/// The cache. One per node.
#[derive(Debug)]
pub struct SessionCache {
    live: Cache<SessionId, Arc<Live>>,
    ended: Cache<SessionId, EndReason>,
    changed: Cache<UserId, Change>,
    /// When the newest of those changes was noticed, in microseconds. Whatever was read later needs no look at them.
    newest_change: AtomicU64,
    /// In microseconds; [`NEVER`] at first.
    looked_at: AtomicU64,
}

const NEVER: u64 = u64::MAX;

/// A user changed lately: what was read of them before that was noticed counts no more.
#[derive(Clone, Copy, Debug)]
struct Change {
    at: Timestamp,
    noticed: Duration,
}

impl Default for SessionCache {
    fn default() -> Self {
        Self {
            live: Cache::builder().max_capacity(CAPACITY).time_to_live(LIVE_FOR).build(),
            // Without a capacity: an end that is pushed out would be forgotten.
            ended: Cache::builder().time_to_live(ENDED_FOR).build(),
            changed: Cache::builder().time_to_live(ENDED_FOR).build(),
            newest_change: AtomicU64::new(0),
            looked_at: AtomicU64::new(NEVER),
        }
    }
}

impl SessionCache {
    /// What is known of a session and can be relied on `now`, by the monotonic clock. None: read the row.
    #[must_use]
    pub fn get(&self, id: SessionId, now: Duration) -> Option<Known> {
        if let Some(reason) = self.ended.get(&id) {
            return Some(Known::Ended(reason));
        }
        let looked_at = Duration::from_micros(self.looked_at.load(Ordering::Acquire));
        let live = self.live.get(&id)?;
        let counts = is_within(live.read_at, LIVE_FOR, now)
            && is_within(looked_at, FRESH_FOR, now)
            && !self.has_changed(live.session.user_id, live.read_at);
        counts.then_some(Known::Live(live))
    }

    /// Whether a change of the user was noticed since a read began.
    fn has_changed(&self, id: UserId, read_at: Duration) -> bool {
        let newest = Duration::from_micros(self.newest_change.load(Ordering::Acquire));
        newest >= read_at && self.changed.get(&id).is_some_and(|change| change.noticed >= read_at)
    }

    /// Remembers what a read or a rotation found.
    pub fn learn(&self, learned: impl Into<Arc<Live>>) {
        let learned = learned.into();
        let id = learned.session.id;
        if self.ended.contains_key(&id) {
            return;
        }
        self.live.entry(id).and_compute_with(|known| match known {
            Some(known) if !replaces(known.value(), &learned) => Op::Nop,
            _ => Op::Put(Arc::clone(&learned)),
        });
    }

    /// Remembers that a generation's receipt was proved, so that it is written once.
    pub fn confirmed(&self, id: SessionId, generation: Generation) {
        self.live.entry(id).and_compute_with(|known| match known {
            Some(known) if known.value().session.generation == generation => {
                let mut live = Live::clone(known.value());
                live.session.confirmed_generation = generation;
                Op::Put(Arc::new(live))
            }
            _ => Op::Nop,
        });
    }

    /// Forgets what was read of a live session: something of it has changed that its generation does not tell.
    pub fn forget(&self, id: SessionId) {
        self.live.invalidate(&id);
    }

    /// Remembers an end. The tombstone first: from here on nobody is told that the session lives.
    pub fn end(&self, id: SessionId, reason: EndReason) {
        self.ended.insert(id, reason);
        self.live.invalidate(&id);
    }

    /// Notices a change of a user (as the database dates it): what was read of them until `noticed`, by the monotonic clock, counts
    /// no more. The same change may be told again.
    pub fn user_changed(&self, id: UserId, at: Timestamp, noticed: Duration) {
        // Rounded up.
        self.newest_change.fetch_max(micros(noticed).saturating_add(1), Ordering::AcqRel);
        self.changed.entry(id).and_compute_with(|known| match known {
            Some(known) if known.value().at == at => Op::Nop,
            _ => Op::Put(Change { at, noticed }),
        });
    }

    /// When the last look for revocations began, by the monotonic clock. None: there was none yet.
    #[must_use]
    pub fn looked_at(&self) -> Option<Duration> {
        let micros = self.looked_at.load(Ordering::Acquire);
        (micros != NEVER).then_some(Duration::from_micros(micros))
    }

    /// How many live and how many ended sessions are remembered.
    #[must_use]
    pub fn sizes(&self) -> (u64, u64) {
        // What was added or has expired is counted only then.
        self.live.run_pending_tasks();
        self.ended.run_pending_tasks();
        (self.live.entry_count(), self.ended.entry_count())
    }

    /// Revocations that were committed before `began`, by the monotonic clock, are known now.
    pub fn looked(&self, began: Duration) {
        self.looked_at.store(micros(began), Ordering::Release);
    }
}

/// A time that does not fit is [`NEVER`]: nothing that was read counts then.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NEVER)
}

/// Of two reads of one live session the one that knows the newer generation counts, then the later one.
fn replaces(known: &Live, learned: &Live) -> bool {
    let rank = |live: &Live| (live.session.generation, live.session.confirmed_generation, live.read_at);
    rank(learned) >= rank(known)
}

/// Not older than the span; and it was there when somebody asked.
fn is_within(then: Duration, span: Duration, now: Duration) -> bool {
    now.checked_sub(then).is_some_and(|age| age < span)
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
