//! Which database.

use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;

/// Settings of the database.
#[derive(Clone, Debug)]
pub struct Database {
    /// `DATABASE_URL`.
    pub location: Location,
    /// `DATABASE_MAX_CONNECTIONS`.
    pub max_connections: u32,
    /// `DATABASE_START_TIMEOUT`: how long to wait at start for a database that is not there yet.
    pub start_timeout: Duration,
}

/// Where the data lives.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file; its folder is made when it is missing.
    Sqlite(PathBuf),
    /// A PostgreSQL URL that the driver understands (`postgres://..`), password and all.
    Postgres(Secret),
}
