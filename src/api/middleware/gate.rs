//! What every request passes, in its order: one future, since each that stands around another moves the request, which is large.

use std::pin::pin;
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, Request, Response, Result};
use tracing::Instrument as _;

use super::client_address::ClientAddress;
use super::context::{Context, Contexts};
use super::cors::Cors;
use super::log::RequestLog;
use super::origins::Origins;
use super::routing::{Asked, without_body};
use super::{Limits, Settings, body, cross_site, failures, routing, security_headers};
use crate::service::throttle::Pace;

/// So many headers are added to most answers.
const MORE_HEADERS: usize = 8;

/// The stack around the API.
pub(super) struct Gate {
    inner: BoxEndpoint<'static>,
    contexts: Contexts,
    log: RequestLog,
    cors: Cors,
    origins: Arc<Origins>,
    limits: Limits,
    pace: Arc<Pace>,
    hsts: bool,
}

impl Gate {
    pub(super) fn new(inner: BoxEndpoint<'static>, settings: &Settings) -> Self {
        let Settings { server, routes, request_id_seed, limits, pace, probes, metrics, traces, stopping } = settings;
        let origins =
            Arc::new(Origins { allowed: server.allowed_origins.clone(), public_url: server.public_url.clone() });
        let clients = ClientAddress::new(server.trusted_proxies.clone());
        Self {
            inner,
            contexts: Contexts::new(routes.clone(), clients, *request_id_seed, probes.clone(), Arc::clone(stopping)),
            log: RequestLog::new(Arc::clone(metrics), traces.clone()),
            cors: Cors::new(Arc::clone(&origins), routes),
            origins,
            limits: *limits,
            pace: Arc::clone(pace),
            hsts: server.hsts,
        }
    }

    /// Lets in what passes the checks.
    async fn admit(&self, context: &Context, mut request: Request) -> Result<Response> {
        cross_site::check(&self.origins, context, &mut request)?;
        let asked = match routing::check(context.route.as_deref(), &mut request) {
            Ok(asked) => asked,
            Err(answer) => return Ok(*answer),
        };
        let body = body::limit(&mut request, &self.limits);
        let response = body.of(self.inner.as_ref().call(request).await)?;
        Ok(if asked == Asked::Head { without_body(response) } else { response })
    }
}

impl Endpoint for Gate {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let context = self.contexts.find(&mut request);
        let mut line = self.log.begin(&request, &context);
        let is_api = security_headers::is_api(request.uri().path());
        // Pinned where they stand: what goes around them would move them, and they are large.
        let answer = pin!(async {
            self.pace.keep(context.client()).await;
            // Outside all that refuses, so that scripts can read refusals too.
            let (told, answer) = self.cors.ask(&request);
            let mut response = match answer {
                Some(preflight) => preflight,
                None => failures::answer(self.limits.request, self.admit(&context, request)).await,
            };
            // What is added here, and below, and by the server.
            response.headers_mut().reserve(MORE_HEADERS);
            told.complete(&mut response);
            response
        });
        let mut response = answer.instrument(line.span()).await;
        security_headers::complete(&mut response, is_api, self.hsts);
        line.status = Some(response.status());
        drop(line);
        self.contexts.complete(&context, &mut response);
        Ok(response)
    }
}
