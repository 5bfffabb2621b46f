//! Whether the service can do its work.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{App, Failure};
use crate::storage;

/// Why the service is not to be sent requests.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It is about to stop.
    #[error("the service is stopping")]
    Stopping,
    /// The database does not answer, or takes no writes.
    #[error("{0}")]
    Database(#[source] Failure, Trouble),
}

/// What is wrong with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not answer, or not in time.
    NoAnswer,
    /// It takes no writes: a standby, or a setting.
    ReadOnly,
    /// Its disk is full.
    Full,
    /// Its commits do not come to an end: a synchronous standby is gone.
    CommitsHang,
}

/// Whether the service is about to stop. It still serves then, and says that it is not ready.
#[derive(Debug, Default)]
pub struct Stopping(AtomicBool);

impl Stopping {
    /// From now on it is.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks the database, which must answer within two seconds and take writes.
///
/// # Errors
/// When it does not, or the service is about to stop.
pub async fn ready(app: &App) -> Result<(), NotReady> {
    if app.stopping.has_begun() {
        return Err(NotReady::Stopping);
    }
    app.store.check().await.map_err(|error| {
        let trouble = match &error {
            storage::Error::ReadOnly(_) => Trouble::ReadOnly,
            storage::Error::Full(_) => Trouble::Full,
            storage::Error::CommitsHang(_) => Trouble::CommitsHang,
            _ => Trouble::NoAnswer,
        };
        NotReady::Database(error.into(), trouble)
    })
}
