//! Headers that make browsers careful (OWASP ASVS 3.4).

use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use poem::http::{HeaderName, HeaderValue};
use poem::{Endpoint, Request, Response, Result};

const EVERYWHERE: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-site"),
];

/// Adds what is not there yet: a page that needs a policy of its own sets it itself.
pub(super) struct SecurityHeaders<E> {
    inner: E,
    hsts: bool,
}

impl<E> SecurityHeaders<E> {
    pub(super) fn new(inner: E, hsts: bool) -> Self {
        Self { inner, hsts }
    }
}

impl<E: Endpoint> Endpoint for SecurityHeaders<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let path = request.uri().path();
        // What may be kept says so itself.
        let is_api = ["/api/", "/.well-known/"].iter().any(|root| path.starts_with(root)) || path == "/health";
        let mut response = self.inner.get_response(request).await;
        let headers = response.headers_mut();
        let mut add = |name: HeaderName, value: &'static str| {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        };
        for (name, value) in EVERYWHERE {
            add(name, value);
        }
        if is_api {
            add(CACHE_CONTROL, "no-store");
        }
        if self.hsts {
            // Without subdomains: they may not be ours to promise for.
            add(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
        Ok(response)
    }
}
