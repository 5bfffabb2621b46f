//! The pool's queue: bounded by the time that a job would wait, and by how much one subject may ask for. Pure: time is a parameter.
//!
//! Two lines, one for logins and one for all others. While jobs of both could begin they take turns, so that each line gets half
//! of the threads' time; a line alone gets all. Others are let in up to half of the time that logins are: however many of them
//! wait, logins find room.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::line::{Entry, Line};
use super::rate::{Rates, Size, Work};
use super::subject::{Class, Subject};

/// Positions in the order of their coming, and what is known of the threads that work on jobs.
#[derive(Debug)]
pub(super) struct Queue<J> {
    logins: Line<J>,
    others: Line<J>,
    /// Seconds of a thread that others were given beyond those of logins while jobs of both could have begun.
    lead_of_others: f64,
    running: Vec<Running>,
    /// How many jobs of a bounded subject wait or run.
    held: HashMap<[u8; 16], usize>,
    running_work: Work,
    /// Bytes that are left for jobs that need some.
    memory: u64,
    threads: usize,
    /// Of one thread.
    lanes: usize,
    rates: Rates,
    patience: Duration,
    next_number: u64,
    closed: bool,
    /// Jobs refused, at once or when they expired.
    pub(super) refused: u64,
    /// Jobs whose caller went away.
    pub(super) abandoned: u64,
    /// Jobs that have begun, and how long they have waited from when they were reserved, all together.
    pub(super) begun: u64,
    pub(super) waited: Duration,
}

/// Where a job waits, or where it waited before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) number: u64,
    pub(super) class: Class,
}

#[derive(Debug)]
struct Running {
    number: u64,
    size: Size,
    subject: Option<[u8; 16]>,
    since: Instant,
}

/// What all jobs together may need, in bytes: as much as the largest that is borne. Four of 64 MiB run at once, where there are threads.
pub(super) const MEMORY: u64 = 256 << 20;

/// Why there is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Full { retry_after: Duration },
    Closed,
}

impl<J> Queue<J> {
    pub(super) fn new(threads: usize, lanes: usize, rates: Rates, patience: Duration) -> Self {
        Self {
            logins: Line::new(),
            others: Line::new(),
            lead_of_others: 0.0,
            running: Vec::with_capacity(threads * lanes),
            running_work: Work::default(),
            held: HashMap::new(),
            memory: MEMORY,
            threads,
            lanes,
            rates,
            patience,
            next_number: 0,
            closed: false,
            refused: 0,
            abandoned: 0,
            begun: 0,
            waited: Duration::ZERO,
        }
    }

