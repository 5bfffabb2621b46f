//! The HTTP API as its clients see it: stories over real TCP, on both databases. A story's file is found by its URL.
//!
//! Every answer is judged by the spec and by the rules that all answers share: see `harness::contract`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test says where")]

#[path = "../support/harness/mod.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

mod account;
mod account_races;
mod audit;
mod authenticator_apps;
mod bound;
mod bound_traps;
mod check;
mod client;
mod client_address;
mod clocks;
mod contract;
mod counted;
mod cross_site;
mod email_change;
mod errors;
mod factor_recovery;
mod factors;
mod first_factor;
mod floods;
mod forgot;
mod health;
mod history;
mod hung_up;
mod imported;
mod jwks;
mod keys;
mod known_browsers;
mod lifetimes;
mod locked_doors;
mod login;
mod logout;
mod me;
mod native;
mod nodes;
mod notices;
mod operators;
mod other_versions;
mod passkey_at_login;
mod passkeys;
mod poll;
mod protection;
mod races;
mod refresh;
mod register;
mod renewed;
mod reset;
mod rotation;
mod second_factor;
mod secrets;
mod sessions;
mod smtp;
mod state;
mod verification;
