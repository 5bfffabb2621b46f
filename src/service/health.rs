//! Whether the service can do its work.

use super::{App, Failure};

/// Asks the database.
///
/// # Errors
/// When it does not answer.
pub async fn ready(app: &App) -> Result<(), Failure> {
    Ok(app.store.ping().await?)
}
