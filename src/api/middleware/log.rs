//! One line a request, and one more in the metrics.

use std::sync::Arc;
use std::time::Instant;

use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Endpoint, Request, Response, Result};
use tracing::Instrument;

use super::context::Context;
use crate::api::routes::Route;
use crate::service::Client;
use crate::telemetry::metrics::{self, Metrics};

/// Logs method, path template, status, duration, request id and client address. Never the path itself, a query, a header or a
/// body: they may hold secrets.
pub(super) struct RequestLog<E>(E, Arc<Metrics>);

impl<E> RequestLog<E> {
    pub(super) fn new(inner: E, metrics: Arc<Metrics>) -> Self {
        Self(inner, metrics)
    }
}

impl<E: Endpoint> Endpoint for RequestLog<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let mut line = Line::begin(&request, Arc::clone(&self.1));
        let span = tracing::info_span!("request", request_id = line.request_id());
        let response = self.0.get_response(request).instrument(span).await;
        line.status = Some(response.status());
        Ok(response)
    }
}

/// Written when dropped, so that a request whose client went away has its line too.
struct Line {
    method: Method,
    context: Option<Context>,
    client: Option<Client>,
    start: Instant,
    status: Option<StatusCode>,
    metrics: Arc<Metrics>,
}

impl Line {
    fn begin(request: &Request, metrics: Arc<Metrics>) -> Self {
        Self {
            method: request.method().clone(),
            context: request.data().cloned(),
            client: request.data().cloned(),
            start: Instant::now(),
            status: None,
            metrics,
        }
    }

    fn request_id(&self) -> Option<&str> {
        self.context.as_ref().map(|context| &context.request_id).and_then(|id: &HeaderValue| id.to_str().ok())
    }

    fn path(&self) -> &str {
        let route: Option<&Arc<Route>> = self.context.as_ref().and_then(|context| context.route.as_ref());
        route.map_or("unmatched", |route| &route.template)
    }
}

/// The method, if it is one of the well-known: others are the client's free text.
fn well_known(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    if known.contains(method) { method.as_str() } else { "other" }
}

impl Drop for Line {
    fn drop(&mut self) {
        let method = well_known(&self.method);
        let path = self.path();
        let request_id = self.request_id();
        let took = self.start.elapsed();
        let status = self.status.as_ref().map(StatusCode::as_str);
        self.metrics.request(metrics::Request { method, path, status, took });
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        let client = self.client.as_ref().and_then(|client| client.ip).map(tracing::field::display);
        match self.status.map(|status| status.as_u16()) {
            Some(status @ 500) => {
                tracing::error!(target: "doorward::request", method, path, status, duration_ms, request_id, client);
            }
            Some(status) => {
                tracing::info!(target: "doorward::request", method, path, status, duration_ms, request_id, client);
            }
            None => {
                tracing::info!(
                    target: "doorward::request", method, path, duration_ms, request_id, client, "the client went away"
                );
            }
        }
    }
}
