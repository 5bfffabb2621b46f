//! Looking at a password once more.

use crate::platform::hashing::Place;
use crate::service::Failure;
use crate::service::throttle::{Attempt, Limited};

/// Whether a request has had its second look at a password.
///
/// What a password opens is guarded by the hash that was looked at, and another may be stored by then: of another password, or of the
/// same, which a login has renewed (after an import, or a change of `BCRYPT_COST`). A look at the new one tells which.
#[derive(Default)]
pub(in crate::service) struct Looks {
    second: bool,
}

impl Looks {
    /// Another hash was stored than the one that was looked at: a place for the second look.
    ///
    /// # Errors
    /// `changed`, after the second look, which counts as a failure; when too much is waiting.
    pub(in crate::service) async fn again<E>(&mut self, attempt: Attempt, changed: E) -> Result<(Attempt, Place), E>
    where
        E: From<Limited> + From<Failure>,
    {
        if self.second {
            attempt.failed();
            return Err(changed);
        }
        self.second = true;
        attempt.place().await
    }
}
