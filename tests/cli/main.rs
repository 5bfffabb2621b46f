//! The program as people run it: exit codes, what it prints, the files it makes.
#![cfg(unix)]
#![expect(unreachable_pub, clippy::unwrap_used, reason = "all of it is a test; in tests a panic is the message")]

#[path = "../support/mod.rs"]
mod databases;
mod documents;
mod keys;
mod migrate;
mod program;
mod serve;
