//! Sliding logs by key: a bounded number of them, and no attacker can make one be forgotten.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use crate::domain::throttle::{ClientKey, Counter, Guesser, Key, Log, Rule, Throttled};
use crate::domain::timestamp::Timestamp;

/// How many keys have a log of their own.
pub(super) const MAX_KEYS: usize = 200_000;

/// The log of those who come when there is no room for a log of their own. Sites and accounts keep apart from the rest,
/// because their limits differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SharedKey {
    site: bool,
    known: bool,
    bucket: u16,
}

/// The shared log of a key.
fn shared(key: Key) -> SharedKey {
    let (site, known, bucket) = match key {
        Key::Client(client) => (matches!(client, ClientKey::V6Site(_)), false, client.shared()),
        // There are as many as an operator has named.
        Key::Network(_) => (true, true, 0),
        Key::Account { name: [high, low, ..], by } => (false, by != Guesser::Stranger, u16::from_be_bytes([high, low])),
        Key::Session([high, low, ..]) => (false, false, u16::from_be_bytes([high, low])),
    };
    SharedKey { site, known, bucket }
}

type SharedLog = Arc<Mutex<Log>>;

/// Logs of one counter. Clones share them.
///
/// moka evicts nothing here: with a capacity, an attacker who sprays fresh keys has his own log evicted, or keeps out those of
/// others. Instead the number of logs is bounded by us, and beyond it keys share logs: stricter for them, never open. A log goes
/// when it has not been asked for longer than the window by moka's clock; by then nothing in it counts by ours.
#[derive(Clone)]
pub(super) struct Counters {
    counter: Counter,
    own: Cache<Key, SharedLog>,
    shared: Cache<SharedKey, SharedLog>,
    /// How many logs `own` holds. Exact, where moka's count is not: up when moka makes one, down when it tells that one is gone.
    live: Arc<AtomicUsize>,
    max_keys: usize,
}

impl Counters {
    pub(super) fn new(counter: Counter, window: Duration, max_keys: usize) -> Self {
        // A second more, so that the two clocks need not agree to the microsecond.
        Self::forgetting_after(counter, window + Duration::from_secs(1), max_keys)
    }

    fn forgetting_after(counter: Counter, idle: Duration, max_keys: usize) -> Self {
        let live = Arc::new(AtomicUsize::new(0));
        let gone = Arc::clone(&live);
        let own = Cache::builder()
            .time_to_idle(idle)
            .eviction_listener(move |_, _, _| _ = gone.fetch_sub(1, Ordering::SeqCst))
            .build();
        Self { counter, own, shared: Cache::builder().time_to_idle(idle).build(), live, max_keys }
    }

    /// Decides on an attempt by the log of `key`, as the only one that looks at it.
    pub(super) fn reserve(&self, key: Key, rule: Rule, now: Timestamp) -> Result<Slot, Throttled> {
        let (log, is_own) = self.log(key);
        let at = rule.reserve(&mut lock(&log), now)?;
        Ok(Slot { log, is_own, counter: self.counter, key, rule, at })
    }

    /// What an attempt would be answered. Takes nothing.
    pub(super) fn peek(&self, key: Key, rule: Rule, now: Timestamp) -> Result<(), Throttled> {
        would(self.own.get(&key).or_else(|| self.shared.get(&shared(key))), rule, now)
    }

    /// The same, as far as the key's own log tells.
    pub(super) fn peek_own(&self, key: Key, rule: Rule, now: Timestamp) -> Result<(), Throttled> {
        would(self.own.get(&key), rule, now)
    }

    /// Forgives what was noted under `key` until then.
    pub(super) fn forgive(&self, key: Key, until: Timestamp) {
        if let Some(log) = self.own.get(&key) {
            lock(&log).forgive(until);
        }
    }

    /// How many logs there are.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    /// The log of a key, and whether it is the key's own.
    fn log(&self, key: Key) -> (SharedLog, bool) {
        match self.own_log(key) {
            Some(own) => (own, true),
            None => (self.shared.get_with(shared(key), SharedLog::default), false),
        }
    }

