//! poem and poem-openapi live only here.

pub mod account;
pub mod body;
pub mod caller;
pub mod client_address;
pub mod cookies;
pub mod cross_site;
pub mod document;
mod endpoint;
pub mod health;
pub mod middleware;
pub mod problem;
pub mod routes;
pub mod session;
pub mod types;

use poem_openapi::{OpenApi, Tags};

pub use self::document::document;
pub use self::endpoint::endpoint;

/// All operations, in the order in which the documentation shows them.
fn operations() -> impl OpenApi {
    (account::AccountApi, session::SessionApi, health::HealthApi)
}

/// What the operations are about.
#[derive(Tags)]
enum Tag {
    /// The person's account.
    Account,
    /// Log in, stay logged in, log out.
    Session,
    /// For those who watch over the service.
    Health,
}
