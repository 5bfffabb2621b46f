//! How fast an address may ask while passwords are hashed.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::domain::throttle::ClientKey;

/// Between two requests of an address. Each takes a hashing thread some 70 us, most of them to have its tables back in the processor's cache.
const INTERVAL: Duration = Duration::from_millis(2);
/// So far may requests come before their time: pages ask for several things at once.
const BURST: Duration = Duration::from_millis(200);
/// No answer is held for longer, whatever else the address asks for.
const MOST: Duration = Duration::from_millis(250);

/// How long an address that does not ask is remembered, and how many are. One that is forgotten has its burst again.
const IDLE: Duration = Duration::from_secs(10);
const CAPACITY: u64 = 10_000;

/// When each address is due.
#[derive(Debug)]
pub struct Turns {
    /// In microseconds.
    due: Cache<ClientKey, Arc<AtomicU64>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { due: Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build() }
    }
}

impl Turns {
    /// Takes the next turn of an address, and tells how long it is until then. Of `now` any clock may tell that never goes back.
    #[must_use]
    pub fn take(&self, client: Option<IpAddr>, now: Duration) -> Duration {
        take(&self.due.get_with(ClientKey::of(client), Arc::default), now)
    }
}

fn take(due: &AtomicU64, now: Duration) -> Duration {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let now = micros(now);
    let next = |due: u64| due.max(now).min(now + micros(BURST + MOST)) + micros(INTERVAL);
    let due = due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due| Some(next(due))).unwrap_or(now);
    Duration::from_micros(due.saturating_sub(now).saturating_sub(micros(BURST))).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long each of so many requests waits that come at once.
    fn at_once(due: &AtomicU64, requests: u64, now: Duration) -> Vec<Duration> {
        (0..requests).map(|_| take(due, now)).collect()
    }

    #[test]
    fn a_page_full_of_requests_is_answered_at_once_and_a_flood_at_its_pace() {
        let (due, now) = (AtomicU64::new(0), Duration::from_hours(1));
        let waits = at_once(&due, 1_000, now);
        assert!(waits[..=100].iter().all(Duration::is_zero));
        assert_eq!(waits[101], INTERVAL);
        assert_eq!(waits[200], 100 * INTERVAL);
        assert_eq!(waits[999], MOST, "however many there are");
    }

    #[test]
    fn who_waits_for_answers_asks_five_hundred_times_a_second() {
        let (due, begin) = (AtomicU64::new(0), Duration::from_hours(1));
        // 32 connections, each of which asks as soon as it has its answer.
        let mut connections = vec![begin; 32];
        let mut answered = 0;
        while let Some(now) = connections.iter_mut().min().filter(|now| **now < begin + Duration::from_secs(10)) {
            *now += take(&due, *now) + Duration::from_micros(10);
            answered += 1;
        }
        assert!((5_000..5_200).contains(&answered), "{answered}");
    }

    #[test]
    fn who_was_held_is_let_be_after_a_pause() {
        let (due, now) = (AtomicU64::new(0), Duration::from_hours(1));
        at_once(&due, 10_000, now);
        let later = now + BURST + MOST + INTERVAL;
        assert!(at_once(&due, 100, later).iter().all(Duration::is_zero));
    }
}
