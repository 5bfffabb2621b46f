//! People and how they are named.

mod email;
mod user;

pub use email::{Email, EmailError};
pub use user::{ExternalId, FullName, FullNameError, User, UserId};
