//! The use cases; owns transactions.
//!
//! Every use case is a function of the [`App`] and of values that were parsed at the door. It returns what happened as a value;
//! what the outside learns of it is for `api` to say.

pub mod account;
pub mod factor;
pub mod health;
pub mod import;
pub mod mail;
pub mod maintenance;
pub mod metrics;
pub mod operator;
pub mod password;
pub mod probe;
pub mod session;
pub mod throttle;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tracing::Instrument as _;

use crate::config::Registration;
use crate::domain::account::UserId;
use crate::domain::audit::{Actor, Event, Record};
use crate::domain::session::SessionId;
use crate::platform::access_token::SignError;
use crate::platform::clock::Clock;
use crate::platform::hashing::HashError;
use crate::platform::random::{Random, RandomError};
use crate::platform::sealed::SealError;
use crate::storage::{self, Store};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::traces::Traces;

/// Everything that the use cases stand on, by area. One per process, shared.
pub struct App {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub random: Random,
    /// Sessions and their tokens.
    pub session: session::Sessions,
    /// Passwords.
    pub password: password::Passwords,
    /// Factors beside the password.
    pub factor: factor::Factors,
    /// Who may make an account.
    pub registration: Registration,
    /// Mail.
    pub mail: mail::Mail,
    /// Rate limits.
    pub limits: throttle::Limits,
    /// Exports that are under way.
    pub exports: account::Exports,
    /// Requests of an operator who asks how they came.
    pub probes: probe::Probes,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where requests are recorded, if anywhere.
    pub traces: OnceLock<Arc<Traces>>,
    /// Whether the end has begun.
    pub stopping: Arc<health::Stopping>,
}

/// Who asks, as far as the connection tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The client's address, seen through trusted proxies.
    pub ip: Option<IpAddr>,
    /// `User-Agent`, cut to [`Client::MAX_USER_AGENT_BYTES`].
    pub user_agent: Option<String>,
    /// In which role.
    pub actor: Actor,
}

impl Client {
    /// What is kept of a `User-Agent`.
    pub const MAX_USER_AGENT_BYTES: usize = 512;

    /// An operator at the command line.
    #[must_use]
    pub const fn operator() -> Self {
        Self { ip: None, user_agent: None, actor: Actor::Operator }
    }

    /// An audit record of what this client did.
    fn record(&self, event: Event, user_id: UserId, session_id: Option<SessionId>) -> Record {
        Record {
            actor: self.actor.clone(),
            user_id: Some(user_id),
            session_id,
            ip: self.ip,
            user_agent: self.user_agent.clone(),
            ..Record::of(event)
        }
    }
}

/// The server's own trouble: nothing that the caller did, and nothing that costs anybody a session.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// The hashing pool, for another reason than too much work.
    #[error(transparent)]
    Hashing(#[from] HashError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// No signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The task that did the work panicked; the panic was logged where it happened.
    #[error("the task of this use case ended without an answer")]
    TaskDied,
}

/// Runs the writing part of a use case in a task of its own, so that a caller who hangs up does not stop it between the commit
/// and what must follow the commit.
async fn in_own_task<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Failure> + Send + 'static,
{
    // Its log lines carry the request's fields still.
    tokio::spawn(work.in_current_span()).await.unwrap_or_else(|_| Err(Failure::TaskDied.into()))
}