    /// Refuses whoever would find no position now. Reserves none.
    pub(super) fn room(&mut self, class: Class, subject: Subject, now: Instant) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        let has_its_share = subject.0.is_some_and(|(key, most)| self.held.get(&key).copied().unwrap_or(0) >= most);
        if has_its_share || self.predicted_wait(class, now) > self.patience(class) {
            self.refused += 1;
            return Err(Refusal::Full { retry_after: self.retry_after(class, now) });
        }
        Ok(())
    }

    /// Reserves `N` positions, one after the other, for jobs of that size: all or none. Refused when a job would wait too long,
    /// and when the subject has its share. Where it may have one job it may have several that are reserved together.
    pub(super) fn reserve<const N: usize>(
        &mut self,
        class: Class,
        subject: Subject,
        size: Size,
        now: Instant,
    ) -> Result<[Position; N], Refusal> {
        self.room(class, subject, now)?;
        let subject = subject.0.map(|(key, _)| key);
        Ok(std::array::from_fn(|_| {
            let number = self.next_number;
            self.next_number += 1;
            if let Some(key) = subject {
                *self.held.entry(key).or_default() += 1;
            }
            self.line(class).push(Entry { number, size, subject, since: now, job: None });
            Position { number, class }
        }))
    }

    /// Gives a position its job, which can begin from now on. False when the position is gone.
    pub(super) fn fill(&mut self, position: Position, job: J, size: Size) -> bool {
        self.line(position.class).fill(position.number, job, size)
    }

    /// The next job, for a thread that begins it now: the first that can begin, of the line whose turn it is. `alone_too` is whether
    /// it may be one that the thread has for itself.
    pub(super) fn pop(&mut self, alone_too: bool, now: Instant) -> Option<(J, Position)> {
        let (login, other) =
            (self.logins.first_filled(alone_too, self.memory), self.others.first_filled(alone_too, self.memory));
        let both = login.is_some() && other.is_some();
        if !both {
            self.lead_of_others = 0.0;
        }
        let (class, number) = match (login, other) {
            (Some(number), _) if self.lead_of_others >= 0.0 => (Class::Login, number),
            (_, Some(number)) => (Class::Other, number),
            _ => return None,
        };
        let Entry { size, subject, since, job, .. } = self.line(class).remove(number)?;
        self.begun += 1;
        self.waited += now.saturating_duration_since(since);
        if both {
            let turn = self.rates.seconds_of(size);
            self.lead_of_others += if class == Class::Other { turn } else { -turn };
        }
        self.running.push(Running { number, size, subject, since: now });
        self.running_work.add(size);
        self.memory = self.memory.saturating_sub(size.memory);
        job.map(|job| (job, Position { number, class }))
    }

    /// A thread is done with a job. How long one took that had the thread alone, and was done whole, tells the rate.
    pub(super) fn finished(&mut self, position: Position, took: Option<Duration>) {
        let Some(index) = self.running.iter().position(|running| running.number == position.number) else { return };
        let Running { size, subject, .. } = self.running.swap_remove(index);
        self.running_work.remove(size);
        self.memory = self.memory.saturating_add(size.memory).min(MEMORY);
        self.release(subject);
        if let Some(took) = took {
            self.rates.learn(size, took);
        }
    }

    /// So many rounds took a thread so long, with all of its lanes in use.
    pub(super) fn measured(&mut self, rounds: u64, took: Duration) {
        self.rates.learn(Size { rounds, alone: false, memory: 0 }, took);
    }

    /// The caller has gone or does not want it any more. Whether the job had not begun, and now never will.
    pub(super) fn abandon(&mut self, position: Position) -> bool {
        let waited = self.take_back(position);
        self.abandoned += u64::from(waited);
        waited
    }

    /// Refuses a job after all, if it still waits, and says when to come again.
    pub(super) fn expire(&mut self, position: Position, now: Instant) -> Option<Duration> {
        self.take_back(position).then(|| {
            self.refused += 1;
            self.retry_after(position.class, now)
        })
    }

    fn take_back(&mut self, position: Position) -> bool {
        let Some(entry) = self.line(position.class).remove(position.number) else { return false };
        self.release(entry.subject);
        true
    }

    fn release(&mut self, subject: Option<[u8; 16]>) {
        let Some(key) = subject else { return };
        if let Some(held) = self.held.get_mut(&key) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&key);
            }
        }
    }

    /// Drops what waits and takes no more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.logins.clear();
        self.others.clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn waiting(&self) -> usize {
        self.logins.len() + self.others.len()
    }

    /// How many jobs could begin.
    pub(super) fn ready(&self) -> usize {
        self.logins.filled() + self.others.filled()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// How many jobs all threads together can work on at a time.
    pub(super) fn lanes(&self) -> usize {
        self.threads * self.lanes
    }

    /// How long a job that comes now would wait, at the measured rate of all threads: for what runs, for what is before it in its
    /// line, and for what the other line does in its turns meanwhile. None while a lane is free.
    pub(super) fn predicted_wait(&self, class: Class, now: Instant) -> Duration {
        let works = [self.logins.work(), self.others.work(), self.running_work];
        if works.iter().map(|work| work.lanes(self.lanes)).sum::<usize>() < self.threads * self.lanes {
            return Duration::ZERO;
        }
        let [logins, others, _] = works.map(|work| self.rates.seconds(work));
        let waiting = match class {
            Class::Login => logins + others.min(logins),
            Class::Other => others + logins.min(others),
        };
        let left = self.running.iter().map(|running| self.seconds_left(running, now)).sum::<f64>();
        let threads = f64::from(u32::try_from(self.threads).unwrap_or(u32::MAX));
        Duration::try_from_secs_f64((waiting + left) / threads).unwrap_or(Duration::MAX)
    }

    /// Of a thread. A job in a lane takes a share of its thread.
    fn seconds_left(&self, running: &Running, now: Instant) -> f64 {
        let lanes = if running.size.alone { 1 } else { u32::try_from(self.lanes).unwrap_or(u32::MAX) };
        let done = now.saturating_duration_since(running.since).as_secs_f64() / f64::from(lanes);
        (self.rates.seconds_of(running.size) - done).max(0.0)
    }

    fn retry_after(&self, class: Class, now: Instant) -> Duration {
        self.predicted_wait(class, now).saturating_sub(self.patience(class)).max(Duration::from_secs(1))
    }

    fn patience(&self, class: Class) -> Duration {
        match class {
            Class::Login => self.patience,
            Class::Other => self.patience / 2,
        }
    }

    fn line(&mut self, class: Class) -> &mut Line<J> {
        match class {
            Class::Login => &mut self.logins,
            Class::Other => &mut self.others,
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "queue_model_tests.rs"]
mod model_tests;
