//! Typed, validated settings. The environment is read here and nowhere else; below `cli` code gets the section that it needs.

pub mod cookies;
pub mod database;
pub mod hashing;
pub mod logging;
pub mod passwords;
pub mod secret;
pub mod server;
pub mod throttle;
pub mod tokens;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Development or production.
    pub environment: Environment,
    /// Where and how to listen, and whom to believe.
    pub server: server::Server,
    /// The auth cookies' names and attributes.
    pub cookies: cookies::Cookies,
    /// Which database.
    pub database: database::Database,
    /// Keys and claims of the tokens.
    pub tokens: tokens::Tokens,
    /// Lifetimes and refresh rotation.
    pub sessions: crate::domain::session::Policy,
    /// Password policy and bcrypt cost.
    pub passwords: passwords::Passwords,
    /// Rate limits.
    pub throttle: throttle::Throttle,
    /// The hashing pool.
    pub hashing: hashing::Hashing,
    /// Logs.
    pub logging: logging::Logging,
}

/// What defaults apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Runs at once, without any setting, for one developer on one machine.
    Development,
    /// Refuses settings that are not safe on the internet.
    Production,
}
