//! Limits that hold across nodes: what this node would admit is decided by the rows that all share, and it learns from them what the
//! others have counted.

use crate::cache::throttle::{Reservation, Slot, Throttles};
use crate::domain::account::Email;
use crate::domain::throttle::Throttled;
use crate::domain::timestamp::Timestamp;
use crate::platform::keyed_hash::KeyedHash;
use crate::service::{App, Failure};
use crate::storage::throttle::{self as rows, Claim, Decision};
use crate::storage::{Error, Tx};

/// Asks all nodes about what this one would admit.
pub(super) async fn admit<E>(app: &App, mut here: Reservation) -> Result<Result<Reservation, Throttled>, E>
where
    E: From<Failure>,
{
    if !app.store.has_other_nodes() || here.0.is_empty() {
        return Ok(Ok(here));
    }
    let claims: Vec<Claim> = here.0.iter().map(|slot| claim(app, slot)).collect();
    let decided = app.store.write(claims, |tx, claims| Box::pin(rows::reserve(tx, claims))).await;
    let Decision { outcome, logs } = match decided {
        Ok(decision) => decision,
        Err(error) => {
            here.refund();
            return Err(Failure::from(error).into());
        }
    };
    for (number, (slot, log)) in here.0.iter_mut().zip(logs).enumerate() {
        slot.learn(log, outcome.as_ref().ok().and_then(|times| times.get(number)).copied());
    }
    Ok(outcome.map(|_| here))
}

/// Gives back what an attempt has taken, everywhere. A database that does not answer keeps it: that is stricter, never open.
pub(super) async fn refund(app: &App, taken: Reservation) {
    let claims: Vec<(Claim, Timestamp)> = taken.0.iter().map(|slot| (claim(app, slot), slot.at())).collect();
    taken.refund();
    if !app.store.has_other_nodes() || claims.is_empty() {
        return;
    }
    let refunded = app.store.write(claims, |tx, claims| {
        Box::pin(async move {
            for (claim, at) in claims {
                rows::refund(tx, *claim, *at).await?;
            }
            Ok(())
        })
    });
    if let Err(error) = refunded.await {
        tracing::warn!(%error, "an attempt that should not count could not be given back");
    }
}

/// Forgets, for all nodes, what strangers have made count against an account. The nodes' own memories follow by the poll for changes.
pub(in crate::service) async fn forget_account(tx: &mut Tx, names: &KeyedHash, email: &Email) -> Result<(), Error> {
    for name in Throttles::names_of_account(names.of(email.as_str().as_bytes())) {
        rows::forget(tx, names.of(&name)).await?;
    }
    Ok(())
}

fn claim(app: &App, slot: &Slot) -> Claim {
    Claim { key: app.limits.names.of(&slot.name()), rule: slot.rule() }
}
