//! How much work a job is, and how long it takes.

use std::time::Duration;

/// A measurement of this length weighs as much as all that was known before: a new one follows a change sooner than an old one,
/// and a single slow job misleads little.
const HALF_LIFE: f64 = 1.0;

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) rounds: u64,
    /// Takes a thread for itself, as the `bcrypt` crate does; others share one, each in a lane.
    pub(super) alone: bool,
    /// In bytes, beyond what a thread has anyway.
    pub(super) memory: u64,
}

/// Many jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    shared: u64,
    alone: u64,
    alone_jobs: usize,
    jobs: usize,
}

impl Work {
    pub(super) fn add(&mut self, Size { rounds, alone, .. }: Size) {
        *(if alone { &mut self.alone } else { &mut self.shared }) += rounds;
        self.alone_jobs += usize::from(alone);
        self.jobs += 1;
    }

    pub(super) fn remove(&mut self, Size { rounds, alone, .. }: Size) {
        *(if alone { &mut self.alone } else { &mut self.shared }) -= rounds;
        self.alone_jobs -= usize::from(alone);
        self.jobs -= 1;
    }

    /// How many lanes they would fill, all at once.
    pub(super) fn lanes(&self, lanes_of_a_thread: usize) -> usize {
        self.jobs + self.alone_jobs * (lanes_of_a_thread - 1)
    }
}

/// Rounds that one thread does in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    /// In all its lanes together, when all are in use: else nobody waits.
    pub(super) shared: f64,
    /// With a job that it has for itself.
    pub(super) alone: f64,
}

impl Rates {
    /// Seconds of one thread.
    pub(super) fn seconds(&self, work: Work) -> f64 {
        as_f64(work.shared) / self.shared + as_f64(work.alone) / self.alone
    }

    /// Seconds of one thread that a job is, with its share of a thread whose lanes are all in use.
    pub(super) fn seconds_of(&self, Size { rounds, alone, .. }: Size) -> f64 {
        as_f64(rounds) / if alone { self.alone } else { self.shared }
    }

    /// What was done took so long.
    pub(super) fn learn(&mut self, Size { rounds, alone, .. }: Size, took: Duration) {
        let rate = if alone { &mut self.alone } else { &mut self.shared };
        let took = took.as_secs_f64();
        if took > 0.0 {
            *rate += (as_f64(rounds) / took - *rate) * took / (took + HALF_LIFE);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate: 52 bits are plenty")]
fn as_f64(rounds: u64) -> f64 {
    rounds as f64
}
