//! Headers that make browsers careful (OWASP ASVS 3.4).

use poem::Response;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use poem::http::{HeaderName, HeaderValue};

/// Constants: `from_static` looks at each byte, once, when this is compiled.
const EVERYWHERE: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-site")),
];
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
// Without subdomains: they may not be ours to promise for.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds what is not there yet: a page that needs a policy of its own sets it itself.
pub(super) fn complete(response: &mut Response, is_api: bool, hsts: bool) {
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    for (name, value) in EVERYWHERE {
        add(name, value);
    }
    if is_api {
        add(CACHE_CONTROL, NO_STORE);
    }
    if hsts {
        add(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Whether nobody may keep the answers: what may be kept says so itself.
pub(super) fn is_api(path: &str) -> bool {
    ["/api/", "/.well-known/"].iter().any(|root| path.starts_with(root)) || path == "/health"
}
