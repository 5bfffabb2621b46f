//! Doing without an operator where all factors are lost: `FACTOR_RECOVERY`. Whoever knows the password and reads the mail of the address
//! waits; the owner is told each day; whoever shows a factor stops it.

mod follow;
mod tell;

pub use follow::{FollowError, Followed, follow};
pub(in crate::service) use tell::tell;

use crate::domain::account::{User, UserId};
use crate::domain::audit::Event;
use crate::domain::mail::Purpose;
use crate::domain::session::SessionId;
use crate::domain::timestamp::Timestamp;
use crate::service::Client;
use crate::storage::{Error, Tx, audit, factor, mail};

/// Whether this account's factors may be removed so at all: by whoever reads the mail of its confirmed address. Who can do what a
/// superuser does asks an operator.
pub(in crate::service) const fn may_recover(user: &User) -> bool {
    user.is_active && !user.is_superuser && user.email_verified_at.is_some()
}

/// Stops the removal that is under way, if there is one, and voids its links. The user's row must be locked.
pub(in crate::service) async fn stop_recovery(
    tx: &mut Tx,
    id: UserId,
    session: Option<SessionId>,
    client: &Client,
    now: Timestamp,
) -> Result<(), Error> {
    if factor::end_recovery(tx, id).await? {
        audit::append(tx, &client.record(Event::FactorRecoveryCancelled, id, session), now).await?;
    }
    void_links(tx, id).await
}

/// None of its links is good any more.
async fn void_links(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    for purpose in [Purpose::RecoveryStart, Purpose::RecoveryCancel, Purpose::RecoveryFinish] {
        mail::void(tx, purpose, id).await?;
    }
    Ok(())
}
