//! The hashing pool: every bcrypt of the service runs on its threads, and whatever else verifies a password.
//!
//! bcrypt at cost 12 takes a quarter of a second of a core. On an async worker it would hold up every other request; without a
//! bound a burst of logins would queue for minutes. So the pool has threads of its own at low priority, takes only as much work
//! as it can finish in time, and forgets work whose caller has gone. `docs/design/login-protection.md` says why.

mod check;
mod foreign;
mod kernel;
mod lanes;
mod line;
mod pi;
mod place;
mod queue;
mod rate;
mod shared;
mod subject;
mod work;
mod worker;

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

use crate::config::hashing::Hashing;
use crate::config::imported::Imported;
use crate::domain::password::{Password, PasswordHash};
use crate::platform::random::{Random, RandomError};

use check::{Checked, check_and_measure};
use queue::{Position, Queue, Refusal};
use rate::Size;
use shared::{Shared, lock, yield_to_others};
use worker::Worker;

pub use place::{Pending, Place};
pub use subject::{Class, Subject};

/// Verifications that share a thread, unless `HASH_LANES` says otherwise. Without optimisation the crate is faster, which is optimised in
/// every build.
const DEFAULT_LANES: usize = if cfg!(debug_assertions) { 1 } else { kernel::MAX_LANES };

/// However long `HASH_QUEUE` is, a job that has not begun after this is refused: a request has 30 seconds, of which its body may
/// take ten, and a hash some.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password is the one that was hashed.
    pub matches: bool,
    /// Whether the stored hash was made by other software, at another cost than configured, or of another form of the same letters: hash
    /// the password anew. False where nothing matches.
    pub outdated: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// More work is waiting than can be done in time, or the subject has its share of it. Nothing was hashed.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded {
        /// When there will be room, if nobody else comes; at least a second.
        retry_after: Duration,
    },
    /// The pool has been closed.
    #[error("the hashing pool is closed")]
    Closed,
    /// The job was taken back, or ended in a defect of ours.
    #[error("the password was not hashed")]
    Failed,
    /// There is no salt.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl From<Refusal> for HashError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full { retry_after } => Self::Overloaded { retry_after },
            Refusal::Closed => Self::Closed,
        }
    }
}

/// What the pool is doing and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// Places that are reserved, and jobs that wait for a thread.
    pub waiting: usize,
    /// Jobs that a thread works on.
    pub running: usize,
    /// Jobs that all threads can work on at a time.
    pub lanes: usize,
    /// How long a login that comes now would wait, as far as can be foreseen.
    pub predicted_wait: Duration,
    /// Jobs begun since the start.
    pub begun: u64,
    /// How long they had waited, all together.
    pub waited: Duration,
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
}

impl HashPool {
    /// Starts the threads. New hashes get `cost`, which is 4 to 16.
    ///
    /// # Errors
    /// When bcrypt does not give the known result, or the operating system gives no threads.
    pub fn start(config: Hashing, cost: u32, random: Random) -> io::Result<Self> {
        Self::start_for(config, cost, random, Imported::default())
    }

