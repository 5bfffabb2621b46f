//! Passwords, what a new one must be, and the token that sets one without the old.

mod policy;
mod secret;

pub use policy::{PasswordPolicy, PasswordProblem};
pub use secret::{Password, PasswordError, PasswordHash};
