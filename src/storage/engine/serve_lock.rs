//! One server per database file.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::sqlite::{make_folder, private_file};
use super::{StartError, StartProblem};

/// Held by a server while it runs on a SQLite database: two would each believe their own caches. The operating system releases it
/// when the process ends, in whatever way. Commands beside a running server don't take it.
#[derive(Debug)]
pub struct ServeLock {
    _file: File,
}

impl ServeLock {
    /// Takes the lock of a database: a file beside it, whose name ends in `.lock`. Makes the folder where it is missing.
    ///
    /// # Errors
    /// When another server holds it.
    pub fn acquire(database: &Path) -> Result<Self, StartError> {
        make_folder(database)?;
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = private_file(&path).map_err(|error| StartError::file(&path, "opening", &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StartError::new(
                StartProblem::InUse,
                format!(
                    "another Doorward serves {} already. Stop it first, or give this one a database of its own (DATABASE_URL); \
                     to run several servers on one database use PostgreSQL",
                    database.display()
                ),
            )),
            Err(TryLockError::Error(error)) => Err(StartError::file(&path, "locking", &error)),
        }
    }
}
