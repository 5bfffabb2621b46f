//! Tells an operator's own request how it looked when it came: see `service::probe`.

use poem::http::header::{HOST, HeaderName};
use poem::http::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::service::Client;
use crate::service::probe::Probes;

/// Carries the token.
pub const X_DOORWARD_PROBE: HeaderName = HeaderName::from_static("x-doorward-probe");
/// The answer: one JSON object.
pub const X_DOORWARD_SEEN: HeaderName = HeaderName::from_static("x-doorward-seen");

/// How this request came. None: nobody may know.
pub(super) fn seen(
    probes: &Probes,
    headers: &HeaderMap,
    peer: Option<std::net::IpAddr>,
    client: &Client,
) -> Option<HeaderValue> {
    headers.get(X_DOORWARD_PROBE).filter(|token| probes.accepts(token.as_bytes()))?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let all = |name: &HeaderName| headers.get_all(name).iter().map(text).collect::<Vec<_>>();
    let seen = json!({
        "peer": peer.map(|peer| peer.to_canonical().to_string()),
        "client": client.ip.map(|ip| ip.to_string()),
        "forwarded_for": all(&HeaderName::from_static("x-forwarded-for")),
        "host": all(&HOST),
        "version": env!("CARGO_PKG_VERSION"),
    });
    HeaderValue::try_from(seen.to_string()).ok()
}
