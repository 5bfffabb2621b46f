//! The documentation pages: Swagger UI, ReDoc and the document itself, all from the binary, nothing from anywhere else.
//!
//! Names of assets carry a fingerprint of their content: browsers may keep them for ever, and a new version has new names.

use bytes::Bytes;

use super::assets::{File, HTML, SCRIPT, STYLE, gzip};
use super::document;

/// The strictest policies under which the pages work. Swagger UI has pictures in its style sheet; ReDoc makes style elements, and
/// searches in a worker.
const SWAGGER_UI_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                                 connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; \
                            connect-src 'self'; worker-src blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

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

/// All files of the documentation. `public_url` is named as a second server beside the one that is asked.
#[must_use]
pub fn files(public_url: Option<&str>) -> Vec<File> {
    let bundles =
        BUNDLES.map(|(name, content_type, gzipped)| File::asset(name, content_type, Bytes::from_static(gzipped)));
    let small = SMALL.map(|(name, content_type, content)| File::asset(name, content_type, gzip(content)));
    let mut files: Vec<File> = bundles.into_iter().chain(small).collect();

    let link = |html: &str| {
        files.iter().fold(html.to_owned(), |html, file| {
            let name = file.path().rsplit('/').next().unwrap_or_default();
            html.replace(&format!("{{{name}}}"), file.path())
        })
    };
    let swagger_ui = link(include_str!("docs/swagger-ui.html"));
    let redoc = link(include_str!("docs/redoc.html"));
    let public_url = public_url.map(str::to_owned);
    files.extend([
        File::page("/docs", HTML, || swagger_ui, Some(SWAGGER_UI_POLICY)),
        File::page("/redoc", HTML, || redoc, Some(REDOC_POLICY)),
        File::page("/openapi.json", "application/json", move || served_document(public_url.as_deref()), None),
        File::page("/docs/licences.txt", "text/plain; charset=utf-8", || include_str!("docs/LICENCES.txt"), None),
    ]);
    files
}

fn served_document(public_url: Option<&str>) -> String {
    let mut document = document::document();
    // The first is what generators write down; the second is wherever the page was opened.
    if let Some(url) = public_url {
        document["servers"] = serde_json::json!([{ "url": url }, { "url": "/" }]);
    }
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::LazyLock;

    use poem::EndpointExt;
    use poem::endpoint::{BoxEndpoint, DynEndpoint as _, make_sync};
    use poem::http::StatusCode;
    use poem::http::header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderName, IF_NONE_MATCH,
        LOCATION, VARY,
    };
    use poem::{Request, Response};

    use super::super::assets::{Assets, gunzip};
    use super::*;

    static DOCS: LazyLock<Assets> = LazyLock::new(|| Assets::new(inside(), files(None)));

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
        for path in DOCS.paths().filter(|path| *path != "/") {
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
        for path in DOCS.paths().filter(|path| *path != "/") {
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
    async fn the_document_names_the_public_server_and_no_other_unasked() {
        let served: serde_json::Value =
            serde_json::from_str(&served_document(Some("https://auth.example.com"))).unwrap();
        assert_eq!(served["servers"], serde_json::json!([{"url": "https://auth.example.com"}, {"url": "/"}]));
        let plain = get("/openapi.json", &[]).await.into_body().into_string().await.unwrap();
        assert_eq!(plain, document::text());
    }

    #[tokio::test]
    async fn home_leads_to_the_documentation_and_the_rest_is_not_ours() {
        let home = get("/", &[]).await;
        assert_eq!((home.status(), home.header(LOCATION)), (StatusCode::SEE_OTHER, Some("/docs")));
        assert_eq!(get("/health", &[]).await.into_body().into_string().await.unwrap(), "inside");
        let off = Assets::new(inside(), Vec::new());
        assert_eq!(off.paths().count(), 0);
        for path in ["/", "/docs", "/openapi.json"] {
            let response = off.call(Request::builder().uri_str(path).finish()).await.unwrap();
            assert_eq!(response.into_body().into_string().await.unwrap(), "inside", "{path}");
        }
    }
}
