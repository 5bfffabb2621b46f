//! The hashing pool.

use std::time::Duration;

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
