//! The documentation pages: Swagger UI, ReDoc and the document itself, all from the binary, nothing from anywhere else.
//!
//! Whatever is large is kept compressed and sent so. Names of assets carry a fingerprint of their content: browsers may keep them for
//! ever, and a new version has new names.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use poem::error::InternalServerError;
use poem::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION, VARY,
};
use poem::http::{HeaderMap, StatusCode};
use poem::{Endpoint, Request, Response, Result};

use super::document;

/// The strictest policies under which the pages work. Swagger UI has pictures in its style sheet; ReDoc makes style elements, and
/// searches in a worker.
const SWAGGER_UI_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                                 connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; \
                            connect-src 'self'; worker-src blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Made by `scripts/docs-bundles`.
const BUNDLES: [(&str, &str, &[u8]); 3] = [
    ("swagger-ui-bundle.js", SCRIPT, include_bytes!("docs/swagger-ui-bundle.js.gz")),
    ("swagger-ui.css", STYLE, include_bytes!("docs/swagger-ui.css.gz")),
    ("redoc.standalone.js", SCRIPT, include_bytes!("docs/redoc.standalone.js.gz")),
];
const SMALL: [(&str, &str, &[u8]); 3] = [
    ("favicon.png", "image/png", include_bytes!("docs/favicon.png")),
    ("swagger-ui-init.js", SCRIPT, include_bytes!("docs/swagger-ui-init.js")),
    ("swagger-ui-small.css", STYLE, include_bytes!("docs/swagger-ui-small.css")),
];

/// Leads to the documentation.
const HOME: &str = "/";

/// Serves the documentation at its paths, and leaves all others to what is inside.
pub struct Docs<E> {
    inner: E,
    files: Vec<File>,
}

impl<E> Docs<E> {
    /// Without files nothing is served.
    pub fn new(inner: E, files: Vec<File>) -> Self {
        Self { inner, files }
    }

    /// Every path that is served, `/` too.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let home = (!self.files.is_empty()).then_some(HOME);
        self.files.iter().map(|file| file.path.as_str()).chain(home)
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Docs<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let path = request.uri().path();
        match self.files.iter().find(|file| file.path == path) {
            Some(file) => file.answer(request.headers()),
            None if path == HOME && !self.files.is_empty() => {
                Ok(Response::builder().status(StatusCode::SEE_OTHER).header(LOCATION, "/docs").finish())
            }
            None => self.inner.call(request).await,
        }
    }
}

/// One file, ready to be sent.
pub struct File {
    path: String,
    content_type: &'static str,
    cache_control: &'static str,
    policy: Option<&'static str>,
    gzipped: Bytes,
}

/// All files of the documentation. `public_url` is named as a second server beside the one that is asked.
#[must_use]
pub fn files(public_url: Option<&str>) -> Vec<File> {
    let bundles =
        BUNDLES.map(|(name, content_type, gzipped)| File::asset(name, content_type, Bytes::from_static(gzipped)));
    let small = SMALL.map(|(name, content_type, content)| File::asset(name, content_type, gzip(content)));
    let mut files: Vec<File> = bundles.into_iter().chain(small).collect();

    let link = |html: &str| {
        files.iter().fold(html.to_owned(), |html, file| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            html.replace(&format!("{{{name}}}"), &file.path)
        })
    };
    let swagger_ui = link(include_str!("docs/swagger-ui.html"));
    let redoc = link(include_str!("docs/redoc.html"));
    let licences = include_str!("docs/LICENCES.txt");
    files.extend([
        File::page("/docs", HTML, &swagger_ui, Some(SWAGGER_UI_POLICY)),
        File::page("/redoc", HTML, &redoc, Some(REDOC_POLICY)),
        File::page("/openapi.json", "application/json", &served_document(public_url), None),
        File::page("/docs/licences.txt", "text/plain; charset=utf-8", licences, None),
    ]);
    files
}

fn served_document(public_url: Option<&str>) -> String {
    let mut document = document::document();
    if let (Some(url), Some(servers)) = (public_url, document["servers"].as_array_mut()) {
        servers.push(serde_json::json!({ "url": url }));
    }
    format!("{document:#}\n")
}

impl File {
    /// Never changes under its name.
    fn asset(name: &str, content_type: &'static str, gzipped: Bytes) -> Self {
        let path = format!("/docs/assets/{}/{name}", fingerprint(&gzipped));
        let cache_control = "public, max-age=31536000, immutable";
        Self { path, content_type, cache_control, policy: None, gzipped }
    }

