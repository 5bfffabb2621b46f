//! One line a request, and one more in the metrics.

use std::sync::Arc;
use std::time::Instant;

use poem::Request;
use poem::http::{HeaderName, Method, StatusCode};

use super::context::Context;
use super::origins::single;
use crate::telemetry::metrics::{self, Metrics, OfPath};
use crate::telemetry::traces::{self, Parent, Traces};

/// Logs method, path template, status, duration, request id and client address. Never the path itself, a query, a header or a
/// body: they may hold secrets. And counts the request, and records it where that is asked for.
pub(super) struct RequestLog {
    metrics: Arc<Metrics>,
    /// What was counted of paths that there are none of.
    unmatched: OfPath,
    traces: Option<Arc<Traces>>,
}

impl RequestLog {
    pub(super) fn new(metrics: Arc<Metrics>, traces: Option<Arc<Traces>>) -> Self {
        Self { metrics, unmatched: OfPath::default(), traces }
    }

    pub(super) fn begin<'l>(&'l self, request: &Request, context: &'l Context) -> Line<'l> {
        // A visitor's would put strangers into the team's traces.
        let believed = self.traces.is_some() && context.from_proxy;
        let parent = believed.then(|| single(request.headers(), &TRACEPARENT)).flatten().and_then(Parent::parse);
        Line { log: self, method: request.method().clone(), context, start: Instant::now(), status: None, parent }
    }
}

/// Written when dropped, so that a request whose client went away has its line too.
pub(super) struct Line<'l> {
    log: &'l RequestLog,
    method: Method,
    context: &'l Context,
    start: Instant,
    /// Of the answer.
    pub(super) status: Option<StatusCode>,
    parent: Option<Parent>,
}

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Line<'_> {
    /// What everything that is logged meanwhile belongs to.
    pub(super) fn span(&self) -> tracing::Span {
        tracing::info_span!("request", request_id = self.request_id())
    }

    fn request_id(&self) -> Option<&str> {
        self.context.request_id.to_str().ok()
    }

    fn path(&self) -> &str {
        self.context.route.as_ref().map_or("unmatched", |route| &route.template)
    }
}

/// The method, if it is one of the well-known: others are the client's free text.
fn well_known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let method = well_known(&self.method);
        let path = self.path();
        let request_id = self.request_id();
        let took = self.start.elapsed();
        let status = self.status.as_ref().map(StatusCode::as_str);
        let known = self.context.route.as_ref().map_or(&self.log.unmatched, |route| &route.counted);
        self.log.metrics.request(known, metrics::Request { method, path, status, took });
        if let Some(traces) = &self.log.traces {
            let (status, began, parent) = (self.status.map(|status| status.as_u16()), self.start, self.parent);
            traces.record(&traces::Request { method, path, status, request_id, parent, began, took });
        }
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        let client = self.context.client().map(tracing::field::display);
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
