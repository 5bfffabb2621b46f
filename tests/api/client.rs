//! GET /api/auth/client.js

use http::Method;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;

const URL: &str = "/api/auth/client.js";

both! {
    the_client_is_a_script_that_may_be_kept_for_a_while,
    it_is_there_without_the_documentation_too,
}

async fn the_client_is_a_script_that_may_be_kept_for_a_while(app: TestApp) {
    let browser = app.browser();
    let answer = browser.get(URL).header("origin", "http://localhost:3000").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:3000"));
    let text = String::from_utf8(answer.0.body.clone()).unwrap();
    assert!(text.starts_with("/*! @doorward/client ") && text.contains("as createAuthClient"), "{text}");
    let tag = answer.header("etag").unwrap().to_owned();
    assert_eq!(browser.get(URL).header("if-none-match", &tag).await.status(), 304);
    let packed = browser.get(URL).header("accept-encoding", "gzip").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.0.body.len() < text.len() / 2);
    assert_eq!(browser.call(Method::HEAD, URL).await.status(), 200);
    browser.post(URL).await.refused("method_not_allowed");
}

async fn it_is_there_without_the_documentation_too(database: Database) {
    let app = TestApp::with(database, &[("API_DOCS", "off")]).await;
    assert_eq!(app.browser().get(URL).await.status(), 200);
    app.browser().get("/docs").await.refused("not_found");
    app.browser().get("/").await.refused("not_found");
}
