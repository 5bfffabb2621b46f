//! The hashing pool.

use std::time::Duration;

use super::declarations::{HASH_LANES, HASH_QUEUE, HASH_THREADS};
use super::setting::Reader;

/// Settings of the hashing pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing {
    /// `HASH_THREADS`: none is one per core.
    pub threads: Option<usize>,
    /// `HASH_LANES`: verifications that share a thread; 1 is none. None is six, in a build without optimisation one.
    pub lanes: Option<usize>,
    /// `HASH_QUEUE`: a login whose predicted wait is longer is refused at once; whatever else, after half of it.
    pub queue: Duration,
}

impl Hashing {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (threads, lanes) = (reader.get(&HASH_THREADS), reader.get(&HASH_LANES));
        Some(Self { threads, lanes, queue: reader.get(&HASH_QUEUE)? })
    }
}
