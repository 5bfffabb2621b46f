//! Where callers and threads meet: the queue, and who waits for it.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::HashError;
use super::queue::{Position, Queue};
use super::rate::Size;
use super::work::Job;
use crate::config::imported::Imported;
use crate::platform::random::Random;

/// What the pool's threads and its callers share.
pub(super) struct Shared {
    queue: Mutex<Queue<Job>>,
    wake: Condvar,
    /// Threads that wait to be woken, and whether a job may be ready. Written under the queue's lock alone.
    idle: AtomicUsize,
    ready: AtomicBool,
    /// Whether anything waits or runs.
    busy: AtomicBool,
    pub(super) rounds_done: AtomicU64,
    /// Of each thread; 1 is none, and the `bcrypt` crate does everything.
    pub(super) lanes: usize,
    /// Of new hashes.
    pub(super) cost: u32,
    pub(super) random: Random,
    /// What hashes of other software need to be looked at.
    pub(super) imported: Imported,
    /// A job that has not begun after this is refused after all: the prediction was wrong.
    pub(super) longest_wait: Duration,
}

impl Shared {
    pub(super) fn new(
        queue: Queue<Job>,
        lanes: usize,
        cost: u32,
        random: Random,
        imported: Imported,
        longest_wait: Duration,
    ) -> Self {
        Self {
            queue: Mutex::new(queue),
            wake: Condvar::new(),
            idle: AtomicUsize::new(0),
            ready: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            rounds_done: AtomicU64::new(0),
            lanes,
            cost,
            random,
            imported,
            longest_wait,
        }
    }

    pub(super) fn rounds_done(&self) -> u64 {
        self.rounds_done.load(Ordering::SeqCst)
    }

    pub(super) fn queue(&self) -> Locked<'_> {
        Locked { queue: lock(&self.queue), busy: &self.busy }
    }

    /// Whether anything waits or runs. Takes no lock.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Gives a reserved position its job. In a queue that was closed meanwhile the job is dropped, which its caller hears of.
    pub(super) fn submit(&self, position: Position, job: Job, size: Size) {
        let mut queue = self.queue();
        if queue.fill(position, job, size) {
            self.ready.store(true, Ordering::Relaxed);
            self.wake.notify_one();
        }
    }

    /// A thread is done with a job: see [`Queue::finished`]. Whoever waited for its memory can begin.
    pub(super) fn finished(&self, position: Position, took: Option<Duration>) {
        let mut queue = self.queue();
        queue.finished(position, took);
        if queue.ready() > 0 {
            self.ready.store(true, Ordering::Relaxed);
            self.wake.notify_one();
        }
    }

    /// Why a job was dropped without an answer.
    pub(super) fn why_nothing_came(&self) -> HashError {
        if self.queue().is_closed() { HashError::Closed } else { HashError::Failed }
    }

    /// Whether verifications share threads.
    pub(super) fn uses_lanes(&self) -> bool {
        self.lanes > 1
    }

    /// For a thread with nothing to do: the next job; none when the pool is closed.
    pub(super) fn wait(&self) -> Option<(Job, Position)> {
        // Who begins a job leaves the pool as busy as it was.
        let mut queue = lock(&self.queue);
        loop {
            if queue.is_closed() {
                return None;
            }
            if let Some(next) = queue.pop(true, Instant::now()) {
                return Some(next);
            }
            self.idle.fetch_add(1, Ordering::Relaxed);
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            self.idle.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// For a thread with a free lane: the next job that no idle thread will take. Asks the queue only when there may be one.
    pub(super) fn join(&self, alone_too: bool) -> Option<(Job, Position)> {
        if !self.ready.load(Ordering::Relaxed) {
            return None;
        }
        let mut queue = self.queue();
        self.ready.store(queue.ready() > 0, Ordering::Relaxed);
        let idle = self.idle.load(Ordering::Relaxed);
        (queue.ready() > idle).then(|| queue.pop(alone_too, Instant::now())).flatten()
    }

    pub(super) fn close(&self) {
        self.queue().close();
        self.wake.notify_all();
    }
}

/// The queue, under its lock.
pub(super) struct Locked<'shared> {
    queue: MutexGuard<'shared, Queue<Job>>,
    busy: &'shared AtomicBool,
}

impl Deref for Locked<'_> {
    type Target = Queue<Job>;

    fn deref(&self) -> &Queue<Job> {
        &self.queue
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Queue<Job> {
        &mut self.queue
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.busy.store(self.queue.waiting() + self.queue.running() > 0, Ordering::Relaxed);
    }
}

/// A third of the weight of the threads that serve requests. Lower priorities leave nothing to logins while a flood of cheap requests is
/// refused; without one, who is logged in waits longer: `bench/flood`.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Lets the threads that serve requests go first. Only Linux has a priority per thread.
pub(super) fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS) {
        tracing::warn!(%error, "the hashing threads run at the same priority as the others");
    }
}

/// Nothing that holds these locks can panic half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
