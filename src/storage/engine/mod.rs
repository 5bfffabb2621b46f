//! The two databases, and what they share: migrations, errors, the wake-up when something was revoked.

mod backup;
mod error;
mod file_header;
mod heartbeat;
mod migrate;
pub(super) mod postgres;
mod postgres_commit;
mod postgres_explain;
mod postgres_pool;
mod postgres_session;
pub(super) mod postgres_transaction;
mod revocations;
mod serve_lock;
pub(super) mod sqlite;
mod start_error;
mod writer;

pub use backup::{Copied, Restored, backup, examine, restore};
pub use error::Error;
pub(super) use heartbeat::Heartbeat;
pub(super) use revocations::announce as announce_revocation;
pub use revocations::{Revocations, Version};
pub use serve_lock::ServeLock;
pub use start_error::{StartError, StartProblem};
