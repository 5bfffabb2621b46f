//! Which pages may call: the check against cross-site request forgery (CSRF, login CSRF; OWASP ASVS 3.5.1).

use poem::http::header::{HOST, HeaderName, ORIGIN};
use poem::http::uri::Authority;
use poem::http::{HeaderMap, Method};

use crate::config::server::{AllowedOrigins, is_page};

/// Set by browsers, not by scripts (W3C Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a proxy that writes a `Host` of its own (Next's rewrites, Vite with `changeOrigin`) has found there.
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whose scripts may call, and which origin is the service's own.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    /// `ALLOWED_ORIGINS`.
    pub(super) allowed: AllowedOrigins,
    /// `PUBLIC_URL`.
    pub(super) public_url: Option<String>,
}

impl Origins {
    /// Whether the origin is in the allowed list, compared as browsers write it: in lower case, without a default port.
    #[must_use]
    pub(super) fn allows(&self, origin: &[u8]) -> bool {
        match &self.allowed {
            AllowedOrigins::Exactly(list) => list.iter().any(|allowed| matches(allowed, origin)),
            AllowedOrigins::AnyLoopback => is_loopback(origin),
        }
    }

    /// Whether the origin is a listed app's: of another scheme than a page's, and of every app that calls itself so.
    #[must_use]
    pub(super) fn is_app(&self, headers: &HeaderMap) -> bool {
        single(headers, &ORIGIN).is_some_and(|origin| self.allows(origin) && !is_page(origin))
    }

    /// Whether the page is one of many that a `*` allows.
    #[must_use]
    pub(super) fn is_one_of_many(&self, headers: &HeaderMap) -> bool {
        let AllowedOrigins::Exactly(list) = &self.allowed else { return false };
        let is_listed = |origin: &[u8]| list.iter().any(|allowed| allowed.as_bytes() == origin);
        single(headers, &ORIGIN).is_some_and(|origin| self.allows(origin) && !is_listed(origin))
    }

    /// Whether the origin is the service's own: its host and port are those of `PUBLIC_URL` or of the request's `Host`.
    #[must_use]
    pub(super) fn is_own(&self, origin: &[u8], headers: &HeaderMap) -> bool {
        let Some((host, port, default_port)) = parse(origin) else { return false };
        let is_public = self.public_url.as_deref().and_then(|url| parse(url.as_bytes())).is_some_and(
            |(public_host, public_port, _)| public_host.eq_ignore_ascii_case(&host) && public_port == port,
        );
        is_public || single(headers, &HOST).is_some_and(|value| is_host(value, &host, port, default_port))
    }

    /// Whether the origin's host and port are those that a proxy was asked for, by its word. Where `PUBLIC_URL` says what the service's own
    /// origin is, nobody else does.
    fn is_forwarded(&self, origin: &[u8], headers: &HeaderMap) -> bool {
        let named =
            single(headers, &X_FORWARDED_HOST).filter(|value| self.public_url.is_none() && !value.contains(&b','));
        let parts = parse(origin);
        named.zip(parts).is_some_and(|(named, (host, port, default_port))| is_host(named, &host, port, default_port))
    }

    /// Whether a request that a proxy asks about must be refused: what is behind the proxy takes the cookies for a proof that its
    /// own pages sent it. `method` is that request's own; one that is not known may change something.
    ///
    /// An allowed origin passes, and no other but the service's own, whatever the method: a page of another site would read the
    /// answer where the application lets it. What changes something needs the browser's good word, too.
    #[must_use]
    pub(super) fn refuses_original(&self, method: Option<&Method>, headers: &HeaderMap) -> bool {
        let origin = single(headers, &ORIGIN);
        if origin.is_some_and(|origin| self.allows(origin)) {
            return false;
        }
        if headers.contains_key(ORIGIN) && !origin.is_some_and(|origin| self.is_own(origin, headers)) {
            return true;
        }
        let changes_nothing = method.is_some_and(|method| matches!(*method, Method::GET | Method::HEAD));
        let is_good = |site: &[u8]| matches!(site, b"same-origin" | b"none");
        !changes_nothing
            && headers.contains_key(SEC_FETCH_SITE)
            && !single(headers, &SEC_FETCH_SITE).is_some_and(is_good)
    }

