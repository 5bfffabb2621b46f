//! Accounts from elsewhere: reading the rows of other databases and of files, and writing accounts many at a time.

mod file;
mod source;
mod write;

pub use file::Format;
pub use source::{Place, Records, SourceError, open};
pub use write::{
    NeededSecrets, NewAccount, facts, has_imported, highest_id, insert, is_empty, needed_secrets, reserve_ids,
};
