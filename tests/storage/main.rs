//! The storage layer. Every test runs on SQLite and on PostgreSQL, but where its subject is one of them.
#![expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test program is a crate of its own; in tests a panic is the message"
)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod audit;
mod common;
mod factors;
mod group_commit;
mod idle_days;
mod locks;
mod migrations;
mod poolers;
mod readiness;
mod resets;
mod rotations;
mod sessions;
mod start;
mod throttle;
mod tls;
mod transactions;
mod trouble;
mod users;
mod wire;
