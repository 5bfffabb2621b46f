//! The hashing pool.

use std::time::Duration;

use super::declarations::{HASH_LANES, HASH_QUEUE, HASH_THREADS};
use super::setting::Reader;

/// Settings of the hashing pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing {
    /// `HASH_THREADS`: none is one per core.
    pub threads: Option<usize>,
    /// `HASH_QUEUE`: a job whose predicted wait is longer is refused at once.
    pub queue: Duration,
    /// `HASH_LANES`: how many hashes one thread advances together.
    pub lanes: usize,
}

impl Hashing {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (threads, queue, lanes) = (reader.get(&HASH_THREADS), reader.get(&HASH_QUEUE), reader.get(&HASH_LANES));
        Some(Self { threads, queue: queue?, lanes: lanes? })
    }
}
