//! Leaves the cores to passwords that are being hashed, whatever else is asked for meanwhile.
//!
//! The threads that hash have a lower priority than those that serve requests, so a flood of requests that cost next to nothing, such as
//! `GET /health` or refused logins, would take all of their time. While anything is hashed each address has a pace: who asks
//! faster is answered a little later, and a client that waits for its answers asks no more. Nobody is refused.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::domain::throttle::ClientKey;
use crate::platform::hashing::HashPool;

/// Between two requests of an address: what they cost is a small part of a core.
const INTERVAL: Duration = Duration::from_micros(500);
/// So far may requests come before their time: pages ask for several things at once.
const BURST: Duration = Duration::from_millis(100);
/// No answer is held for longer, whatever else the address asks for.
const MOST: Duration = Duration::from_millis(250);

/// How long an address that does not ask is remembered, and how many are. One that is forgotten has its burst again.
const IDLE: Duration = Duration::from_secs(10);
const CAPACITY: u64 = 10_000;

/// The paces of all addresses.
pub struct Pace {
    hashing: HashPool,
    since: Instant,
    /// When the next request of an address is due, in microseconds since then.
    due: Cache<ClientKey, Arc<AtomicU64>>,
    held: AtomicU64,
}

impl Pace {
    /// For the cores that this pool hashes on.
    #[must_use]
    pub fn new(hashing: HashPool) -> Self {
        let due = Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build();
        Self { hashing, since: Instant::now(), due, held: AtomicU64::new(0) }
    }

    /// Waits until a request of this client is due; it is at once while nothing is hashed.
    pub async fn keep(&self, client: Option<IpAddr>) {
        if !self.hashing.is_busy() {
            return;
        }
        let due = self.due.get_with(ClientKey::of(client), Arc::default);
        let wait = turn(&due, self.since.elapsed());
        if !wait.is_zero() {
            self.held.fetch_add(1, Ordering::Relaxed);
            // In a box: hardly any request waits, and each one has the room for it otherwise.
            Box::pin(tokio::time::sleep(wait)).await;
        }
    }

    /// How many requests were held since the process began.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }
}

/// Takes the next turn of an address, and tells how long it is until then.
fn turn(due: &AtomicU64, now: Duration) -> Duration {
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
        (0..requests).map(|_| turn(due, now)).collect()
    }

    #[test]
    fn a_page_full_of_requests_is_answered_at_once_and_a_flood_at_its_pace() {
        let (due, now) = (AtomicU64::new(0), Duration::from_hours(1));
        let waits = at_once(&due, 1_000, now);
        assert!(waits[..=200].iter().all(Duration::is_zero));
        assert_eq!(waits[201], INTERVAL);
        assert_eq!(waits[300], 100 * INTERVAL);
        assert_eq!(waits[999], MOST, "however many there are");
    }

    #[test]
    fn who_waits_for_answers_asks_two_thousand_times_a_second() {
        let (due, begin) = (AtomicU64::new(0), Duration::from_hours(1));
        // 32 connections, each of which asks as soon as it has its answer.
        let mut connections = vec![begin; 32];
        let mut answered = 0;
        while let Some(now) = connections.iter_mut().min().filter(|now| **now < begin + Duration::from_secs(10)) {
            *now += turn(&due, *now) + Duration::from_micros(10);
            answered += 1;
        }
        assert!((20_000..20_300).contains(&answered), "{answered}");
    }

    #[test]
    fn who_was_held_is_let_be_after_a_pause() {
        let (due, now) = (AtomicU64::new(0), Duration::from_hours(1));
        at_once(&due, 10_000, now);
        let later = now + BURST + MOST + INTERVAL;
        assert!(at_once(&due, 200, later).iter().all(Duration::is_zero));
    }
}
