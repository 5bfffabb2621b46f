//! Who asks, for which path, under which name: found once, for all that follow.

use std::sync::{Arc, OnceLock};

use poem::http::header::{CONNECTION, USER_AGENT};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method};
use poem::{Endpoint, Request, Response, Result};

use super::client_address::ClientAddress;
use super::origins::single;
use super::probe::{X_DOORWARD_SEEN, seen};
use super::request_id::{RequestIds, X_REQUEST_ID, inbound};
use crate::api::routes::{Route, RouteTable};
use crate::domain::audit::Actor;
use crate::service::health::Stopping;
use crate::service::probe::Probes;
use crate::service::{Client, session};

/// What is known of a request before it is looked into. In its data, beside the [`Client`].
#[derive(Clone, Debug)]
pub struct Context {
    /// Sent back as `X-Request-Id`.
    pub request_id: HeaderValue,
    /// The path's entry in the table, if it has one.
    pub route: Option<Arc<Route>>,
    /// Whether a trusted proxy has sent it: then what it forwards may be believed.
    pub from_proxy: bool,
    /// Of the request that a trusted proxy asks about, by the header that Caddy and Traefik send.
    pub original_method: Option<Method>,
}

const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");

/// None: it is not told, or more than once.
fn original_method(headers: &HeaderMap) -> Option<Method> {
    single(headers, &X_FORWARDED_METHOD).and_then(|method| Method::from_bytes(method).ok())
}

/// Found by the server: this is no request that could be read. In its data; what else it holds means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not follow HTTP/1.1.
    Malformed,
    /// Its head is larger than the limit.
    HeadTooLarge,
}

/// Names the session that an answer is about, where it is known by then: in the request's data, and the header of the answer.
#[derive(Clone, Debug, Default)]
pub struct SessionName(Arc<OnceLock<HeaderValue>>);

/// The header that carries it. A keyed hash: it tells one login from another, and is nothing to ask with.
pub const X_DOORWARD_SESSION: HeaderName = HeaderName::from_static("x-doorward-session");

impl SessionName {
    /// The first one counts.
    pub fn set(&self, name: &session::SessionName) {
        // Base64url is a header value.
        let value = HeaderValue::try_from(name.to_string()).unwrap_or(HeaderValue::from_static(""));
        self.0.get_or_init(|| value);
    }
}

/// What the device of a bound session is to sign next, where an answer may carry it: in the request's data, and the header of the answer.
#[derive(Clone, Debug, Default)]
pub struct NextChallenge(Arc<OnceLock<HeaderValue>>);

const SECURE_SESSION_CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");

impl NextChallenge {
    /// The last one counts no more than the first: one request is of one session.
    pub fn set(&self, next: &session::NextChallenge) {
        // Base64url in quotes is a header value.
        let value = HeaderValue::try_from(format!("\"{}\";id=\"{}\"", next.challenge, next.name));
        self.0.get_or_init(|| value.unwrap_or(HeaderValue::from_static("")));
    }
}

/// Puts [`Context`], [`Client`], [`NextChallenge`] and [`SessionName`] into the request's data, and the request id into the answer.
pub(super) struct WithContext<E> {
    inner: E,
    routes: RouteTable,
    clients: ClientAddress,
    ids: RequestIds,
    probes: Probes,
    stopping: Arc<Stopping>,
}

impl<E> WithContext<E> {
    pub(super) fn new(inner: E, routes: RouteTable, clients: ClientAddress, seed: [u8; 16], probes: Probes) -> Self {
        Self { inner, routes, clients, ids: RequestIds::new(seed), probes, stopping: Arc::default() }
    }

    /// Once the service is about to stop, each answer ends its connection (RFC 9112, section 9.6): a proxy that keeps connections has none left
    /// that is closed while it sends a later request into it.
    pub(super) fn until(self, stopping: Arc<Stopping>) -> Self {
        Self { stopping, ..self }
    }

    fn find(&self, request: &Request) -> (Context, Client) {
        let headers = request.headers();
        let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        let from_proxy = peer.is_some_and(|peer| self.clients.trusts(peer));
        let request_id = from_proxy.then(|| inbound(headers)).flatten().unwrap_or_else(|| self.ids.fresh());
        let user_agent =
            headers.get(USER_AGENT).map(|value| cut(&String::from_utf8_lossy(value.as_bytes())).to_owned());
        (
            Context {
                request_id,
                route: self.routes.find(request.uri().path()),
                from_proxy,
                original_method: from_proxy.then(|| original_method(headers)).flatten(),
            },
            Client { ip: peer.map(|peer| self.clients.of(peer, headers)), user_agent, actor: Actor::Person },
        )
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(Client::MAX_USER_AGENT_BYTES)]
}

impl<E: Endpoint> Endpoint for WithContext<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let (context, client) = self.find(&request);
        let request_id = context.request_id.clone();
        let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        let seen = seen(&self.probes, request.headers(), peer, &client);
        request.set_data(context);
        request.set_data(client);
        let session = SessionName::default();
        request.set_data(session.clone());
        let challenge = NextChallenge::default();
        request.set_data(challenge.clone());
        let mut response = self.inner.get_response(request).await;
        if let Some(name) = session.0.get() {
            response.headers_mut().entry(X_DOORWARD_SESSION).or_insert(name.clone());
        }
        if let Some(challenge) = challenge.0.get() {
            response.headers_mut().insert(SECURE_SESSION_CHALLENGE, challenge.clone());
        }
        response.headers_mut().insert(X_REQUEST_ID, request_id);
        if self.stopping.has_begun() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seen) = seen {
            response.headers_mut().insert(X_DOORWARD_SEEN, seen);
        }
        Ok(response)
    }
}
