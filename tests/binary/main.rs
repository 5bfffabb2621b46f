//! Stories about the real binary, from outside: by curl, and through nginx.

#![expect(clippy::expect_used, reason = "a test fails by panicking, and says why")]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod backup;
#[cfg(target_os = "linux")]
mod doctor;
#[cfg(target_os = "linux")]
mod doctor_here;
mod http;
mod kill;
mod mail;
mod metrics;
#[cfg(target_os = "linux")]
mod nginx;
#[cfg(target_os = "linux")]
mod proxies;
#[cfg(target_os = "linux")]
mod readiness;
mod readme;
mod server;
#[cfg(target_os = "linux")]
mod supervisor;
mod tools;
mod users;

use std::io::Write as _;

/// Says what this machine can't test, past the test runner's capture.
fn left_out(what: &str) {
    let _ = writeln!(std::io::stderr(), "left out: {what}");
}
