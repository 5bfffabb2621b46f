//! Verifications that share a thread: each has a lane, joins at any step and leaves when it is done.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Verified;
use super::foreign::Key;
use super::kernel::{MAX_LANES, State, rounds};
use super::queue::Position;
use super::work::{Passes, Reply, found, has_digest};
use crate::domain::password::Bcrypt;

/// So many rounds take less than a millisecond with all lanes in use: so soon can another job join.
const ROUNDS_PER_STEP: u32 = 8;

/// The lanes of one thread.
pub(super) struct Lanes {
    /// The first of them belong to `jobs`, in the same order; the others are wiped.
    states: Box<[State]>,
    jobs: Vec<InLane>,
}

/// A verification under way.
pub(super) struct InLane {
    pub(super) position: Position,
    pub(super) reply: Reply<Verified>,
    pub(super) verified: Verified,
    /// None when there is nothing to compare with.
    stored: Option<Bcrypt>,
    /// Of the passes that follow.
    keys: std::iter::Enumerate<std::vec::IntoIter<Option<Key>>>,
    /// The number of the pass that is under way, while there is something to compare at its end.
    looks: Option<usize>,
    /// In this pass.
    done: u32,
    /// Of each pass, the same whatever is wrong: 2^max(C, c).
    rounds: u32,
    /// The configured one.
    cost: u32,
    #[cfg(test)]
    panics: bool,
}

impl Lanes {
    /// At most [`MAX_LANES`].
    pub(super) fn new(lanes: usize) -> Self {
        let lanes = lanes.min(MAX_LANES);
        Self { states: (0..lanes).map(|_| State::new()).collect(), jobs: Vec::with_capacity(lanes) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.jobs.len() == self.states.len()
    }

    /// Takes a free lane for what a hash may be of, one pass after the other. `cost` is the configured one.
    pub(super) fn join(&mut self, position: Position, passes: Passes, cost: u32, reply: Reply<Verified>) {
        let rounds = 1 << passes.cost(cost);
        let mut job = InLane {
            position,
            reply,
            verified: Verified { matches: false, outdated: false },
            stored: passes.stored,
            keys: passes.keys.into_iter().enumerate(),
            looks: None,
            done: 0,
            rounds,
            cost,
            #[cfg(test)]
            panics: false,
        };
        // There is a first pass.
        job.begin_next_pass(&mut self.states[self.jobs.len()]);
        self.jobs.push(job);
    }

    /// Takes a free lane and makes the next step panic.
    #[cfg(test)]
    pub(super) fn join_and_panic(&mut self, position: Position, reply: Reply<Verified>) {
        self.join(position, Passes { keys: vec![None], stored: None }, 4, reply);
        self.jobs.iter_mut().last().unwrap().panics = true;
    }

    /// Does some rounds in every lane, counts them, and gives those that are through.
    pub(super) fn step(&mut self, rounds_done: &AtomicU64) -> Step {
        #[cfg(test)]
        assert!(!self.jobs.iter().any(|job| job.panics), "injected");
        let count = self.jobs.iter().map(InLane::until_next_stop).min().unwrap_or(0).min(ROUNDS_PER_STEP);
        let busy = self.jobs.len();
        rounds(&mut self.states[..busy], count);
        let rounds = u64::from(count) * self.jobs.len() as u64;
        rounds_done.fetch_add(rounds, Ordering::SeqCst);
        let mut through = Vec::new();
        // From the last to the first: who leaves gives his place to the last, who has been looked at.
        for n in (0..busy).rev() {
            let job = &mut self.jobs[n];
            job.done += count;
            job.compare(&self.states[n]);
            if job.done == job.rounds && !job.begin_next_pass(&mut self.states[n]) {
                through.push(self.leave(n));
            }
        }
        Step { rounds, through }
    }

    /// Gives up all jobs.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = InLane> {
        self.states.iter_mut().for_each(State::wipe);
        self.jobs.drain(..)
    }

    fn leave(&mut self, n: usize) -> InLane {
        let job = self.jobs.swap_remove(n);
        let last = self.jobs.len();
        self.states.swap(n, last);
        self.states[last].wipe();
        job
    }
}

/// What a step has done.
pub(super) struct Step {
    pub(super) rounds: u64,
    pub(super) through: Vec<InLane>,
}

impl InLane {
    /// Where it has to be looked at: after the rounds of the stored hash, and at the end.
    fn until_next_stop(&self) -> u32 {
        self.stored.as_ref().filter(|_| self.looks.is_some()).map_or(self.rounds, Bcrypt::rounds) - self.done
    }

    /// What a cheaper hash needed less than the configured cost is done in the same lane, for nothing.
    fn compare(&mut self, state: &State) {
        if let Some(stored) = &self.stored
            && let Some(pass) = self.looks.take_if(|_| stored.rounds() == self.done)
            && has_digest(stored, &state.digest())
        {
            self.verified = found(stored, pass, self.cost);
        }
    }

    /// False: that was the last. A key is compared with nothing but the hash that it may be of.
    fn begin_next_pass(&mut self, state: &mut State) -> bool {
        let Some((pass, key)) = self.keys.next() else { return false };
        self.looks = None;
        if let (Some(stored), Some(key)) = (&self.stored, &key) {
            state.begin(key, stored.salt);
            self.looks = Some(pass);
        } else {
            state.begin(b"nobody\0", [0; 16]);
        }
        self.done = 0;
        true
    }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