    /// Asked for anew each time; may have a policy of its own.
    fn page(path: &str, content_type: &'static str, content: &str, policy: Option<&'static str>) -> Self {
        Self {
            path: path.to_owned(),
            content_type,
            cache_control: "no-cache",
            policy,
            gzipped: gzip(content.as_bytes()),
        }
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

fn gzip(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory does not fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default().into()
}

fn gunzip(gzipped: &[u8]) -> io::Result<Vec<u8>> {
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
    use std::collections::HashSet;
    use std::sync::LazyLock;

    use poem::EndpointExt;
    use poem::endpoint::{BoxEndpoint, make_sync};
    use poem::http::HeaderValue;
    use poem::http::header::HeaderName;

    use super::*;

    static DOCS: LazyLock<Docs<BoxEndpoint<'static>>> = LazyLock::new(|| Docs::new(inside(), files(None)));

    fn inside() -> BoxEndpoint<'static> {
        make_sync(|_| Response::from("inside")).boxed()
    }

    async fn get(path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let request = Request::builder().uri_str(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, *value));
        DOCS.call(request.finish()).await.unwrap()
    }

    #[tokio::test]
    async fn files_are_sent_compressed_to_those_who_take_it() {
        for path in DOCS.files.iter().map(|file| file.path.as_str()) {
            let packed = get(path, &[(ACCEPT_ENCODING, "br, gzip")]).await;
            assert_eq!(packed.header(CONTENT_ENCODING), Some("gzip"), "{path}");
            let plain = get(path, &[]).await;
            assert_eq!((plain.header(CONTENT_ENCODING), plain.header(VARY)), (None, Some("Accept-Encoding")), "{path}");
            let (packed, plain) = (packed.into_body().into_vec().await, plain.into_body().into_vec().await);
            let (packed, plain) = (packed.unwrap(), plain.unwrap());
            assert!(!plain.is_empty(), "{path} is empty");
            assert_eq!(gunzip(&packed).unwrap(), plain, "{path}");
        }
    }

    #[tokio::test]
    async fn assets_are_kept_and_pages_asked_for_anew() {
        for path in DOCS.files.iter().map(|file| file.path.as_str()) {
            let response = get(path, &[]).await;
            let expected = if path.contains("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            assert_eq!(response.header(CACHE_CONTROL), Some(expected), "{path}");
            let again = get(path, &[(IF_NONE_MATCH, response.header(ETAG).unwrap())]).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
            assert_eq!(get(path, &[(IF_NONE_MATCH, "W/\"0\"")]).await.status(), StatusCode::OK, "{path}");
        }
    }

    /// Every address in the pages is one of ours, and their policies let nothing in from elsewhere.
    #[tokio::test]
    async fn pages_need_nobody_else() {
        let paths: HashSet<_> = DOCS.paths().collect();
        for page in ["/docs", "/redoc"] {
            let response = get(page, &[]).await;
            let policy = response.header(CONTENT_SECURITY_POLICY).unwrap().to_owned();
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
            assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("eval"), "{policy}");
            let html = response.into_body().into_string().await.unwrap();
            let addresses: Vec<_> = ["href=\"", "src=\"", "spec-url=\""]
                .iter()
                .flat_map(|attribute| html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()))
                .collect();
            assert!(addresses.len() >= 3, "{html}");
            assert!(addresses.iter().all(|address| paths.contains(address)), "{addresses:?}");
            assert!(!html.contains('{'), "a name was not replaced: {html}");
        }
    }

    #[tokio::test]
    async fn the_document_names_the_public_server_second() {
        let served: serde_json::Value =
            serde_json::from_str(&served_document(Some("https://auth.example.com"))).unwrap();
        assert_eq!(served["servers"], serde_json::json!([{"url": "/"}, {"url": "https://auth.example.com"}]));
        let plain = get("/openapi.json", &[]).await.into_body().into_string().await.unwrap();
        assert_eq!(plain, document::text());
    }

    #[tokio::test]
    async fn home_leads_to_the_documentation_and_the_rest_is_not_ours() {
        let home = get("/", &[]).await;
        assert_eq!((home.status(), home.header(LOCATION)), (StatusCode::SEE_OTHER, Some("/docs")));
        assert_eq!(get("/health", &[]).await.into_body().into_string().await.unwrap(), "inside");
        let off = Docs::new(inside(), Vec::new());
        assert_eq!(off.paths().count(), 0);
        for path in ["/", "/docs", "/openapi.json"] {
            let response = off.call(Request::builder().uri_str(path).finish()).await.unwrap();
            assert_eq!(response.into_body().into_string().await.unwrap(), "inside", "{path}");
        }
    }

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
