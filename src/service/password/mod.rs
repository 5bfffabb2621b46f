//! A person's password: looked at, proved, changed, reset.

mod change;
mod looks;
mod prove;
mod reset;
mod verify;

pub use change::change;
pub(super) use looks::Looks;
pub(super) use prove::{prove, prove_password};
pub use reset::{ResetError, reset};
pub(super) use verify::{HungUp, verify, waiting};

use super::factor::NotRecent;
use super::session::Caller;
use super::throttle::Limited;
use super::{Client, Failure};
use crate::config;
use crate::domain::factor::Method;
use crate::domain::password::Password;
use crate::platform::hashing::HashPool;

/// What passwords stand on.
pub struct Passwords {
    /// bcrypt, off the threads that serve requests.
    pub hashing: HashPool,
    /// What a new password must satisfy.
    pub policy: config::passwords::Passwords,
}

/// Somebody in a session, and the password that is to show that it is really them.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Whose session it is.
    pub caller: Caller,
    /// Who asks.
    pub client: Client,
    /// As typed. None: no account can have it.
    pub password: Option<Password>,
}

/// Why the password is not proved.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The current password is another one.
    #[error("the current password is another one")]
    Incorrect,
    /// The account has a factor beside its password, and it is to be proved again by both. Or by nothing: the page is one of many.
    #[error("it was proved too long ago")]
    Wanted(Vec<Method>),
    /// The account is gone.
    #[error("the account is gone")]
    Gone,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<NotRecent> for ProofError {
    fn from(error: NotRecent) -> Self {
        match error {
            NotRecent::Wanted(methods) => Self::Wanted(methods),
            NotRecent::Failed(failure) => Self::Failed(failure),
        }
    }
}
