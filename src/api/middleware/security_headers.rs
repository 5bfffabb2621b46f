//! Headers that make browsers careful (OWASP ASVS 3.4).

use poem::Response;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use poem::http::{HeaderName, HeaderValue};

const EVERYWHERE: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-site"),
];

/// Adds what is not there yet: a page that needs a policy of its own sets it itself.
pub(super) fn complete(response: &mut Response, is_api: bool, hsts: bool) {
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
    if hsts {
        // Without subdomains: they may not be ours to promise for.
        add(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// Whether nobody may keep the answers: what may be kept says so itself.
pub(super) fn is_api(path: &str) -> bool {
    ["/api/", "/.well-known/"].iter().any(|root| path.starts_with(root)) || path == "/health"
}
