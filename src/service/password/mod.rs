//! A person's password: proved, changed, reset.

mod change;
mod reset;

pub(super) use change::prove;
pub use change::{PasswordChangeError, change};
pub use reset::{ResetError, reset};
