//! Whether the service can do its work.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{App, Failure};

/// Why the service is not to be sent requests.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It is about to stop.
    #[error("the service is stopping")]
    Stopping,
    /// The database does not answer, or takes no writes.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Whether the service is about to stop. It still serves then, and says that it is not ready.
#[derive(Debug, Default)]
pub struct Stopping(AtomicBool);

impl Stopping {
    /// From now on it is.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
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
    Ok(app.store.check().await.map_err(Failure::from)?)
}
