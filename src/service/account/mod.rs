//! A person's account: made, changed, handed out, erased.

mod erase;
mod export;
mod register;
mod rename;

pub use crate::storage::mail::{LinkOf, MailOf};
pub(super) use erase::erase_due;
pub use erase::{EraseError, Erased, erase};
pub(super) use export::hand_out;
pub use export::{Export, ExportError, Exports, Page, export};
pub use register::{NewAccount, RegisterError, Registered, register};
pub use rename::{RenameError, rename};
