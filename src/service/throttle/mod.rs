//! Who may try. An operation that is limited begins an `Attempt` and says what became of it; what that takes and
//! gives back is a table (`domain::throttle::Scope`).

mod attempt;
mod pace;
mod shared;

pub(super) use attempt::Attempt;
pub use pace::Pace;
pub(super) use shared::forget_account;

use std::sync::Arc;
use std::time::Duration;

use super::App;
use super::session::Caller;
use crate::cache::throttle::{Account, Crowd, Throttles};
use crate::domain::account::Email;
use crate::domain::throttle::{Guesser, Throttled};
use crate::domain::timestamp::Timestamp;
use crate::platform::keyed_hash::KeyedHash;

/// What limits stand on.
pub struct Limits {
    /// This node's counters.
    pub counters: Throttles,
    /// Names what is counted: no email is kept, and no address is shared.
    pub names: KeyedHash,
    /// Who logs in from private addresses.
    pub crowd: Crowd,
    /// Leaves the cores to passwords.
    pub pace: Arc<Pace>,
}

/// Why something is not even tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limited {
    /// Too many attempts.
    #[error("too many attempts")]
    Throttled {
        /// When the next may be made.
        retry_after: Duration,
    },
    /// More hashing is waiting than can be done in time.
    #[error("too much hashing is waiting")]
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
}

impl Limited {
    /// A word for it, for metrics.
    pub(in crate::service) const fn word(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "limited",
            Self::Overloaded { .. } => "overloaded",
        }
    }
}

impl From<Throttled> for Limited {
    fn from(Throttled { retry_after }: Throttled) -> Self {
        Self::Throttled { retry_after }
    }
}

/// The account of an email, whether there is one or not, and who tries.
pub(super) fn account(app: &App, email: &Email, by: Guesser) -> Account {
    Account { name: name_of(app, email), by }
}

/// The account of somebody in a session.
pub(super) fn in_session(app: &App, caller: &Caller) -> Account {
    account(app, &caller.user.email, Guesser::Session)
}

/// Forgets what this node has counted against an account until then.
pub(super) fn unblock(app: &App, email: &Email, until: Timestamp) {
    app.limits.counters.unblock(name_of(app, email), until);
}

/// How the counters call the account of an email.
fn name_of(app: &App, email: &Email) -> [u8; 16] {
    app.limits.names.of(email.as_str().as_bytes())
}