    /// None: there is none, and no room for it.
    fn own_log(&self, key: Key) -> Option<SharedLog> {
        let room = |live| (live < self.max_keys).then_some(live + 1);
        if room(self.live()).is_none() {
            // The next step would come to the same; under attack this one is cheaper.
            return self.own.get(&key);
        }
        // moka runs the closure for one caller per key at a time, and only when there is no log.
        self.own.optionally_get_with(key, || {
            self.live.fetch_update(Ordering::SeqCst, Ordering::SeqCst, room).ok().map(|_| SharedLog::default())
        })
    }
}

fn would(log: Option<SharedLog>, rule: Rule, now: Timestamp) -> Result<(), Throttled> {
    log.map_or(Ok(()), |log| rule.peek(&lock(&log), now))
}

fn lock(log: &SharedLog) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One place that an attempt has taken.
pub struct Slot {
    log: SharedLog,
    is_own: bool,
    counter: Counter,
    key: Key,
    rule: Rule,
    at: Timestamp,
}

impl Slot {
    pub(super) fn refund(&self) {
        lock(&self.log).refund(self.at);
    }

    /// What is counted, in bytes that no other counter or key has.
    #[must_use]
    pub fn name(&self) -> Vec<u8> {
        self.key.name(self.counter)
    }

    /// Which counter the place is of.
    #[must_use]
    pub const fn counter(&self) -> Counter {
        self.counter
    }

    /// How often it may be tried.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// When the attempt was admitted.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Learns what all nodes have counted, and when this attempt was admitted there; none: it was refused.
    pub fn learn(&mut self, log: Log, admitted: Option<Timestamp>) {
        // A log that many keys share knows more than the log of this one.
        if self.is_own {
            *lock(&self.log) = log;
            self.at = admitted.unwrap_or(self.at);
        } else if admitted.is_none() {
            self.refund();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::domain::throttle::Limit;

    const ONE: Rule = Rule { limit: Limit { count: 1, window: Duration::from_mins(1) }, pace: None };

    fn key(number: u32) -> Key {
        Key::Client(ClientKey::V4(number))
    }

    fn admitted(counters: &Counters, number: u32) -> bool {
        counters.reserve(key(number), ONE, Timestamp::EPOCH).is_ok()
    }

    #[test]
    fn beyond_the_bound_keys_share_logs_and_the_old_ones_stay() {
        let counters = Counters::new(Counter::Logins, ONE.limit.window, 1_000);
        assert!((0..1_000).all(|number| admitted(&counters, number)));
        assert_eq!(counters.live(), 1_000);
        // One attempt for each /16 of those who come later, not one for each of them.
        let sprayed =
            (0..50_000u32).map(|number| 0x1000_0000 + number * 256).filter(|number| admitted(&counters, *number));
        assert_eq!(sprayed.count(), 196);
        assert_eq!(counters.live(), 1_000);
        assert!(!(0..1_000).any(|number| admitted(&counters, number)));
        counters.shared.run_pending_tasks();
        assert_eq!(counters.shared.entry_count(), 196);
    }

    #[test]
    fn the_number_of_logs_is_exact_whatever_happens_at_once() {
        // So short that logs expire while others are made.
        let counters = Counters::forgetting_after(Counter::Logins, Duration::from_micros(50), 500);
        thread::scope(|scope| {
            for thread in 0..8u32 {
                let counters = &counters;
                scope.spawn(move || {
                    for step in 0..5_000 {
                        counters.log(key((step * 7 + thread * 13) % 900));
                        assert!(counters.live() <= 500);
                    }
                });
            }
        });
        counters.own.run_pending_tasks();
        assert_eq!(u64::try_from(counters.live()).unwrap(), counters.own.entry_count());
    }

    #[test]
    fn a_refund_reaches_the_log_it_came_from() {
        let counters = Counters::new(Counter::Logins, ONE.limit.window, 1);
        let first = counters.reserve(key(1), ONE, Timestamp::EPOCH).unwrap();
        let second = counters.reserve(key(2), ONE, Timestamp::EPOCH).unwrap();
        assert!(!admitted(&counters, 1));
        assert!(!admitted(&counters, 3));
        second.refund();
        assert!(!admitted(&counters, 1));
        assert!(admitted(&counters, 3));
        first.refund();
        assert!(admitted(&counters, 1));
    }
}
