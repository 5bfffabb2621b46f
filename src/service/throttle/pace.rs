//! Leaves the cores to passwords that are being hashed, whatever else is asked for meanwhile.
//!
//! The threads that hash have a lower priority than those that serve requests, so a flood of requests that cost next to nothing, such as
//! `GET /health` or refused logins, would take all of their time. While anything is hashed each address has a pace: who asks
//! faster is answered a little later, and a client that waits for its answers asks no more. Nobody is refused.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::cache::throttle::Turns;
use crate::platform::hashing::HashPool;

/// The paces of all addresses.
pub struct Pace {
    hashing: HashPool,
    turns: Turns,
    since: Instant,
    held: AtomicU64,
}

impl Pace {
    /// For the cores that this pool hashes on.
    #[must_use]
    pub fn new(hashing: HashPool) -> Self {
        Self { hashing, turns: Turns::default(), since: Instant::now(), held: AtomicU64::new(0) }
    }

    /// Waits until a request of this client is due; it is at once while nothing is hashed.
    pub async fn keep(&self, client: Option<IpAddr>) {
        if !self.hashing.is_busy() {
            return;
        }
        let wait = self.turns.take(client, self.since.elapsed());
        if !wait.is_zero() {
            self.held.fetch_add(1, Ordering::Relaxed);
            // In a box: hardly any request waits, and each one would have the room for it otherwise.
            Box::pin(tokio::time::sleep(wait)).await;
        }
    }

    /// How many requests were held since the process began.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }
}
