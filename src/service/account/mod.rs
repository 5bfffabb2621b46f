//! A person's account: made, changed, handed out, erased.

mod profile;
mod register;

pub(super) use profile::hand_out;
pub use profile::{EraseError, Export, erase, export, rename};
pub use register::{NewAccount, RegisterError, register};
