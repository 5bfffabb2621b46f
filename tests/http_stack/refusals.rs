//! Paths, methods, panics, and the order of refusals.

use crate::support::{Server, settings};

#[tokio::test]
async fn an_unknown_path_is_404() {
    let server = Server::start();
    for path in ["/", "/health/", "/Health", "//health", "/%68ealth", "/api/items/", "/api/items/1/2", "/api/é", "*"] {
        let answer = server.ask(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        answer.assert_problem(404, "not_found");
        assert!(!answer.body.contains("ealth"), "nothing submitted is repeated");
    }
    assert_eq!(server.ask("DELETE /api/items/a%20b?c=d HTTP/1.1\r\nhost: x\r\n\r\n").await.body, "a b");
}

#[tokio::test]
async fn another_method_is_405_and_the_right_ones_are_named() {
    let server = Server::start();
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get"] {
        let answer = server.ask(&format!("{method} /health HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        answer.assert_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
    let answer = server.ask("GET /api/items/7 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    answer.assert_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("DELETE, OPTIONS"));
}

#[tokio::test]
async fn options_tells_the_methods() {
    let server = Server::start();
    let answer = server.ask("OPTIONS /api/items/7 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!((answer.status, answer.header("allow")), (204, Some("DELETE, OPTIONS")));
    server.ask("OPTIONS /nowhere HTTP/1.1\r\nhost: x\r\n\r\n").await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start();
    let mut connection = server.connect().await;
    for path in ["/health", "/docs", "/api/large", "/nowhere", "/api/echo"] {
        connection.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        let get = connection.answer().await.unwrap();
        connection.send(&format!("HEAD {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        let head = connection.head_answer().await.unwrap();
        let stable = |answer: &crate::support::Answer| {
            let mut headers = answer.headers.clone();
            headers.retain(|(name, _)| name != "x-request-id" && name != "date");
            headers.sort();
            headers
        };
        assert_eq!((head.status, stable(&head)), (get.status, stable(&get)), "{path}");
        assert!(get.header("content-length").is_some(), "{path}");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_next_request_is_fine() {
    let server = Server::start();
    let mut connection = server.connect().await;
    connection.send("GET /api/panic HTTP/1.1\r\nhost: x\r\norigin: https://app.example.com\r\n\r\n").await;
    let answer = connection.answer().await.unwrap();
    answer.assert_problem(500, "internal_error");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    connection.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(connection.answer().await.unwrap().body, "alive");
}

/// Each request breaks all rules from its own on: the first broken one answers.
#[tokio::test]
async fn refusals_come_in_their_order() {
    let server = Server::start();
    let evil = "host: x\r\nsec-fetch-site: cross-site\r\ncontent-length: 1073741824\r\n\r\n";
    let own = "host: x\r\ncontent-length: 1073741824\r\n\r\n";
    for (request, status, code) in [
        (format!("POST /nowhere HTTP/1.1\r\n{evil}"), 403, "cross_site_request"),
        (format!("POST /health HTTP/1.1\r\n{evil}"), 403, "cross_site_request"),
        (format!("POST /api/echo HTTP/1.1\r\n{evil}"), 403, "cross_site_request"),
        (format!("POST /nowhere HTTP/1.1\r\n{own}"), 404, "not_found"),
        (format!("POST /health HTTP/1.1\r\n{own}"), 405, "method_not_allowed"),
        (format!("POST /api/echo HTTP/1.1\r\n{own}"), 413, "payload_too_large"),
    ] {
        server.ask(&request).await.assert_problem(status, code);
    }
}

#[tokio::test]
async fn a_cross_site_request_is_told_why() {
    let server = Server::start();
    let answer = server.ask("POST /api/ignore HTTP/1.1\r\nhost: x\r\norigin: https://evil.example\r\n\r\n").await;
    answer.assert_problem(403, "cross_site_request");
    assert!(answer.body.contains("ALLOWED_ORIGINS") && answer.body.contains("localhost"), "{}", answer.body);
    assert!(!answer.body.contains("evil"), "nothing submitted is repeated");
    for origin in ["https://app.example.com", "https://auth.example.com", "http://x"] {
        let request = format!("POST /api/ignore HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\n\r\n");
        assert_eq!(server.ask(&request).await.status, 200, "{origin}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Server::start();
    for (method, path) in [
        ("GET", "/health"),
        ("GET", "/nowhere"),
        ("POST", "/health"),
        ("OPTIONS", "/health"),
        ("GET", "/api/panic"),
        ("GET", "/api/count"),
    ] {
        let answer = server.ask(&format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
        );
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-site"));
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(answer.header("server"), None);
        assert_eq!(answer.header("cache-control"), (path != "/nowhere").then_some("no-store"), "{path}");
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
    }
    let docs = server.ask("GET /docs HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(docs.header("content-security-policy"), Some("default-src 'self'"));
    assert_eq!(docs.header("cache-control"), None);
}

#[tokio::test]
async fn without_hsts_browsers_are_promised_nothing() {
    let mut settings = settings();
    settings.server.hsts = false;
    let server = Server::with(&settings, crate::support::limits());
    let answer = server.ask("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(answer.header("strict-transport-security"), None);
}
