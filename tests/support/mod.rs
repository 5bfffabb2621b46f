//! What the test programs share.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "each test program is a crate of its own and uses a part of this; in tests a panic is the message"
)]

use std::time::Duration;

use doorward::config::database::{Database, Location};

pub mod pooler;
pub mod port;
pub mod postgres;
pub mod smtp;

/// Settings of a database, as small as a test needs.
pub fn database(location: Location) -> Database {
    let day = Duration::from_hours(24);
    Database { location, max_connections: 4, start_timeout: Duration::ZERO, audit_retention: day }
}
