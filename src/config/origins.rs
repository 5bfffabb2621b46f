//! Origins of pages and apps, as settings write them.

use url::{Host, Url};

use super::setting::Reason;

/// An origin as a browser writes it: lower case, no default port, international names as A-labels.
pub(super) fn origin(text: &str) -> Result<String, Reason> {
    if text == "*" || text == "null" {
        return Err(Reason::Because("must name origins exactly: neither `*` nor `null` is safe with cookies"));
    }
    let (_, rest) = text.split_once("://").ok_or(Reason::Values)?;
    if rest.contains(['/', '\\', '?', '#']) {
        return Err(Reason::Because("must be an origin alone: no path, and no slash at the end"));
    }
    let url = Url::parse(text).map_err(|_| Reason::Values)?;
    let plain = !rest.contains(|c: char| c == '@' || c == '*' || c.is_control() || c.is_whitespace());
    if plain && matches!(url.scheme(), "http" | "https") {
        Ok(url.origin().ascii_serialization())
    } else {
        Err(Reason::Values)
    }
}

/// Schemes whose origins browsers write as `null` or with a port, or that no app has of its own.
const NO_APP: [&str; 9] = ["http", "https", "ws", "wss", "ftp", "file", "data", "blob", "javascript"];

/// The origin of the web view of an app, such as `capacitor://localhost`, as it writes it.
fn app_origin(text: &str) -> Option<String> {
    let (scheme, host) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
    let is_host = host
        .split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')));
    (is_scheme && is_host && !NO_APP.contains(&scheme)).then(|| text.to_owned())
}

/// An origin, an app's, or all whose host has one more label in front: `https://*.preview.example.com`.
pub(super) fn origins(text: &str) -> Result<String, Reason> {
    if let Some(app) = app_origin(text) {
        return Ok(app);
    }
    let Some((scheme, rest)) = text.split_once("://*.") else { return origin(text) };
    let parent = origin(&format!("{scheme}://{rest}"))?;
    let url = Url::parse(&parent).map_err(|_| Reason::Values)?;
    let is_ours = |host: &str| psl::domain_str(host).is_some_and(|domain| domain.contains('.'));
    if !matches!(url.host(), Some(Host::Domain(host)) if is_ours(host)) {
        return Err(Reason::Because(
            "must have `*.` in front of a domain of your own: under a public suffix such as `co.uk` or `github.io` anybody has a page",
        ));
    }
    Ok(parent.replacen("://", "://*.", 1))
}
