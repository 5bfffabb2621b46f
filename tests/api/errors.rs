//! What every operation refuses in the same way: bodies, methods, paths, in the order of the checks. The operations come from
//! the spec, so that one that is added is tried too.

use std::ops::Deref;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::browser::{Browser, Call};
use crate::harness::spec::Operation;
use crate::harness::{both, http1, spec};

both! {
    bodies_that_are_no_json_text,
    bodies_that_are_no_object,
    bodies_of_another_type,
    content_types_that_mean_json,
    fields_that_are_unknown_repeated_or_of_another_type,
    texts_with_control_characters_or_without_end,
    bodies_that_are_too_large,
    a_body_without_end_is_cut_off,
    methods_that_a_path_lacks,
    paths_that_do_not_exist,
    a_query_changes_nothing,
    requests_that_are_no_http_are_refused_and_others_served,
    the_checks_come_in_their_order,
}

/// Who calls an operation that takes a body: somebody who is logged in where that is needed, so that the body is what is wrong.
struct Caller<'a> {
    app: &'a TestApp,
    operation: Operation,
    person: Option<Browser>,
}

impl<'a> Caller<'a> {
    async fn all(app: &'a TestApp) -> Vec<Self> {
        let mut callers = Vec::new();
        for operation in spec::operations_with_a_body() {
            let email = format!("{}@example.com", operation.id);
            let person = if operation.security.is_empty() { None } else { Some(app.register_and_login(&email).await) };
            callers.push(Self { app, operation, person });
        }
        callers
    }

    fn call(&self) -> Call {
        self.operation.call(&self.person.clone().unwrap_or_else(|| self.app.browser()))
    }
}

impl Deref for Caller<'_> {
    type Target = Operation;

    fn deref(&self) -> &Operation {
        &self.operation
    }
}

async fn bodies_that_are_no_json_text(app: TestApp) {
    let callers = Caller::all(&app).await;
    let before = app.dump().await;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [
        &b""[..],
        b" \r\n\t",
        b"{",
        b"}",
        b"nul",
        b"{\"email\":}",
        b"{\"email\":\"x\",}",
        b"{'email':'x'}",
        b"{} {}",
        b"{}x",
        b"[1,]",
        b"// {}\n{}",
        b"{\"a\":1/**/}",
        b"NaN",
        b"+1",
        b"01",
        b"1e",
        b"\"\\x\"",
        b"\"\\ud800\"",
        b"\"\\u00\"",
        b"{\"email\":\"\xff\"}",
        b"\"\xc3\"",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf{}",
        b"\"a\nb\"",
        b"\"a\0b\"",
        b"\0",
        b"{\"a\":1}\0",
        deep.as_bytes(),
        deep_object.as_bytes(),
        &utf16,
    ] {
        for operation in &callers {
            if operation.body_is_optional && body.trim_ascii().is_empty() {
                continue;
            }
            let answer = operation.call().text("application/json", body).await;
            assert_eq!(answer.code(), "malformed_json", "{:?}: {:?}", String::from_utf8_lossy(body), answer.0);
        }
    }
    assert_eq!(app.dump().await, before);
}

async fn bodies_that_are_no_object(app: TestApp) {
    let callers = Caller::all(&app).await;
    let before = app.dump().await;
    for operation in &callers {
        for body in [json!(null), json!(true), json!(1), json!("{}"), json!([]), json!([operation.example.clone()])] {
            operation.call().json(&body).await.invalid(&[("", "type")]);
        }
    }
    assert_eq!(app.dump().await, before);
}

async fn bodies_of_another_type(app: TestApp) {
    let callers = Caller::all(&app).await;
    let before = app.dump().await;
    for operation in callers.iter().filter(|caller| !caller.ignores_other_bodies) {
        let body = operation.example.to_string();
        for content_type in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/problem+json",
            "application/json; charset=latin1",
            "application/json, text/plain",
            "json",
            "*/*",
            "application/json\u{e9}",
        ] {
            operation.call().text(content_type, body.clone()).await.refused("unsupported_media_type");
        }
        operation.call().body(http1::whole(body.clone())).await.refused("unsupported_media_type");
        if !operation.body_is_optional {
            operation.call().await.refused("unsupported_media_type");
        }
        let twice = operation.call().text("application/json", body).header("content-type", "text/plain");
        twice.await.refused("unsupported_media_type");
    }
    assert_eq!(app.dump().await, before);
}

async fn content_types_that_mean_json(app: TestApp) {
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
    ] {
        let body = json!({ "email": "nobody@example.com", "password": "whatever" }).to_string();
        let answer = app.browser().post("/api/auth/login").text(content_type, body).await;
        answer.refused("incorrect_credentials");
    }
}

