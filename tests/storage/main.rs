//! The storage layer. Every test runs on SQLite and on PostgreSQL.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test program is a crate of its own; in tests a panic is the message"
)]

#[path = "../support/mod.rs"]
mod support;

mod common;
mod users;
