//! Who asks, for which path, under which name: found once, for all that follow.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use poem::http::header::{CONNECTION, USER_AGENT};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method};
use poem::{Request, Response};

use super::client_address::ClientAddress;
use super::origins::single;
use super::probe::{X_DOORWARD_SEEN, seen};
use super::request_id::{RequestIds, X_REQUEST_ID, inbound};
use crate::api::routes::{Route, RouteTable};
use crate::domain::audit::Actor;
use crate::service::health::Stopping;
use crate::service::probe::Probes;
use crate::service::{Client, session};

/// What is known of a request before it is looked into.
#[derive(Debug)]
pub(super) struct Context {
    /// Sent back as `X-Request-Id`.
    pub(super) request_id: HeaderValue,
    /// The path's entry in the table, if it has one.
    pub(super) route: Option<Arc<Route>>,
    /// Whether a trusted proxy has sent it: then what it forwards may be believed.
    pub(super) from_proxy: bool,
    /// Of the request that a trusted proxy asks about, by the header that Caddy and Traefik send.
    pub(super) original_method: Option<Method>,
    /// How it came, for an operator who asks.
    seen: Option<HeaderValue>,
    /// What operations find of it.
    visit: Arc<Visit>,
}

/// What operations find of a request, in its data.
#[derive(Debug)]
pub struct Visit {
    /// Who asks.
    pub client: Client,
    /// What the answer says beside its body.
    pub beside: Beside,
}

const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");

/// None: it is not told, or more than once.
fn original_method(headers: &HeaderMap) -> Option<Method> {
    single(headers, &X_FORWARDED_METHOD).and_then(|method| Method::from_bytes(method).ok())
}

impl Context {
    /// The client's address, seen through trusted proxies.
    pub(super) fn client(&self) -> Option<IpAddr> {
        self.visit.client.ip
    }
}

/// Found by the server: this is no request that could be read. In its data; what else it holds means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not follow HTTP/1.1.
    Malformed,
    /// Its head is larger than the limit.
    HeadTooLarge,
}

/// What an answer says beside its body, in headers, where it is known by then.
#[derive(Debug, Default)]
pub struct Beside {
    session: OnceLock<HeaderValue>,
    challenge: OnceLock<HeaderValue>,
}

/// Names the session that an answer is about. A keyed hash: it tells one login from another, and is nothing to ask with.
pub const X_DOORWARD_SESSION: HeaderName = HeaderName::from_static("x-doorward-session");

const SECURE_SESSION_CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");

impl Beside {
    /// The name of the session that the answer is about. The first one counts.
    pub fn session(&self, name: Bytes) {
        // Base64url is a header value.
        self.session.get_or_init(|| HeaderValue::from_maybe_shared(name).unwrap_or(HeaderValue::from_static("")));
    }

    /// What the device of a bound session is to sign next. The first one counts: one request is of one session.
    pub fn challenge(&self, next: &session::NextChallenge) {
        // Base64url in quotes is a header value.
        let value = HeaderValue::try_from(format!("\"{}\";id=\"{}\"", next.challenge, next.name));
        self.challenge.get_or_init(|| value.unwrap_or(HeaderValue::from_static("")));
    }
}

/// Finds the [`Context`] of requests.
pub(super) struct Contexts {
    routes: RouteTable,
    clients: ClientAddress,
    ids: RequestIds,
    probes: Probes,
    stopping: Arc<Stopping>,
}

impl Contexts {
    pub(super) fn new(
        routes: RouteTable,
        clients: ClientAddress,
        seed: [u8; 16],
        probes: Probes,
        stopping: Arc<Stopping>,
    ) -> Self {
        Self { routes, clients, ids: RequestIds::new(seed), probes, stopping }
    }

    /// Puts the [`Visit`] into the request's data, and returns what is known beside it.
    pub(super) fn find(&self, request: &mut Request) -> Context {
        let headers = request.headers();
        let peer = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
        let from_proxy = peer.is_some_and(|peer| self.clients.trusts(peer));
        let ip = peer.map(|peer| self.clients.of(peer, headers));
        let user_agent =
            headers.get(USER_AGENT).map(|value| cut(&String::from_utf8_lossy(value.as_bytes())).to_owned());
        let client = Client { ip, user_agent, actor: Actor::Person };
        let seen = seen(&self.probes, headers, peer, &client);
        let visit = Arc::new(Visit { client, beside: Beside::default() });
        let context = Context {
            request_id: from_proxy.then(|| inbound(headers)).flatten().unwrap_or_else(|| self.ids.fresh()),
            route: self.routes.find(request.uri().path()),
            from_proxy,
            original_method: from_proxy.then(|| original_method(headers)).flatten(),
            seen,
            visit: Arc::clone(&visit),
        };
        request.set_data(visit);
        context
    }

    /// Adds what the answer says beside its body. Once the service is about to stop each ends its connection (RFC 9112, section 9.6): a
    /// proxy that keeps connections has none left that is closed while it sends a later request into it.
    pub(super) fn complete(&self, context: &Context, response: &mut Response) {
        let headers = response.headers_mut();
        let beside = &context.visit.beside;
        if let Some(name) = beside.session.get() {
            headers.entry(X_DOORWARD_SESSION).or_insert(name.clone());
        }
        if let Some(challenge) = beside.challenge.get() {
            headers.insert(SECURE_SESSION_CHALLENGE, challenge.clone());
        }
        headers.insert(X_REQUEST_ID, context.request_id.clone());
        if self.stopping.has_begun() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seen) = &context.seen {
            headers.insert(X_DOORWARD_SEEN, seen.clone());
        }
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(Client::MAX_USER_AGENT_BYTES)]
}