    /// Does [`HashPool::start`], for a database that may hold hashes of other software.
    ///
    /// # Errors
    /// As there.
    pub fn start_for(config: Hashing, cost: u32, random: Random, imported: Imported) -> io::Result<Self> {
        let lanes = config.lanes.unwrap_or(DEFAULT_LANES);
        let checked = check_and_measure(lanes).ok_or_else(|| io::Error::other("bcrypt is broken"))?;
        let threads =
            config.threads.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1).max(1);
        let pool = Pool::without_threads(config.queue, threads, checked, cost, (random, imported));
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new().name(format!("hashing-{number}")).spawn(move || {
                yield_to_others();
                Worker::new(&shared).run();
            })?;
            lock(&pool.threads).push(thread);
        }
        Ok(Self(Arc::new(pool)))
    }

    /// Refuses whoever would find no place in the queue now, before anything else is spent on them. Takes none.
    ///
    /// # Errors
    /// As [`HashPool::reserve`].
    pub fn room(&self, class: Class, subject: Subject) -> Result<(), HashError> {
        Ok(self.0.shared.queue().room(class, subject, Instant::now())?)
    }

    /// Takes a place in the queue for one job: before anything of the account is read, so that a refusal tells nothing of it and costs
    /// nothing else.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when the job would wait too long, or `subject` has its share; [`HashError::Closed`].
    pub fn reserve(&self, class: Class, subject: Subject) -> Result<Place, HashError> {
        let ([position], begin_by) = self.take(class, subject)?;
        Ok(Place::new(Arc::clone(&self.0.shared), position, Some(begin_by)))
    }

    /// Takes two places, one behind the other, both or none: to verify one password, then hash another. Whoever may have one job may
    /// have these two. The second is not refused for the time that the first took.
    ///
    /// # Errors
    /// As [`HashPool::reserve`].
    pub fn reserve_two(&self, class: Class, subject: Subject) -> Result<(Place, Place), HashError> {
        let ([first, second], begin_by) = self.take(class, subject)?;
        let shared = &self.0.shared;
        let first = Place::new(Arc::clone(shared), first, Some(begin_by));
        Ok((first, Place::new(Arc::clone(shared), second, None)))
    }

    fn take<const N: usize>(&self, class: Class, subject: Subject) -> Result<([Position; N], Instant), HashError> {
        let (shared, now) = (&self.0.shared, Instant::now());
        // What for is not known yet; most are verified.
        let size = Size { rounds: 1 << shared.cost, alone: !shared.uses_lanes(), memory: 0 };
        let positions = shared.queue().reserve(class, subject, size, now)?;
        Ok((positions, now + shared.longest_wait))
    }

    /// Reserves for nobody in particular, and does [`Place::hash`].
    ///
    /// # Errors
    /// When the pool has too much to do, is closed, or has no salt.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        self.reserve(Class::Other, Subject::UNBOUNDED)?.hash(password).await
    }

    /// Reserves for nobody in particular, and does [`Place::verify`].
    ///
    /// # Errors
    /// When the pool has too much to do or is closed.
    pub async fn verify(&self, password: Password, stored: Option<PasswordHash>) -> Result<Verified, HashError> {
        self.reserve(Class::Login, Subject::UNBOUNDED)?.verify(&password, stored).await
    }

    /// Reserves for nobody in particular, and does [`Place::verify_nobody`].
    ///
    /// # Errors
    /// When the pool has too much to do or is closed.
    pub async fn verify_nobody(&self) -> Result<Verified, HashError> {
        self.reserve(Class::Login, Subject::UNBOUNDED)?.verify_nobody().await
    }

    /// What the pool is doing and has done.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let queue = self.0.shared.queue();
        Gauges {
            waiting: queue.waiting(),
            running: queue.running(),
            lanes: queue.lanes(),
            begun: queue.begun,
            waited: queue.waited,
            predicted_wait: queue.predicted_wait(Class::Login, Instant::now()),
            rounds_done: self.rounds_done(),
            refused: queue.refused,
            abandoned: queue.abandoned,
        }
    }

    /// Whether anything waits for a thread or has one. Takes no lock.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.0.shared.is_busy()
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
            // Jobs that panic are caught: a thread that panicked nevertheless has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HashPool").field(&self.gauges()).finish()
    }
}

impl Pool {
    fn without_threads(
        patience: Duration,
        threads: usize,
        checked: Checked,
        cost: u32,
        (random, imported): (Random, Imported),
    ) -> Self {
        let Checked { lanes, rates } = checked;
        let queue = Queue::new(threads, lanes, rates, patience);
        let shared = Arc::new(Shared::new(queue, lanes, cost, random, imported, longest_wait(patience)));
        Self { shared, threads: Mutex::default() }
    }
}

/// The second is for a thread to wake up on a busy machine, also when nobody may wait. A login that waits for all of `patience` waits
/// for as much again when others come and take their turns.
fn longest_wait(patience: Duration) -> Duration {
    patience.saturating_mul(2).saturating_add(Duration::from_secs(1)).min(LONGEST_WAIT)
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
