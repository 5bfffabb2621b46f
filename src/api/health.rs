//! Is it ready, is it alive.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::Tag;
use super::problem::{TypedProblem, codes};
use crate::api::data::Data;
use crate::service::health::{NotReady, Trouble};
use crate::service::{App, health};

/// Operations for those who watch over the service.
pub struct HealthApi;

#[OpenApi(tag = "Tag::Health")]
impl HealthApi {
    /// Is it ready
    ///
    /// Whether requests can be served: the database answers within two seconds and takes writes, and the service is not about to
    /// stop. If not, `detail` says why. For load balancers.
    #[oai(path = "/api/auth/health", method = "get", operation_id = "health")]
    async fn health(&self, Data(app): Data<&Arc<App>>) -> Result<Readiness, TypedProblem<ReadyCode>> {
        match health::ready(app).await {
            Ok(()) => Ok(Readiness::Ok(Json(Ready::example()))),
            Err(NotReady::Stopping) => Err(TypedProblem::new(ReadyCode::ShuttingDown)),
            Err(NotReady::Database(cause, trouble)) => Err(TypedProblem::from(cause).because(match trouble {
                Trouble::NoAnswer => "The database does not answer.",
                Trouble::ReadOnly => "The database takes no writes: it is a standby, or set to be read-only.",
                Trouble::Full => "The database takes no writes: its disk is full.",
                Trouble::CommitsHang => "The database finishes no writes: is a synchronous standby gone?",
            })),
        }
    }

    /// Is it alive
    ///
    /// Whether the process answers; the database is not asked. For supervisors.
    #[oai(path = "/health", method = "get", operation_id = "alive")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn alive(&self) -> Liveness {
        Liveness::Ok(Json(Alive::example()))
    }
}

codes! {
    /// Why it is not ready.
    ReadyCode: Overloaded DatabaseUnavailable ShuttingDown
}

#[derive(ApiResponse)]
enum Readiness {
    /// Ready to serve.
    #[oai(status = 200)]
    Ok(Json<Ready>),
}

#[derive(ApiResponse)]
enum Liveness {
    /// Alive.
    #[oai(status = 200)]
    Ok(Json<Alive>),
}

/// How the service is.
#[derive(Enum)]
#[oai(rename_all = "snake_case")]
pub enum Condition {
    /// All is well.
    Healthy,
}

/// How the database is.
#[derive(Enum)]
#[oai(rename_all = "snake_case")]
pub enum DatabaseCondition {
    /// It answers.
    Ok,
}

/// Ready to serve.
#[derive(Object)]
#[oai(example)]
pub struct Ready {
    /// How the service is.
    status: Condition,
    /// How the database is.
    database: DatabaseCondition,
}

impl Example for Ready {
    fn example() -> Self {
        Self { status: Condition::Healthy, database: DatabaseCondition::Ok }
    }
}

/// Alive.
#[derive(Object)]
#[oai(example)]
pub struct Alive {
    /// How the service is.
    status: Condition,
    /// The version of Doorward.
    version: String,
}

impl Example for Alive {
    fn example() -> Self {
        Self { status: Condition::Healthy, version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}
