//! What every request passes, whatever it asks for.

mod body;
mod client_address;
mod context;
mod cors;
mod cross_site;
mod failures;
mod gate;
mod log;
mod origins;
mod probe;
mod request_id;
mod routing;
mod security_headers;

use std::sync::Arc;
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, Response};

use super::routes::RouteTable;
use crate::config::server::Server;
use crate::service::health::Stopping;
use crate::service::probe::Probes;
use crate::service::throttle::Pace;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::traces::Traces;

pub use self::context::{Beside, Unreadable, Visit, X_DOORWARD_SESSION};
pub use self::cross_site::Asking;
pub use self::probe::{X_DOORWARD_PROBE, X_DOORWARD_SEEN};

/// What the stack needs to know.
#[derive(Clone)]
pub struct Settings {
    /// The section on the server.
    pub server: Server,
    /// All paths with their methods.
    pub routes: RouteTable,
    /// Makes request ids unpredictable: fresh random bytes.
    pub request_id_seed: [u8; 16],
    /// Bounds of one request.
    pub limits: Limits,
    /// Holds floods while passwords are hashed.
    pub pace: Arc<Pace>,
    /// Knows the requests of an operator who asks how they came.
    pub probes: Probes,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// Where they are recorded.
    pub traces: Option<Arc<Traces>>,
    /// Whether the end has begun.
    pub stopping: Arc<Stopping>,
}

/// Bounds of one request. Fixed; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// A body arrives whole within this time, counted from the first look at it.
    pub body_read: Duration,
    /// A request is answered within this time.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 16 * 1024, body_read: Duration::from_secs(10), request: Duration::from_secs(30) }
    }
}

/// The whole stack around the API. From here on nothing is an `Err`, and every failure is a problem (RFC 9457).
///
/// Refusals come in this order: 403 cross-site, 404, 405; then the API's own: 401, 415, 413, 400, 422, 429.
#[must_use]
pub fn wrap(endpoint: BoxEndpoint<'static>, settings: &Settings) -> impl Endpoint<Output = Response> + use<> {
    gate::Gate::new(endpoint, settings)
}
