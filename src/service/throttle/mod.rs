//! Who may try. An operation that is limited begins an `Attempt` and says what became of it; what that takes and
//! gives back is a table (`domain::throttle::Scope`).

mod attempt;
mod shared;

pub(super) use attempt::Attempt;
pub(super) use shared::forget_account;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

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
    /// Keeps those waiting who ask again at once.
    pub held: Held,
}

/// Room for refusals that are held back.
pub struct Held {
    room: Semaphore,
    so_far: AtomicUsize,
}

impl Held {
    /// As many at once: one takes some kilobytes, and no thread.
    const MOST: usize = 1_000;
    /// For so long: a client asks four times a second at most by each connection.
    const SPAN: Duration = Duration::from_millis(250);

    /// Waits, where there is room.
    async fn hold(&self) {
        if let Ok(_place) = self.room.try_acquire() {
            self.so_far.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Self::SPAN).await;
        }
    }

    /// How many were held since the process began.
    #[must_use]
    pub fn so_far(&self) -> usize {
        self.so_far.load(Ordering::Relaxed)
    }
}

impl Default for Held {
    fn default() -> Self {
        Self { room: Semaphore::new(Self::MOST), so_far: AtomicUsize::new(0) }
    }
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn where_there_is_no_room_nobody_is_held_and_who_goes_makes_room() {
        let held = Held::default();
        let mut waiting: Vec<_> = (0..Held::MOST).map(|_| Box::pin(held.hold())).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none(), "it waits");
        }
        assert!(held.hold().now_or_never().is_some());
        drop(waiting);
        assert!(held.hold().now_or_never().is_none());
        assert_eq!(held.so_far(), Held::MOST + 1);
    }
}
