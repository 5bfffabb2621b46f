//! What a hashing thread does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::HashError;
use super::lanes::{Lanes, Step};
use super::queue::Position;
use super::shared::Shared;
use super::work::{Job, Look, Performed};

/// How long the rate is measured before the queue hears of it.
const MEASURED_FOR: Duration = Duration::from_millis(100);

/// A thread: verifications share its lanes; the `bcrypt` crate has it for itself, while the lanes pause.
pub(super) struct Worker<'pool> {
    shared: &'pool Shared,
    /// There are none when the crate does everything.
    lanes: Lanes,
    /// So long the lanes go on before they pause again: what runs in them gets half of the time at least.
    lanes_first: Duration,
    /// Rounds done with all lanes in use, and how long they took.
    full: (u64, Duration),
}

impl<'pool> Worker<'pool> {
    pub(super) fn new(shared: &'pool Shared) -> Self {
        let lanes = Lanes::new(if shared.uses_lanes() { shared.lanes } else { 0 });
        Self { shared, lanes, lanes_first: Duration::ZERO, full: (0, Duration::ZERO) }
    }

    /// Works until the pool is closed, and finishes what has begun.
    pub(super) fn run(mut self) {
        loop {
            match self.next() {
                Some((job, position)) => self.begin(job, position),
                None if self.lanes.is_empty() => return,
                None => self.step(),
            }
        }
    }

    /// A job to begin. With nothing else to do it waits for one, and none means that the pool is closed.
    fn next(&mut self) -> Option<(Job, Position)> {
        if self.lanes.is_empty() {
            self.lanes_first = Duration::ZERO;
            self.shared.wait()
        } else if self.lanes.is_full() {
            None
        } else {
            self.shared.join(self.lanes_first.is_zero())
        }
    }

    fn begin(&mut self, job: Job, position: Position) {
        match job {
            Job::Verify { look: Look::Bcrypt(passes), reply } if self.shared.uses_lanes() => {
                self.lanes.join(position, passes, self.shared.cost, reply);
            }
            #[cfg(test)]
            Job::Panic { in_lane: true, reply, .. } => self.lanes.join_and_panic(position, reply),
            alone => self.perform(alone, position),
        }
    }

    fn perform(&mut self, job: Job, position: Position) {
        let start = Instant::now();
        let Performed { tells_the_rate, reply } = job.perform(self.shared.cost, &self.shared.rounds_done);
        let took = start.elapsed();
        if !self.lanes.is_empty() {
            self.lanes_first = took;
        }
        // Before the caller hears of it, so that whoever has the answer finds the gauges settled.
        self.shared.finished(position, tells_the_rate.then_some(took));
        reply();
    }

    fn step(&mut self) {
        let (start, was_full) = (Instant::now(), self.lanes.is_full());
        let Ok(step) = catch_unwind(AssertUnwindSafe(|| self.lanes.step(&self.shared.rounds_done))) else {
            return self.give_up();
        };
        let (Step { rounds, through }, took) = (step, start.elapsed());
        self.lanes_first = self.lanes_first.saturating_sub(took);
        if was_full {
            self.full = (self.full.0 + rounds, self.full.1 + took);
        }
        if self.full.1 >= MEASURED_FOR {
            let (rounds, took) = std::mem::take(&mut self.full);
            self.shared.queue().measured(rounds, took);
        }
        for job in through {
            self.shared.finished(job.position, None);
            _ = job.reply.send(Ok(job.verified));
        }
    }

    /// The kernel panicked: who was in a lane gets no answer, and the thread goes on.
    fn give_up(&mut self) {
        for job in self.lanes.give_up() {
            self.shared.finished(job.position, None);
            _ = job.reply.send(Err(HashError::Failed));
        }
    }
}
