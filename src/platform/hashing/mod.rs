//! The hashing pool: every bcrypt of the service runs on its threads.
//!
//! bcrypt at cost 12 takes a quarter of a second of a core. On an async worker it would hold up every other request; without a
//! bound a burst of logins would queue for minutes. So the pool has threads of its own at low priority, takes only as much work
//! as it can finish in time, and forgets work whose caller has gone. `docs/design/login-protection.md` says why.

mod queue;
mod shared;
mod work;

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::config::hashing::Hashing;
use crate::domain::password::{Password, PasswordHash};
use crate::platform::random::{Random, RandomError};

use shared::{Shared, lock};
use work::{Job, Stored};

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password is the one that was hashed.
    pub matches: bool,
    /// Whether the stored hash was made at a lower cost than configured: hash the password anew.
    pub outdated: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// More work is waiting than can be done in time. Nothing was hashed.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded {
        /// When there will be room, if nobody else comes; at least a second.
        retry_after: Duration,
    },
    /// The pool has been closed.
    #[error("the hashing pool is closed")]
    Closed,
    /// There is no salt.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// What the pool is doing and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// Jobs that wait for a thread.
    pub waiting: usize,
    /// Jobs that a thread works on.
    pub running: usize,
    /// How long a job that comes now would wait, as far as can be foreseen.
    pub predicted_wait: Duration,
    /// Rounds done since the start; a hash of cost c has 2^c.
    pub rounds_done: u64,
    /// Jobs refused since the start, at once or at the deadline.
    pub refused: u64,
    /// Jobs dropped since the start because their caller had gone.
    pub abandoned: u64,
}

/// Hashes and verifies passwords on threads of its own. Clones share them; with the last clone they end.
#[derive(Clone)]
pub struct HashPool(Arc<Pool>);

struct Pool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    cost: u32,
    random: Random,
    /// A job that has not begun after this is refused after all: the prediction was wrong.
    deadline: Duration,
}

impl HashPool {
    /// Starts the threads. New hashes get `cost`, which is 4 to 16.
    ///
    /// # Errors
    /// When bcrypt does not give the known result, or the operating system gives no threads.
    pub fn start(config: Hashing, cost: u32, random: Random) -> io::Result<Self> {
        let rounds_per_second = work::check_and_measure().ok_or_else(|| io::Error::other("bcrypt is broken"))?;
        let threads =
            config.threads.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1).max(1);
        let pool = Pool::without_threads(config.queue, threads, rounds_per_second, cost, random);
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new().name(format!("hashing-{number}")).spawn(move || shared.serve(cost))?;
            lock(&pool.threads).push(thread);
        }
        Ok(Self(Arc::new(pool)))
    }

    /// Hashes a new password, at the configured cost, with a new salt.
    ///
    /// # Errors
    /// When the pool has too much to do, is closed, or has no salt.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let salt = self.0.random.bytes()?;
        self.run(1 << self.0.cost, |reply| Job::Hash { password, salt, reply }).await
    }

    /// Whether `password` is the one of the `stored` hash; there is none for an unknown user, and nobody's password matches.
    ///
    /// Always takes 2^max(C, c) rounds, C being the configured cost and c the stored one: neither an unknown user nor a hash
    /// imported at a lower cost shows in the time. A stored hash that is malformed, or would take longer than cost 16, is
    /// treated as none.
    ///
    /// # Errors
    /// When the pool has too much to do or is closed.
    pub async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<Verified, HashError> {
        let stored = stored.and_then(|hash| {
            let stored = Stored::parse(&hash);
            if stored.is_none() {
                tracing::warn!(
                    "a stored password hash can't be verified: it is malformed, of another kind, or too costly"
                );
            }
            stored
        });
        let Some(stored) = stored else { return self.verify_nobody().await };
        self.run(1 << stored.cost().max(self.0.cost), |reply| Job::Verify { password, stored, reply }).await
    }

    /// Takes as long as [`HashPool::verify`] of an unknown user: for a login with a value that no account can have.
    ///
    /// # Errors
    /// When the pool has too much to do or is closed.
    pub async fn verify_nobody(&self) -> Result<Verified, HashError> {
        self.run(1 << self.0.cost, |reply| Job::Nobody { reply }).await
    }

    /// What the pool is doing and has done.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let queue = self.0.shared.queue();
        Gauges {
            waiting: queue.waiting(),
            running: queue.running(),
            predicted_wait: queue.predicted_wait(Instant::now()),
            rounds_done: self.rounds_done(),
            refused: queue.refused,
            abandoned: queue.abandoned,
        }
    }

    /// Rounds done since the start.
    #[must_use]
    pub fn rounds_done(&self) -> u64 {
        self.0.shared.rounds_done()
    }

    /// Refuses what waits and what comes, and ends the threads. Blocks until they have finished what they are working on: not
    /// for an async worker. Dropping the last clone does the same without waiting.
    pub fn close(&self) {
        self.0.shared.close();
        for thread in std::mem::take(&mut *lock(&self.0.threads)) {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }

    async fn run<T>(&self, rounds: u64, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, HashError> {
        let (reply, mut answer) = oneshot::channel();
        let ticket = self.0.shared.submit(job(reply), rounds)?;
        if let Ok(answer) = timeout(self.0.deadline, &mut answer).await {
            return answer.map_err(|_| HashError::Closed);
        }
        ticket.expire()?;
        answer.await.map_err(|_| HashError::Closed)
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HashPool").field(&self.gauges()).finish()
    }
}

impl Pool {
    fn without_threads(patience: Duration, threads: usize, rounds_per_second: f64, cost: u32, random: Random) -> Self {
        let shared = Arc::new(Shared::new(threads, rounds_per_second, patience));
        // The second is for a thread to wake up on a busy machine, also when nobody may wait.
        let deadline = patience.saturating_mul(2).saturating_add(Duration::from_secs(1));
        Self { shared, threads: Mutex::default(), cost, random, deadline }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
