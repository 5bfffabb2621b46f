//! Proving one's password in a session: what everything asks for that a stolen session must not be enough for.

use super::verify::{HungUp, verify};
use super::{Proof, ProofError};
use crate::domain::audit::Event;
use crate::domain::password::PasswordHash;
use crate::platform::hashing::Place;
use crate::service::factor::is_recent;
use crate::service::throttle::Attempt;
use crate::service::{App, Failure};
use crate::storage::{account, audit};

/// Looks at the password of a caller who has been admitted. Where the account has a factor beside it the password alone opens nothing:
/// then a recent proof of both is asked for first. Returns the attempt, still under way, and the hash that was verified.
pub(in crate::service) async fn prove(
    app: &App,
    (attempt, place): (Attempt, Place),
    proof: &Proof,
    hung_up: &mut HungUp,
) -> Result<(Attempt, PasswordHash), ProofError> {
    let (is_recent, methods) = is_recent(app, &proof.caller).await?;
    // One of the methods is the password.
    if methods.len() > 1 && !is_recent {
        attempt.succeeded().await;
        return Err(ProofError::Wanted(methods));
    }
    prove_password(app, (attempt, place), proof, hung_up).await
}

/// The same of the password alone.
pub(in crate::service) async fn prove_password(
    app: &App,
    (attempt, place): (Attempt, Place),
    proof: &Proof,
    hung_up: &mut HungUp,
) -> Result<(Attempt, PasswordHash), ProofError> {
    let Proof { caller, client, password } = proof;
    let stored = {
        let mut tx = app.store.read().await.map_err(Failure::from)?;
        account::credentials(&mut tx, &caller.user.email).await.map_err(Failure::from)?
    };
    let stored = stored.ok_or(ProofError::Gone)?.password_hash;
    let Some(verified) = verify(place, password.clone(), Some(stored.clone()), hung_up).await else {
        attempt.failed();
        return Err(ProofError::Incorrect);
    };
    let (attempt, verified) = attempt.unless_refused::<_, ProofError>(verified).await?;
    if verified.matches {
        return Ok((attempt, stored));
    }
    attempt.failed();
    let record = client.record(Event::ReauthenticationFailed, caller.user.id, Some(caller.session.id));
    let noted = app.store.write(record, |tx, record| {
        Box::pin(async move {
            let now = tx.now().await?;
            audit::append(tx, record, now).await
        })
    });
    noted.await.map_err(Failure::from)?;
    Err(ProofError::Incorrect)
}
