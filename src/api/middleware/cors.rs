//! Lets the scripts of allowed origins call and read (the Fetch standard's CORS protocol).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use poem::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, SET_COOKIE, VARY,
};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Request, Response};

use super::origins::{Origins, single};
use crate::api::routes::RouteTable;

/// What scripts may send beyond the headers that need no permission.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, X-Doorward-Bind, X-Doorward-Recent-Proof, X-Doorward-User");

/// What scripts may read beyond the headers that need no permission; without it they read null.
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("Retry-After, X-Request-Id, WWW-Authenticate, X-Doorward-Session");

const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// How many refused origins are remembered, so that each is logged once; further ones are not logged.
const MAX_REFUSED: usize = 64;

/// Outside all that refuses, so that scripts can read refusals too.
pub(super) struct Cors {
    origins: Arc<Origins>,
    methods: HeaderValue,
    refused: Mutex<HashSet<Vec<u8>>>,
}

impl Cors {
    pub(super) fn new(origins: Arc<Origins>, routes: &RouteTable) -> Self {
        let methods = routes.methods().iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        // Method names are tokens, so this is a header value.
        let methods = HeaderValue::try_from(methods).unwrap_or(HeaderValue::from_static(""));
        Self { origins, methods, refused: Mutex::default() }
    }

    /// The request's origin, if it is allowed.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = single(headers, &ORIGIN)?;
        self.origins.allows(origin).then(|| headers.get(ORIGIN).cloned()).flatten()
    }

    /// Tells the operator about a page that is locked out.
    fn note_refused(&self, headers: &HeaderMap) {
        let Some(origin) = single(headers, &ORIGIN) else { return };
        if self.origins.is_own(origin, headers) {
            return;
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < MAX_REFUSED && origin.len() <= 300 && refused.insert(origin.to_owned()) {
            tracing::warn!(
                origin = %origin.escape_ascii(),
                "pages of this origin can't call the service. If they are yours, add it to ALLOWED_ORIGINS"
            );
        }
    }

    fn preflight(&self) -> Response {
        Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header(ACCESS_CONTROL_ALLOW_METHODS, &self.methods)
            .header(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS)
            .header(ACCESS_CONTROL_MAX_AGE, "600")
            .finish()
    }

    /// What a request is told of its origin; and the answer, where it asks for nothing else.
    pub(super) fn ask(&self, request: &Request) -> (Told, Option<Response>) {
        if !request.headers().contains_key(ORIGIN) {
            return (Told::default(), None);
        }
        let allowed = self.allowed(request.headers());
        if allowed.is_none() {
            self.note_refused(request.headers());
        }
        let is_app = self.origins.is_app(request.headers());
        let is_preflight =
            request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let answer = (is_preflight && allowed.is_some()).then(|| self.preflight());
        (Told { allowed, is_app, is_preflight }, answer)
    }
}

/// What the answer's headers say of the origin.
#[derive(Default)]
pub(super) struct Told {
    allowed: Option<HeaderValue>,
    is_app: bool,
    is_preflight: bool,
}

impl Told {
    pub(super) fn complete(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.append(VARY, BY_ORIGIN);
        if let Some(origin) = self.allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if self.is_app {
                headers.remove(SET_COOKIE);
            } else {
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
            if !self.is_preflight {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            }
        }
    }
}