    /// Whether the request must be refused: it would change something, and a page of another site sent it.
    ///
    /// An allowed origin passes. Else the browser's own word counts: `Sec-Fetch-Site` must be `same-origin` or `none` (typed by
    /// the person). Where it says nothing (old browsers, plain http, programs), no `Origin` passes (no browser leaves it out of
    /// such a request), and the service's own origin passes, which a trusted proxy (`from_proxy`) may have been asked for by another name:
    /// no page can send `X-Forwarded-Host` to another site unless that allows it.
    #[must_use]
    pub(super) fn refuses(&self, method: &Method, headers: &HeaderMap, from_proxy: bool) -> bool {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return false;
        }
        let origin = single(headers, &ORIGIN);
        if origin.is_some_and(|origin| self.allows(origin)) {
            return false;
        }
        if headers.contains_key(SEC_FETCH_SITE) {
            return !single(headers, &SEC_FETCH_SITE).is_some_and(|site| matches!(site, b"same-origin" | b"none"));
        }
        let is_own = |origin| self.is_own(origin, headers) || from_proxy && self.is_forwarded(origin, headers);
        headers.contains_key(ORIGIN) && !origin.is_some_and(is_own)
    }
}

/// Whether the value of `Host` (or of a header like it) names this host and port.
fn is_host(value: &[u8], host: &str, port: u16, default_port: u16) -> bool {
    Authority::try_from(value)
        .is_ok_and(|value| value.host().eq_ignore_ascii_case(host) && value.port_u16().unwrap_or(default_port) == port)
}

/// The value of a header that is sent exactly once.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.as_bytes();
    values.next().is_none().then_some(value)
}

/// `http://localhost`, `http://*.localhost` (RFC 6761), `http://127.0.0.1` or `http://[::1]`, with any port, as browsers write them.
fn is_loopback(origin: &[u8]) -> bool {
    let Some(authority) = origin.strip_prefix(b"http://").and_then(|authority| str::from_utf8(authority).ok()) else {
        return false;
    };
    // The colons of an IPv6 address stand before its bracket.
    let port = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    let (host, port) = port.map_or((authority, None), |at| (&authority[..at], Some(&authority[at + 1..])));
    let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|digit| digit.is_ascii_digit());
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_label_byte);
    let is_name = || host.strip_suffix(".localhost").is_some_and(|labels| labels.split('.').all(is_label));
    port.is_none_or(is_port) && (matches!(host, "localhost" | "127.0.0.1" | "[::1]") || is_name())
}

/// `*` stands for one label, no more and no less.
fn matches(allowed: &str, origin: &[u8]) -> bool {
    match allowed.split_once('*') {
        None => allowed.as_bytes() == origin,
        Some((before, behind)) => origin
            .strip_prefix(before.as_bytes())
            .and_then(|rest| rest.strip_suffix(behind.as_bytes()))
            .is_some_and(|label| !label.is_empty() && label.iter().copied().all(is_label_byte)),
    }
}

/// In lower case: browsers write origins so.
fn is_label_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

/// Host, port, and the scheme's default port of an `http` or `https` origin.
fn parse(origin: &[u8]) -> Option<(String, u16, u16)> {
    let (authority, default_port) = match origin.strip_prefix(b"https://") {
        Some(authority) => (authority, 443),
        None => (origin.strip_prefix(b"http://")?, 80),
    };
    let authority = Authority::try_from(authority).ok()?;
    (!authority.as_str().contains('@'))
        .then(|| (authority.host().to_owned(), authority.port_u16().unwrap_or(default_port), default_port))
}

#[cfg(test)]
#[path = "origins_tests.rs"]
mod tests;
