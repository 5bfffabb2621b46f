//! Those who wait in one class, in the order of their coming.

use std::collections::VecDeque;

/// A position in a line. Its job is there already, or comes later.
#[derive(Debug)]
pub(super) struct Entry<J> {
    pub(super) number: u64,
    pub(super) rounds: u64,
    pub(super) subject: Option<[u8; 16]>,
    /// None as long as the position is only reserved.
    pub(super) job: Option<J>,
}

/// Numbers rise from front to back.
#[derive(Debug)]
pub(super) struct Line<J> {
    entries: VecDeque<Entry<J>>,
    rounds: u64,
}

impl<J> Line<J> {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), rounds: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Of all that wait, together.
    pub(super) fn rounds(&self) -> u64 {
        self.rounds
    }

    pub(super) fn push(&mut self, entry: Entry<J>) {
        self.rounds += entry.rounds;
        self.entries.push_back(entry);
    }

    /// Gives a position its job, which may take more rounds than were reserved. False when there is no such position.
    pub(super) fn fill(&mut self, number: u64, job: J, rounds: u64) -> bool {
        let Some(entry) = self.index_of(number).and_then(|index| self.entries.get_mut(index)) else { return false };
        self.rounds = self.rounds - entry.rounds + rounds;
        (entry.rounds, entry.job) = (rounds, Some(job));
        true
    }

    /// The number of the first whose job can begin.
    pub(super) fn first_filled(&self) -> Option<u64> {
        self.entries.iter().find(|entry| entry.job.is_some()).map(|entry| entry.number)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Entry<J>> {
        let entry = self.entries.remove(self.index_of(number)?)?;
        self.rounds -= entry.rounds;
        Some(entry)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.rounds = 0;
    }

    fn index_of(&self, number: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&number, |entry| entry.number).ok()
    }
}
