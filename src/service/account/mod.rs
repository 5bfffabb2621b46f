//! A person's account: made, changed, handed out, erased.

mod erase;
mod export;
mod register;
mod rename;

pub use erase::{EraseError, erase};
pub(super) use export::hand_out;
pub use export::{Export, ExportError, Exports, Page, export};
pub use register::{NewAccount, RegisterError, register};
pub use rename::{RenameError, rename};
