//! Those who wait in one class, in the order of their coming.

use std::collections::VecDeque;
use std::time::Instant;

use super::rate::{Size, Work};

/// A position in a line. Its job is there already, or comes later.
#[derive(Debug)]
pub(super) struct Entry<J> {
    pub(super) number: u64,
    pub(super) size: Size,
    pub(super) subject: Option<[u8; 16]>,
    /// When it was reserved.
    pub(super) since: Instant,
    /// None as long as the position is only reserved.
    pub(super) job: Option<J>,
}

/// Numbers rise from front to back.
#[derive(Debug)]
pub(super) struct Line<J> {
    entries: VecDeque<Entry<J>>,
    work: Work,
    /// Of these so many have their jobs.
    filled: usize,
}

impl<J> Line<J> {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), work: Work::default(), filled: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// Of all that wait, together.
    pub(super) fn work(&self) -> Work {
        self.work
    }

    pub(super) fn push(&mut self, entry: Entry<J>) {
        self.work.add(entry.size);
        self.filled += usize::from(entry.job.is_some());
        self.entries.push_back(entry);
    }

    /// Gives a position its job, which may be more work than was reserved. False when there is no such position.
    pub(super) fn fill(&mut self, number: u64, job: J, size: Size) -> bool {
        let Some(entry) = self.index_of(number).and_then(|index| self.entries.get_mut(index)) else { return false };
        self.work.remove(entry.size);
        self.work.add(size);
        entry.size = size;
        self.filled += usize::from(entry.job.replace(job).is_none());
        true
    }

    /// The number of the first whose job can begin; of those that want a thread alone, only if they may have it.
    pub(super) fn first_filled(&self, alone_too: bool) -> Option<u64> {
        let fits = |entry: &&Entry<J>| entry.job.is_some() && (alone_too || !entry.size.alone);
        self.entries.iter().find(fits).map(|entry| entry.number)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Entry<J>> {
        let entry = self.entries.remove(self.index_of(number)?)?;
        self.work.remove(entry.size);
        self.filled -= usize::from(entry.job.is_some());
        Some(entry)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    fn index_of(&self, number: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&number, |entry| entry.number).ok()
    }
}
