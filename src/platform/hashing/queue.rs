//! The pool's queue: bounded by the time that a job would wait. Pure: time is a parameter.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How much a new measurement of the rate weighs. Higher follows a change sooner and is misled by one slow job.
const WEIGHT_OF_NEWEST: f64 = 0.2;

/// Jobs in the order of their coming, and what is known of the threads that work on them.
#[derive(Debug)]
pub(super) struct Queue<J> {
    waiting: VecDeque<Waiting<J>>,
    running: Vec<Running>,
    threads: usize,
    /// Of one thread.
    rounds_per_second: f64,
    patience: Duration,
    next_number: u64,
    closed: bool,
    /// Jobs refused, at once or when they expired.
    pub(super) refused: u64,
    /// Jobs whose caller went away.
    pub(super) abandoned: u64,
}

#[derive(Debug)]
struct Waiting<J> {
    number: u64,
    rounds: u64,
    job: J,
}

#[derive(Debug)]
struct Running {
    number: u64,
    rounds: u64,
    since: Instant,
}

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Full { retry_after: Duration },
    Closed,
}

impl<J> Queue<J> {
    pub(super) fn new(threads: usize, rounds_per_second: f64, patience: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            running: Vec::with_capacity(threads),
            threads,
            rounds_per_second,
            patience,
            next_number: 0,
            closed: false,
            refused: 0,
            abandoned: 0,
        }
    }

    /// Takes a job and gives its number; refuses it when it would wait too long.
    pub(super) fn push(&mut self, job: J, rounds: u64, now: Instant) -> Result<u64, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if self.predicted_wait(now) > self.patience {
            self.refused += 1;
            return Err(Refusal::Full { retry_after: self.retry_after(now) });
        }
        let number = self.next_number;
        self.next_number += 1;
        self.waiting.push_back(Waiting { number, rounds, job });
        Ok(number)
    }

    /// The next job, for a thread that begins it now.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(J, u64)> {
        let Waiting { number, rounds, job } = self.waiting.pop_front()?;
        self.running.push(Running { number, rounds, since: now });
        Some((job, number))
    }

    /// A thread is done with a job: how long it took tells the rate.
    pub(super) fn finished(&mut self, number: u64, now: Instant) {
        let Some(index) = self.running.iter().position(|running| running.number == number) else { return };
        let Running { rounds, since, .. } = self.running.swap_remove(index);
        let took = now.saturating_duration_since(since).as_secs_f64();
        if took > 0.0 {
            self.rounds_per_second += (as_f64(rounds) / took - self.rounds_per_second) * WEIGHT_OF_NEWEST;
        }
    }

    /// The caller has gone, or has its answer.
    pub(super) fn abandon(&mut self, number: u64) {
        if self.take_back(number) {
            self.abandoned += 1;
        }
    }

    /// Refuses a job after all, if it still waits, and says when to come again.
    pub(super) fn expire(&mut self, number: u64, now: Instant) -> Option<Duration> {
        self.take_back(number).then(|| {
            self.refused += 1;
            self.retry_after(now)
        })
    }

    fn take_back(&mut self, number: u64) -> bool {
        let index = self.waiting.binary_search_by_key(&number, |waiting| waiting.number);
        index.is_ok_and(|index| self.waiting.remove(index).is_some())
    }

    /// Drops what waits and takes no more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.waiting.clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// How long a job that comes now would wait: the rounds before it at the measured rate of all threads; none while a thread
    /// is free.
    pub(super) fn predicted_wait(&self, now: Instant) -> Duration {
        if self.waiting.len() + self.running.len() < self.threads {
            return Duration::ZERO;
        }
        let waiting = self.waiting.iter().map(|waiting| as_f64(waiting.rounds)).sum::<f64>();
        let left = self.running.iter().map(|running| self.rounds_left(running, now)).sum::<f64>();
        let rate = self.rounds_per_second * as_f64(u64::try_from(self.threads).unwrap_or(u64::MAX));
        Duration::try_from_secs_f64((waiting + left) / rate).unwrap_or(Duration::MAX)
    }

    fn rounds_left(&self, running: &Running, now: Instant) -> f64 {
        let done = now.saturating_duration_since(running.since).as_secs_f64() * self.rounds_per_second;
        (as_f64(running.rounds) - done).max(0.0)
    }

    fn retry_after(&self, now: Instant) -> Duration {
        self.predicted_wait(now).saturating_sub(self.patience).max(Duration::from_secs(1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate: 52 bits are plenty")]
fn as_f64(rounds: u64) -> f64 {
    rounds as f64
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
