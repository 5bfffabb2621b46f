//! Who may try: this node's counters first, then, on PostgreSQL, those that all nodes share.
//!
//! What this node has counted refuses without asking the database. What it admits is decided by the shared rows, and it learns from
//! them what the others have counted.

use std::time::Duration;

use super::{App, Failure};
use crate::cache::throttle::{Reservation, Slot, Throttles};
use crate::domain::account::Email;
use crate::domain::throttle::Throttled;
use crate::domain::timestamp::Timestamp;
use crate::platform::hashing::HashError;
use crate::platform::keyed_hash::KeyedHash;
use crate::storage::throttle::{self as rows, Claim, Decision};
use crate::storage::{Error, Tx};

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

impl From<Throttled> for Limited {
    fn from(Throttled { retry_after }: Throttled) -> Self {
        Self::Throttled { retry_after }
    }
}

/// Asks all nodes about what this one would admit.
///
/// # Errors
/// When there were too many attempts, here or anywhere; when the database can't be asked, which admits nobody.
pub(super) async fn admit<E>(app: &App, here: Result<Reservation, Throttled>) -> Result<Reservation, E>
where
    E: From<Limited> + From<Failure>,
{
    let mut reservation = here.map_err(Limited::from)?;
    if !app.store.has_other_nodes() || reservation.0.is_empty() {
        return Ok(reservation);
    }
    let claims: Vec<Claim> = reservation.0.iter().map(|slot| claim(app, slot)).collect();
    let decided = app.store.write((), move |tx, ()| {
        let claims = claims.clone();
        Box::pin(async move { rows::reserve(tx, &claims).await })
    });
    let Decision { outcome, logs } = match decided.await {
        Ok(decision) => decision,
        Err(error) => {
            reservation.refund();
            return Err(Failure::from(error).into());
        }
    };
    for (number, (slot, log)) in reservation.0.iter_mut().zip(logs).enumerate() {
        slot.learn(log, outcome.as_ref().ok().and_then(|times| times.get(number)).copied());
    }
    outcome.map_err(Limited::from)?;
    Ok(reservation)
}

/// Gives back what these attempts have taken, everywhere. A database that does not answer keeps it: that is stricter, never open.
pub(super) async fn refund(app: &App, reservations: impl IntoIterator<Item = Reservation>) {
    for reservation in reservations {
        let taken: Vec<(Claim, Timestamp)> = reservation.0.iter().map(|slot| (claim(app, slot), slot.at())).collect();
        reservation.refund();
        if !app.store.has_other_nodes() || taken.is_empty() {
            continue;
        }
        let refunded = app.store.write((), move |tx, ()| {
            let taken = taken.clone();
            Box::pin(async move {
                for (claim, at) in taken {
                    rows::refund(tx, claim, at).await?;
                }
                Ok(())
            })
        });
        if let Err(error) = refunded.await {
            tracing::warn!(%error, "an attempt that should not count could not be given back");
        }
    }
}

/// The hash, or why not: what too much work refuses does not count as an attempt.
pub(super) async fn unless_overloaded<T, E>(
    app: &App,
    hashed: Result<T, HashError>,
    reservations: impl IntoIterator<Item = Reservation>,
) -> Result<T, E>
where
    E: From<Limited> + From<Failure>,
{
    match hashed {
        Ok(hashed) => Ok(hashed),
        Err(HashError::Overloaded { retry_after }) => {
            refund(app, reservations).await;
            Err(Limited::Overloaded { retry_after }.into())
        }
        Err(error) => Err(Failure::from(error).into()),
    }
}

/// Forgets, for all nodes, what was counted against an account. The nodes' own memories follow by `service::revocations`.
pub(super) async fn forget_account(tx: &mut Tx, names: &KeyedHash, email: &Email) -> Result<(), Error> {
    for name in Throttles::names_of_account(names.of(email.as_str().as_bytes())) {
        rows::forget(tx, names.of(&name)).await?;
    }
    Ok(())
}

/// Forgets what this node has counted against an account until then.
pub(super) fn unblock(app: &App, email: &Email, until: Timestamp) {
    app.throttles.unblock(name_of(app, email), until);
}

/// How the counters call the account of an email, whether there is one or not.
pub(super) fn name_of(app: &App, email: &Email) -> [u8; 16] {
    app.names.of(email.as_str().as_bytes())
}

fn claim(app: &App, slot: &Slot) -> Claim {
    Claim { key: app.names.of(&slot.name()), rule: slot.rule() }
}
