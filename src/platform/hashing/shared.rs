//! Where callers and threads meet: the queue, and who waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::HashError;
use super::queue::{Queue, Refusal};
use super::work::Job;

/// What the pool's threads and its callers share.
pub(super) struct Shared {
    queue: Mutex<Queue<Job>>,
    wake: Condvar,
    rounds_done: AtomicU64,
}

impl Shared {
    pub(super) fn new(threads: usize, rounds_per_second: f64, patience: Duration) -> Self {
        Self {
            queue: Mutex::new(Queue::new(threads, rounds_per_second, patience)),
            wake: Condvar::new(),
            rounds_done: AtomicU64::new(0),
        }
    }

    pub(super) fn rounds_done(&self) -> u64 {
        self.rounds_done.load(Ordering::SeqCst)
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<Job>> {
        lock(&self.queue)
    }

    pub(super) fn submit(&self, job: Job, rounds: u64) -> Result<Ticket<'_>, HashError> {
        let number = self.queue().push(job, rounds, Instant::now()).map_err(|refusal| match refusal {
            Refusal::Full { retry_after } => HashError::Overloaded { retry_after },
            Refusal::Closed => HashError::Closed,
        })?;
        self.wake.notify_one();
        Ok(Ticket { shared: self, number })
    }

    /// What a thread does, until the pool is closed.
    pub(super) fn serve(&self, cost: u32) {
        yield_to_others();
        while let Some((job, number)) = self.next() {
            let reply = job.perform(cost, &self.rounds_done);
            // Before the caller hears of it, so that whoever has the answer finds the gauges settled.
            self.queue().finished(number, Instant::now());
            reply();
        }
    }

    fn next(&self) -> Option<(Job, u64)> {
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

/// A submitted job. When its caller goes away it is dropped, if no thread works on it yet.
pub(super) struct Ticket<'pool> {
    shared: &'pool Shared,
    number: u64,
}

impl Ticket<'_> {
    /// Takes back a job that should have begun by now. One that has begun is worth its end.
    pub(super) fn expire(&self) -> Result<(), HashError> {
        match self.shared.queue().expire(self.number, Instant::now()) {
            Some(retry_after) => Err(HashError::Overloaded { retry_after }),
            None => Ok(()),
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.shared.queue().abandon(self.number);
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
