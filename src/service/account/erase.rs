//! Leaving.

use std::sync::Arc;

use crate::domain::throttle::Scope;
use crate::service::operator::{self, Changed};
use crate::service::password::{Proof, ProofError, prove, waiting};
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Failure, in_own_task};

/// Why an account is still there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The password was not proved.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Nobody else could do what a superuser does.
    #[error("the last superuser can't leave")]
    LastSuperuser,
}

impl From<Failure> for EraseError {
    fn from(failure: Failure) -> Self {
        Self::Proof(failure.into())
    }
}

/// Erases the caller's account, with all sessions, at once and for ever.
///
/// # Errors
/// See [`EraseError`].
pub async fn erase(app: &Arc<App>, proof: Proof) -> Result<(), EraseError> {
    let account = throttle::in_session(app, &proof.caller);
    let attempt = Attempt::begin::<ProofError>(app, Scope::Reauthenticate, &proof.client, Some(account)).await?;
    let admitted = attempt.place::<ProofError>().await?;
    let (_waiting, hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(async move {
        let (id, client) = (proof.caller.user.id, proof.client.clone());
        let (attempt, _) = prove(&app, admitted, proof, hung_up).await?;
        let erased = operator::erase(&app, id, &client, false).await?;
        attempt.succeeded().await;
        match erased {
            Changed::Done | Changed::Unknown => Ok(()),
            Changed::LastSuperuser => Err(EraseError::LastSuperuser),
        }
    })
    .await
}
