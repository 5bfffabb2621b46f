//! Doorward: a self-hosted authentication service.
//!
//! Two cuts. **Layers**, from the bottom up: a lower one knows nothing of an upper one.
//!
//! | layer | modules | what it is | may use |
//! |---|---|---|---|
//! | 0 | [`domain`] | pure data and rules: no async, no IO, no clock | nothing |
//! | 1 | [`config`] | typed, validated settings; each layer above gets its section as a value | domain |
//! | 2 | [`platform`] | clock, random, bcrypt, signatures, mail servers | domain, config |
//! | 2 | [`telemetry`] | logs, metrics | domain, config |
//! | 3 | [`storage`] | the database: sqlx lives only here | domain, config, platform |
//! | 3 | [`cache`] | what a node keeps in memory: moka lives only here | domain, config, platform |
//! | 4 | [`service`] | the use cases; owns transactions | domain, config, platform, telemetry, storage, cache |
//! | 5 | [`api`] | HTTP: poem and poem-openapi live only here | domain, config, telemetry, service |
//! | 6 | [`server`] | accepts connections | domain, config, platform, telemetry, storage, cache, service, api |
//! | 6 | [`cli`] | the commands; starts everything | domain, config, platform, telemetry, storage, cache, service, api, server |
//!
//! **Areas**: a folder of the same name on each of the layers `domain`, `storage`, `service` and `api` that has something of it. An
//! area is entered through its `mod.rs` alone: its files are private, and what others may use it re-exports.
//!
//! | area | what it is about |
//! |---|---|
//! | `session` | log in, refresh, log out, who is asking, list and end |
//! | `account` | register, change, export, erase |
//! | `password` | the policy, prove, change, reset |
//! | `factor` | authenticator apps, recovery codes, passkeys, what is wanted beside the password |
//! | `mail` | the outbox, what it tells, links |
//! | `throttle` | attempts, and what is counted of them |
//! | `audit` | what happened, and who did it |
//! | `operator` | what the command line does to accounts |
//! | `import` | accounts from elsewhere |
//!
//! A line of code so has its layer and its area. A request walks api, service, storage, and back: `api::session`, `service::session`,
//! `storage::session`. To add a feature, find its area on each layer that it needs, or make the folder where there is none.
//!
//! `tests/architecture.rs` reads both tables, and refuses what they do not allow.

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
