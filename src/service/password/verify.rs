//! Looking at a password.

use std::convert::Infallible;

use tokio::sync::oneshot;

use crate::domain::password::{Password, PasswordHash};
use crate::platform::hashing::{HashError, Pending, Place, Verified};

/// Becomes ready when the caller has hung up.
pub(in crate::service) struct HungUp(oneshot::Sender<Infallible>);

/// Held by whoever waits for the answer; its end tells [`HungUp`].
pub(in crate::service) struct Waiting(
    #[expect(dead_code, reason = "held to be dropped")] oneshot::Receiver<Infallible>,
);

/// Tells work that goes on in a task of its own whether its caller still waits.
pub(in crate::service) fn waiting() -> (Waiting, HungUp) {
    let (hung_up, waiting) = oneshot::channel();
    (Waiting(waiting), HungUp(hung_up))
}

/// Whether `password` is the one of the `stored` hash. The same rounds whatever is wrong: none for a password that no account can
/// have, or no stored hash.
///
/// None: the caller has hung up before it was looked at, and now nobody will. A password that is being looked at by then is looked at
/// to the end: a guess is a guess, and belongs into the audit.
pub(in crate::service) async fn verify(
    place: Place,
    password: Option<Password>,
    stored: Option<PasswordHash>,
    hung_up: &mut HungUp,
) -> Option<Result<Verified, HashError>> {
    let mut pending: Pending<Verified> = match password {
        Some(password) => place.verify(&password, stored),
        None => place.verify_nobody(),
    };
    tokio::select! {
        biased;
        verified = &mut pending => Some(verified),
        () = hung_up.0.closed() => if pending.withdraw() { None } else { Some(pending.await) },
    }
}