async fn fields_that_are_unknown_repeated_or_of_another_type(app: TestApp) {
    let callers = Caller::all(&app).await;
    let before = app.dump().await;
    for operation in &callers {
        let good = operation.example.as_object().unwrap();
        for (field, value) in good {
            for wrong in [json!(1), json!(1.5), json!(-1), json!([]), json!({}), json!([value])] {
                // An object in the place of one is of the right type, and says nothing.
                let code = if wrong.is_object() && ["passkey", "credential"].contains(&field.as_str()) {
                    "invalid"
                } else {
                    "type"
                };
                let mut body = operation.example.clone();
                body[field] = wrong;
                operation.call().json(&body).await.invalid(&[(field, code)]);
            }
            let text = operation.example.to_string();
            let twice = format!("{},{}:null}}", text.strip_suffix('}').unwrap(), json!(field));
            operation.call().text("application/json", twice).await.invalid(&[(field, "duplicate")]);
        }
        let mut body = operation.example.clone();
        body["is_superuser"] = json!(true);
        operation.call().json(&body).await.invalid(&[("is_superuser", "unknown")]);
        // Only what is a plain name is repeated: this may be a secret in the wrong place.
        for key in ["SecurePass123!", "", "\u{0}", "a b", "<script>", &"x".repeat(41)] {
            let mut body = operation.example.clone();
            body[key] = json!(1);
            let answer = operation.call().json(&body).await;
            assert!(key.is_empty() || !String::from_utf8_lossy(&answer.0.body).contains(key), "{:?}", answer.0);
            answer.invalid(&[("", "unknown")]);
        }
        let many: Value =
            (0..1_000).map(|number| (format!("k{number}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
        operation.call().json(&many).await.refused("validation_failed");
    }
    assert_eq!(app.dump().await, before);
}

async fn texts_with_control_characters_or_without_end(app: TestApp) {
    let callers = Caller::all(&app).await;
    let users = app.count("users").await;
    for operation in &callers {
        for (field, value) in operation.example.as_object().unwrap() {
            for bad in ["\u{0}", "a\u{0}b", "\u{1b}[31m", "\r\nSet-Cookie: x=y", "\u{7f}", &"x".repeat(15_000)] {
                if field.contains("password") && !bad.contains('\0') && bad.len() < 72 {
                    // A password may hold anything else.
                    continue;
                }
                let mut body = operation.example.clone();
                body[field] = json!(format!("{}{bad}", value.as_str().unwrap_or_default()));
                let answer = operation.call().json(&body).await;
                // Whatever token it gets, it says the same.
                let says_nothing = operation.operation.id == "reportNotMe" && answer.status() == 202;
                let refused = matches!(answer.status(), 400 | 401 | 422 | 429);
                // Tokens in bodies are nothing for who has cookies.
                let refused = refused || answer.code() == "token_delivery_refused";
                // Whatever code it gets, no app and no passkey is being set up.
                let sets_up = ["confirmTotp", "addPasskey"].contains(&operation.operation.id.as_str());
                let says_nothing = says_nothing || sets_up && answer.status() == 409;
                assert!(refused || says_nothing, "{field} with {bad:?}: {:?}", answer.0);
            }
        }
    }
    assert_eq!(app.count("users").await, users);
}

async fn bodies_that_are_too_large(app: TestApp) {
    let callers = Caller::all(&app).await;
    for operation in &callers {
        // White space around the object counts like everything else.
        let padded = |bytes: usize| {
            let body = operation.example.to_string();
            " ".repeat(bytes - body.len()) + &body
        };
        let large = operation.call().text("application/json", padded(16 * 1024 + 1));
        large.await.refused("payload_too_large");
        let larger = operation.call().text("application/json", padded(1024 * 1024));
        larger.await.refused("payload_too_large");
        let chunks = (0..17).map(|_| Bytes::from(vec![b' '; 1024]));
        let chunked = operation.call().text("application/json", "").body(http1::chunks(chunks));
        chunked.await.refused("payload_too_large");
        // Last: it may end the session.
        let fits = operation.call().text("application/json", padded(16 * 1024)).await;
        assert_ne!(fits.status(), 413, "{:?}", fits.0);
    }
}

async fn a_body_without_end_is_cut_off(app: TestApp) {
    let callers = Caller::all(&app).await;
    for operation in &callers {
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nCookie: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
            operation.method,
            operation.path,
            operation.person.as_ref().and_then(|person| person.jar().header()).unwrap_or_default()
        );
        let mut chunk = format!("{:x}\r\n", 64 * 1024).into_bytes();
        chunk.extend(vec![b' '; 64 * 1024]);
        chunk.extend(b"\r\n");
        let (sent, status) = http1::send_without_end(app.address(), head.as_bytes(), &chunk).await;
        assert_eq!(status, 413);
        // What the socket buffers on the way hold, and nothing near the gigabyte that was on offer.
        assert!(sent < 64 * 1024 * 1024, "{sent} bytes were taken");
    }
    app.browser().get("/health").await.ok();
}

async fn methods_that_a_path_lacks(app: TestApp) {
    // The contract checks each answer: 405 with the spec's methods in `Allow`, 204 for OPTIONS.
    for path in spec::paths() {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            if !spec::has(&method, &path) {
                let answer = app.browser().call(method.clone(), &path).await;
                let expected = if method == Method::OPTIONS { 204 } else { 405 };
                assert_eq!(answer.status(), expected, "{:?}", answer.0);
            }
        }
    }
}

async fn paths_that_do_not_exist(app: TestApp) {
    let long = format!("/api/auth/{}", "x".repeat(8_000));
    for path in [
        "/api",
        "/api/",
        "/api/auth",
        "/api/auth/",
        "/api/auth/nowhere",
        "/api/auth/me/",
        "/api/auth//me",
        "//api/auth/me",
        "/api//auth/me",
        "/API/auth/me",
        "/api/auth/ME",
        "/api/auth/me/me",
        "/api/auth/me%2f",
        "/api/auth/%6de",
        "/api/auth/me%00",
        "/api/auth/me;x=1",
        "/api/auth/./me",
        "/api/auth/../auth/me",
        "/api/auth/x/../me",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/.env",
        "/data/doorward.db",
        "/favicon.ico",
        "/health/",
        "/healthz",
        "/%ff%fe",
        "/api/auth/%",
        "/api/auth/%zz",
        "/metrics",
        &long,
    ] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::DELETE] {
            let answer = app.browser().call(method, path).await;
            assert_eq!(answer.status(), 404, "{:?}", answer.0);
        }
    }
}

