//! Where callers and threads meet: the queue, and who waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::HashError;
use super::queue::{Position, Queue};
use super::work::{Job, Performed};
use crate::platform::random::Random;

/// What the pool's threads and its callers share.
pub(super) struct Shared {
    queue: Mutex<Queue<Job>>,
    wake: Condvar,
    rounds_done: AtomicU64,
    /// Of new hashes.
    pub(super) cost: u32,
    pub(super) random: Random,
    /// A job that has not begun after this is refused after all: the prediction was wrong.
    pub(super) longest_wait: Duration,
}

impl Shared {
    pub(super) fn new(queue: Queue<Job>, cost: u32, random: Random, longest_wait: Duration) -> Self {
        let (queue, wake, rounds_done) = (Mutex::new(queue), Condvar::new(), AtomicU64::new(0));
        Self { queue, wake, rounds_done, cost, random, longest_wait }
    }

    pub(super) fn rounds_done(&self) -> u64 {
        self.rounds_done.load(Ordering::SeqCst)
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<Job>> {
        lock(&self.queue)
    }

    /// Gives a reserved position its job. In a queue that was closed meanwhile the job is dropped, which its caller hears of.
    pub(super) fn submit(&self, position: Position, job: Job, rounds: u64) {
        if self.queue().fill(position, job, rounds) {
            self.wake.notify_one();
        }
    }

    /// Why a job was dropped without an answer.
    pub(super) fn why_nothing_came(&self) -> HashError {
        if self.queue().is_closed() { HashError::Closed } else { HashError::Failed }
    }

    /// What a thread does, until the pool is closed.
    pub(super) fn serve(&self) {
        yield_to_others();
        while let Some((job, position)) = self.next() {
            let Performed { whole, reply } = job.perform(self.cost, &self.rounds_done);
            // Before the caller hears of it, so that whoever has the answer finds the gauges settled.
            if whole {
                self.queue().finished(position, Instant::now());
            } else {
                self.queue().failed(position);
            }
            reply();
        }
    }

    fn next(&self) -> Option<(Job, Position)> {
        let mut queue = self.queue();
        loop {
            if queue.is_closed() {
                return None;
            }
            if let Some(next) = queue.pop(Instant::now()) {
                return Some(next);
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn close(&self) {
        self.queue().close();
        self.wake.notify_all();
    }
}

/// Lets the threads that serve requests go first. Only Linux has a priority per thread.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19) {
        tracing::warn!(%error, "the hashing threads run at the same priority as the others");
    }
}

/// Nothing that holds these locks can panic half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
