//! Passwords, what a new one must be, what is stored of one, and the token that sets one without the old.

mod base64;
mod foreign;
mod kdf;
mod policy;
mod secret;
mod stored;
mod wrapping;

pub use base64::bcrypt_text;
pub use foreign::{NotTaken, firebase, keycloak, recognise};
pub use kdf::{Function, Kdf};
pub use policy::{PasswordPolicy, PasswordProblem};
pub use secret::{Password, PasswordError, PasswordHash};
pub use stored::{Bcrypt, Stored};
pub use wrapping::{Sha, Wrapping};
