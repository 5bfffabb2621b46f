//! Files that come from the binary: the documentation, the client. Whatever is large is kept compressed and sent so.

use std::io::{self, Read, Write};
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use poem::endpoint::{BoxEndpoint, DynEndpoint};
use poem::error::InternalServerError;
use poem::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION, VARY,
};
use poem::http::{HeaderMap, StatusCode};
use poem::{Request, Response, Result};

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const SCRIPT: &str = "text/javascript; charset=utf-8";
pub(super) const STYLE: &str = "text/css; charset=utf-8";

/// Leads to the documentation, where there is one.
const HOME: &str = "/";
const DOCS: &str = "/docs";

/// Serves files at their paths, and leaves all others to what is inside.
pub struct Assets {
    inner: BoxEndpoint<'static>,
    files: Vec<File>,
}

impl Assets {
    /// Without files nothing is served.
    #[must_use]
    pub fn new(inner: BoxEndpoint<'static>, files: Vec<File>) -> Self {
        Self { inner, files }
    }

    /// Every path that is served, `/` too.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let home = self.leads_home().then_some(HOME);
        self.files.iter().map(|file| file.path.as_str()).chain(home)
    }

    fn leads_home(&self) -> bool {
        self.files.iter().any(|file| file.path == DOCS)
    }
}

impl DynEndpoint for Assets {
    type Output = Response;

    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        let path = request.uri().path();
        match self.files.iter().find(|file| file.path == path) {
            Some(file) => ready(file.answer(request.headers())).boxed(),
            None if path == HOME && self.leads_home() => {
                let response = Response::builder().status(StatusCode::SEE_OTHER).header(LOCATION, DOCS).finish();
                ready(Ok(response)).boxed()
            }
            None => self.inner.as_ref().call(request),
        }
    }
}

/// One file, ready to be sent.
pub struct File {
    path: String,
    content_type: &'static str,
    cache_control: &'static str,
    policy: Option<&'static str>,
    gzipped: LazyLock<Bytes, Box<dyn FnOnce() -> Bytes + Send + Sync>>,
}

impl File {
    /// Never changes under its name.
    pub(super) fn asset(name: &str, content_type: &'static str, gzipped: Bytes) -> Self {
        let path = format!("/docs/assets/{}/{name}", fingerprint(&gzipped));
        let cache_control = "public, max-age=31536000, immutable";
        Self { path, content_type, cache_control, policy: None, gzipped: LazyLock::new(Box::new(|| gzipped)) }
    }

    /// Asked for anew each time; may have a policy of its own. The content is made when it is first asked for.
    pub(super) fn page<C: AsRef<[u8]>>(
        path: &str,
        content_type: &'static str,
        content: impl FnOnce() -> C + Send + Sync + 'static,
        policy: Option<&'static str>,
    ) -> Self {
        let gzipped = LazyLock::new(Box::new(|| gzip(content().as_ref())) as Box<dyn FnOnce() -> Bytes + Send + Sync>);
        Self { path: path.to_owned(), content_type, cache_control: "no-cache", policy, gzipped }
    }

    /// A script that other sites' pages ask for by this name, and may keep for ten minutes.
    pub(super) fn script<C: AsRef<[u8]>>(path: &str, content: impl FnOnce() -> C + Send + Sync + 'static) -> Self {
        let cache_control = "public, max-age=600";
        Self { cache_control, ..Self::page(path, SCRIPT, content, None) }
    }

    /// Where it is served.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    fn answer(&self, request: &HeaderMap) -> Result<Response> {
        // Weak: the same whether compressed or not.
        let tag = format!("W/\"{}\"", fingerprint(&self.gzipped));
        let is_known = request.get(IF_NONE_MATCH).is_some_and(|known| *known == tag);
        let mut response = Response::builder()
            .header(VARY, "Accept-Encoding")
            .header(CACHE_CONTROL, self.cache_control)
            .header(ETAG, tag);
        if let Some(policy) = self.policy {
            response = response.header(CONTENT_SECURITY_POLICY, policy);
        }
        if is_known {
            return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
        }
        response = response.content_type(self.content_type);
        if accepts_gzip(request) {
            return Ok(response.header(CONTENT_ENCODING, "gzip").body(self.gzipped.clone()));
        }
        Ok(response.body(gunzip(&self.gzipped).map_err(InternalServerError)?))
    }
}

/// The checksum of the content that stands at the end of gzip data (RFC 1952), in hexadecimal.
fn fingerprint(gzipped: &[u8]) -> String {
    let checksum = gzipped.len().checked_sub(8).map_or(&[][..], |start| &gzipped[start..start + 4]);
    checksum.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

pub(super) fn gzip(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory does not fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default().into()
}

pub(super) fn gunzip(gzipped: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    GzDecoder::new(gzipped).read_to_end(&mut content)?;
    Ok(content)
}

/// Whether the client takes gzip (RFC 9110 12.5.3): nearly all do.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let items = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    items.flat_map(|line| line.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let refused = |part: &str| part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        is_gzip && !parts.any(refused)
    })
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_not_refused() {
        let accepts = |value: &'static str| {
            accepts_gzip(&[(ACCEPT_ENCODING, HeaderValue::from_static(value))].into_iter().collect())
        };
        for value in ["gzip", "GZIP", "br, gzip", "gzip;q=0.5", "deflate, gzip; q=1.0"] {
            assert!(accepts(value), "{value}");
        }
        for value in ["", "br", "identity", "gzip;q=0", "gzip; q=0.000", "xgzip"] {
            assert!(!accepts(value), "{value}");
        }
    }
}
