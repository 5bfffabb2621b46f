//! What an operator does to accounts, by the command line. A server beside it notices within two seconds.

mod change;
mod look;
mod reset_link;

pub use change::{disable, enable, erase, log_out, make_superuser, set_password, unblock};
pub use look::{export, find, list};
pub use reset_link::make_reset;

use super::Client;
use crate::domain::account::UserId;
use crate::domain::audit::{Event, Record};
use crate::storage::{self, Tx, account};

/// The detail of a record that might be taken for the person's own doing.
const BY_OPERATOR: &str = "operator";

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// There is no such account.
    Unknown,
    /// Nobody else could do what a superuser does.
    LastSuperuser,
}

/// A record of what an operator did to somebody.
fn record(client: &Client, event: Event, id: UserId) -> Record {
    Record { detail: Some(BY_OPERATOR.to_owned()), ..client.record(event, id, None) }
}

/// Locks all active superusers first, in order, so that of two that are removed at once one stays.
async fn is_last_superuser(tx: &mut Tx, id: UserId) -> Result<bool, storage::Error> {
    Ok(account::lock_superusers(tx).await? == [id])
}
