//! How many connections there are.

use super::{Backend, Store};

/// The connections of a store; of SQLite those that read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// At work.
    pub busy: u32,
    /// Open, with nothing to do.
    pub idle: u32,
    /// As many as there may be.
    pub max: u32,
}

impl PoolUse {
    pub(super) fn of(open: u32, idle: usize, max: u32) -> Self {
        // The two are counted one after the other.
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
        Self { busy: open - idle, idle, max }
    }
}

impl Store {
    /// The connections that there are now.
    #[must_use]
    pub fn pool(&self) -> PoolUse {
        match &self.backend {
            Backend::Sqlite(database) => database.pool(),
            Backend::Postgres(database) => database.pool(),
        }
    }
}
