//! The storage layer. Every test runs on SQLite and on PostgreSQL.
#![expect(unreachable_pub, reason = "a test program is a crate of its own")]

#[path = "../support/mod.rs"]
mod support;

mod common;
mod users;
