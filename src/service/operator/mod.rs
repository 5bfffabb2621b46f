//! What an operator does to accounts, by the command line. A server beside it notices within two seconds.

mod change;
mod email;
mod factors;
mod look;
mod reset_link;

pub use change::{disable, enable, erase, log_out, make_superuser, set_password, unblock};
pub use email::{confirm_email, set_email};
pub use factors::{factors, reset_factors, reset_unreadable};
pub use look::{export, find, list};
pub use reset_link::make_reset;

use crate::domain::account::UserId;
use crate::storage::{self, Tx, account};

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// There is no such account.
    Unknown,
    /// Another account has the address, or has left it not long ago.
    Taken,
    /// Nobody else could do what a superuser does.
    LastSuperuser,
}

/// Locks all active superusers first, in order, so that of two that are removed at once one stays.
async fn is_last_superuser(tx: &mut Tx, id: UserId) -> Result<bool, storage::Error> {
    Ok(account::lock_superusers(tx).await? == [id])
}
