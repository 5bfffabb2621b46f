//! What the service counts, for Prometheus, on a listener of its own.

use std::sync::Arc;

use poem::http::{Method, StatusCode};
use poem::{Endpoint, Response};

use crate::service::App;
use crate::service::metrics::{LiveSessions, render};
use crate::telemetry::metrics::CONTENT_TYPE;

/// `GET /metrics`, and nothing else.
pub fn endpoint(app: Arc<App>, live: Arc<LiveSessions>) -> impl Endpoint<Output = Response> + use<> {
    poem::endpoint::make_sync(move |request| {
        let status = match (request.uri().path(), request.method()) {
            ("/metrics", &Method::GET) => {
                return Response::builder().content_type(CONTENT_TYPE).body(render(&app, &live));
            }
            ("/metrics", _) => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::NOT_FOUND,
        };
        Response::builder().status(status).finish()
    })
}