async fn a_query_changes_nothing(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    for query in ["?", "?x=1", "?x=%ff%00", "?access_token=garbage", "?%5B%5D", "?a=b&a=b&&&="] {
        laptop.get(&format!("/api/auth/me{query}")).await.ok();
    }
    // A token in an address is a token in every log: it counts for nothing there.
    let token = laptop.access_cookie();
    app.browser().get(&format!("/api/auth/me?access_token={token}")).await.refused("not_authenticated");
}

async fn requests_that_are_no_http_are_refused_and_others_served(app: TestApp) {
    for (request, expected) in [
        ("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", &[400][..]),
        ("GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", &[400]),
        ("GET /health HTTP/9.9\r\nHost: a\r\n\r\n", &[400]),
        ("GET  /health HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        ("GET /hea\u{7f}lth HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[400, 404]),
        ("GET /h\u{e9}alth HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[400, 404]),
        ("GET /health HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", &[400]),
        ("GET /health HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", &[400]),
        ("POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", &[400]),
        ("POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", &[400]),
        ("POST /api/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", &[400]),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", &[400]),
        ("hello\r\n\r\n", &[400]),
        (
            "GET http://elsewhere.example/health HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n",
            &[200, 400, 404],
        ),
        ("CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[404, 405, 400]),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[204, 404, 400]),
    ] {
        let (status, headers, body) = http1::send_raw(app.address(), request.as_bytes()).await;
        let text = String::from_utf8_lossy(&body);
        assert!(expected.contains(&status), "{request:?} gave {status} {headers:?} {text}");
        let problem = headers.get("content-type").is_some_and(|value| value == "application/problem+json");
        assert!(status < 400 || (problem && headers.contains_key("x-request-id")), "{request:?}: {headers:?} {text}");
    }
    app.browser().get("/health").await.ok();
}

async fn the_checks_come_in_their_order(app: TestApp) {
    let browser = app.browser();
    let foreign = |call: Call| call.header("origin", "https://evil.example").header("sec-fetch-site", "cross-site");
    let large = "x".repeat(20_000);
    let post = |path: &str| browser.post(path);
    // 403, 404, 405, 401, 415, 413, 400, 422, 429: each before all that follow.
    foreign(post("/nowhere")).text("text/plain", large.clone()).await.refused("cross_site_request");
    foreign(post("/api/auth/me")).await.refused("cross_site_request");
    foreign(post("/api/auth/refresh")).await.refused("cross_site_request");
    foreign(post("/api/auth/login")).text("text/plain", large.clone()).await.refused("cross_site_request");
    post("/nowhere").text("text/plain", large.clone()).await.refused("not_found");
    post("/api/auth/me").text("text/plain", large.clone()).await.refused("method_not_allowed");
    post("/api/auth/login").text("text/plain", large.clone()).await.refused("unsupported_media_type");
    post("/api/auth/login").text("application/json", large).await.refused("payload_too_large");
    for _ in 0..5 {
        browser.login("ann@example.com").await.refused("incorrect_credentials");
    }
    post("/api/auth/login").text("application/json", "{").await.refused("malformed_json");
    post("/api/auth/login").json(&json!({})).await.refused("validation_failed");
    browser.login("ann@example.com").await.refused("too_many_attempts");
}
