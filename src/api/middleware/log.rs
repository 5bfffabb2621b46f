//! One line a request, and one more in the metrics.

use std::sync::Arc;
use std::time::Instant;

use poem::http::{HeaderName, HeaderValue, Method, StatusCode};
use poem::{Endpoint, Request, Response, Result};
use tracing::Instrument;

use super::context::Context;
use super::origins::single;
use crate::api::routes::Route;
use crate::service::Client;
use crate::telemetry::metrics::{self, Metrics};
use crate::telemetry::traces::{self, Parent, Traces};

/// Logs method, path template, status, duration, request id and client address. Never the path itself, a query, a header or a
/// body: they may hold secrets.
pub(super) struct RequestLog<E>(E, Arc<Metrics>, Option<Arc<Traces>>);

impl<E> RequestLog<E> {
    pub(super) fn new(inner: E, metrics: Arc<Metrics>, traces: Option<Arc<Traces>>) -> Self {
        Self(inner, metrics, traces)
    }
}

impl<E: Endpoint> Endpoint for RequestLog<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let mut line = Line::begin(&request, Arc::clone(&self.1), self.2.clone());
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
    traces: Option<Arc<Traces>>,
    parent: Option<Parent>,
}

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Line {
    fn begin(request: &Request, metrics: Arc<Metrics>, traces: Option<Arc<Traces>>) -> Self {
        let context: Option<Context> = request.data().cloned();
        // A visitor's would put strangers into the team's traces.
        let believed = traces.is_some() && context.as_ref().is_some_and(|context| context.from_proxy);
        let parent = believed.then(|| single(request.headers(), &TRACEPARENT)).flatten().and_then(Parent::parse);
        Self {
            method: request.method().clone(),
            context,
            client: request.data().cloned(),
            start: Instant::now(),
            status: None,
            metrics,
            traces,
            parent,
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
        if let Some(traces) = &self.traces {
            let (status, began, parent) = (self.status.map(|status| status.as_u16()), self.start, self.parent);
            traces.record(&traces::Request { method, path, status, request_id, parent, began, took });
        }
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
