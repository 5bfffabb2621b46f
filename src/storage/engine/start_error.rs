//! Why a database can't be used, told to whoever has to mend it.

use std::io;
use std::path::Path;

/// A database can't be used as it is. The text says what is wrong and what to do about it; it shows no password.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct StartError {
    problem: StartProblem,
    text: String,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartProblem {
    /// `DATABASE_URL` can't be understood.
    Url,
    /// Nobody answers.
    Unreachable,
    /// The user or the password was refused.
    Credentials,
    /// The server has no database of this name.
    UnknownDatabase,
    /// One side wants TLS and the other can't, or the certificate was refused.
    Tls,
    /// The user, or the operating system, doesn't allow it.
    Permission,
    /// The file is no SQLite database.
    NotADatabase,
    /// The file is damaged, or the log beside it belongs to another one.
    Damaged,
    /// The tables there were not made by Doorward.
    Foreign,
    /// A newer Doorward made the tables.
    Newer,
    /// A migration that was applied is not the one that this program holds.
    Changed,
    /// Another server uses this database file.
    InUse,
    /// A pooler stands before PostgreSQL, and works in a way that Doorward can't be used with.
    Pooler,
    /// Anything else.
    Other,
}

impl StartError {
    pub(in crate::storage) fn new(problem: StartProblem, text: impl Into<String>) -> Self {
        Self { problem, text: text.into() }
    }

    pub(in crate::storage) fn file(path: &Path, what: &str, error: &io::Error) -> Self {
        let problem = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StartProblem::Permission,
            _ => StartProblem::Other,
        };
        Self::new(problem, format!("{what} {} failed: {error}", path.display()))
    }

    /// What is wrong.
    #[must_use]
    pub const fn problem(&self) -> StartProblem {
        self.problem
    }
}
