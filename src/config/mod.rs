//! Typed, validated settings. The environment is read here and nowhere else; below `cli` code gets the section that it needs.
//!
//! [`declarations`] is the one table of settings: they are read by it, and `docs/configuration.md` and `.env.example` are made
//! from it by [`mod@reference`]. To add a setting, declare it there and read it in its section.

pub mod cookies;
pub mod database;
pub mod declarations;
mod dotenv;
pub mod hashing;
pub mod imported;
mod kinds;
pub mod logging;
pub mod mail;
mod near_miss;
mod networks;
mod origins;
pub mod passkeys;
pub mod passwords;
pub mod private_key;
mod problem;
pub mod reference;
pub mod secret;
pub mod server;
pub mod sessions;
pub mod setting;
pub mod site;
mod source;
pub mod supervisor;
pub mod throttle;
pub mod tokens;
pub mod traces;

pub use problem::{Problem, Problems};
pub use source::Source;

use std::time::Duration;

use url::Url;

use crate::domain::timestamp::Timestamp;

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
    /// `REGISTRATION`: who may make an account.
    pub registration: Registration,
    /// Whether sessions are bound to devices.
    pub binding: sessions::Binding,
    /// For which domain passkeys are made.
    pub passkeys: passkeys::Passkeys,
    /// Password policy and bcrypt cost.
    pub passwords: passwords::Passwords,
    /// Rate limits.
    pub throttle: throttle::Throttle,
    /// The hashing pool.
    pub hashing: hashing::Hashing,
    /// Secrets of the software that accounts came from.
    pub imported: imported::Imported,
    /// Mail.
    pub mail: mail::Mail,
    /// Logs.
    pub logging: logging::Logging,
    /// What is allowed and seldom meant: to be logged once logs work.
    pub warnings: Vec<Problem>,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Operators alone.
    Closed,
}

/// What defaults apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Runs at once, without any setting, for one developer on one machine.
    Development,
    /// Refuses settings that are not safe on the internet.
    Production,
}

impl Config {
    /// Reads and checks every setting. `now` tells whether `SESSIONS_NOT_BEFORE` lies in the future.
    ///
    /// # Errors
    /// Everything that is wrong, at once, by name; values are never part of it.
    pub fn load(source: &Source, now: Timestamp) -> Result<Self, Problems> {
        let mut reader = setting::Reader::new(source);
        let environment = reader.get(&declarations::ENVIRONMENT);
        reader.set_environment(environment.unwrap_or(Environment::Development));

        let server = server::Server::read(&mut reader);
        let public_url = server.as_ref().and_then(|server| server.public_url.as_deref());
        let passkeys = passkeys::Passkeys::read(&mut reader, server.as_ref());
        let cookies = cookies::Cookies::read(&mut reader, public_url);
        let database = database::Database::read(&mut reader);
        let tokens = tokens::Tokens::read(&mut reader);
        let sessions = sessions::read(&mut reader, now, cookies.as_ref());
        let registration = reader.get(&declarations::REGISTRATION);
        let passwords = passwords::Passwords::read(&mut reader);
        let throttle = throttle::Throttle::read(&mut reader);
        let hashing = hashing::Hashing::read(&mut reader);
        let imported = imported::Imported::read(&mut reader);
        let mail = mail::Mail::read(&mut reader, database.as_ref());
        let logging = logging::Logging::read(&mut reader);

        let mut warnings = near_miss::warnings(source);
        warnings.append(&mut reader.warnings);
        let problems = reader.problems;
        let whole = || {
            let (sessions, binding) = sessions?;
            Some(Self {
                environment: environment?,
                server: server?,
                cookies: cookies?,
                database: database?,
                tokens: tokens?,
                sessions,
                binding,
                registration: registration?,
                passkeys: passkeys?,
                passwords: passwords?,
                throttle: throttle?,
                hashing: hashing?,
                imported,
                mail: mail?,
                logging: logging?,
                warnings,
            })
        };
        // A section that is missing has noted why.
        if problems.is_empty() { whole().ok_or(Problems(problems)) } else { Err(Problems(problems)) }
    }
}

/// Reads a duration as settings have them: `30s`, `5m`, `1h`, `7d`. None: it is something else.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    kinds::span(text)
}

/// Reads the address of a page as `RESET_URL` has it. None: it is something else, or has a fragment.
#[must_use]
pub fn page(text: &str) -> Option<Url> {
    kinds::page(text).ok()
}
