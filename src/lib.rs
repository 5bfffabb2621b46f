//! Doorward: a self-hosted authentication service.
//!
//! The layers, from the bottom up. A lower layer knows nothing of an upper one; `tests/architecture.rs` keeps it so.
//!
//! | layer | modules | what it is | may use |
//! |---|---|---|---|
//! | 0 | [`domain`] | pure data and rules: no async, no IO, no clock | nothing |
//! | 1 | [`config`] | typed, validated settings | domain |
//! | 2 | [`platform`], [`telemetry`] | clock, random, bcrypt, signatures; logs | domain (never each other) |
//! | 3 | [`storage`], [`cache`] | sqlx lives only in the one, moka only in the other | domain, platform (never each other) |
//! | 4 | [`service`] | the use cases; owns transactions | storage, cache, platform, domain, telemetry |
//! | 5 | [`api`] | poem and poem-openapi live only here | service, domain, telemetry |
//! | 6 | [`cli`], [`server`] | starts everything | all below |
//!
//! The same thing has the same module name on every layer (`domain::session`, `storage::session`, `api::session`). To add a
//! feature, find or make its module on each layer that it needs; a request walks api, service, storage, and back.

pub mod api;
pub mod cache;
pub mod cli;
pub mod config;
pub mod domain;
pub mod platform;
pub mod server;
pub mod service;
pub mod storage;
pub mod telemetry;
