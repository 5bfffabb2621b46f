//! CORS, and who the client is.

use doorward::config::server::AllowedOrigins;

use crate::support::{Server, limits, settings};

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_is_answered() {
    let server = Server::start();
    for path in ["/api/echo", "/nowhere"] {
        let answer = server
            .ask(&format!(
                "OPTIONS {path} HTTP/1.1\r\nhost: x\r\norigin: https://app.example.com\r\n\
                 access-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n\r\n"
            ))
            .await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS, POST, DELETE"));
        let headers = "Authorization, Content-Type, X-Doorward-Bind, X-Doorward-Recent-Proof, X-Doorward-User";
        assert_eq!(answer.header("access-control-allow-headers"), Some(headers));
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

/// Scripts can read refusals too, and the headers that tell when to come back.
#[tokio::test]
async fn every_answer_to_an_allowed_origin_is_readable() {
    let server = Server::start();
    for (method, path, status) in [("GET", "/health", 200), ("GET", "/nowhere", 404), ("PUT", "/health", 405)] {
        let answer = server
            .ask(&format!("{method} {path} HTTP/1.1\r\nhost: x\r\norigin: https://app.example.com\r\n\r\n"))
            .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some("Retry-After, X-Request-Id, WWW-Authenticate, X-Doorward-Session")
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn other_origins_get_no_cors_headers() {
    let server = Server::start();
    let origins: [&[u8]; 9] = [
        b"https://evil.example",
        b"https://app.example.com.evil.example",
        b"https://evil.example?x=https://app.example.com",
        b"https://app.example.com:8443",
        b"http://app.example.com",
        b"null",
        b"*",
        b"https://\xc3\xa9.example",
        b"\xff\xfe",
    ];
    for origin in origins {
        for head in ["GET /health", "OPTIONS /health"] {
            let mut connection = server.connect().await;
            let request = [
                format!("{head} HTTP/1.1\r\nhost: x\r\naccess-control-request-method: GET\r\norigin: ").as_bytes(),
                origin,
                b"\r\n\r\n",
            ]
            .concat();
            tokio::io::AsyncWriteExt::write_all(&mut connection.stream, &request).await.unwrap();
            let answer = connection.answer().await.unwrap();
            assert!(answer.status < 300, "{answer:?}");
            assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{answer:?}");
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
    }
}

#[tokio::test]
async fn an_empty_list_allows_nobody() {
    let mut settings = settings();
    settings.server.allowed_origins = AllowedOrigins::Exactly(Vec::new());
    let server = Server::with(&settings, limits());
    let answer = server.ask("GET /health HTTP/1.1\r\nhost: x\r\norigin: https://app.example.com\r\n\r\n").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{answer:?}");
}

const FORWARDED: &str = "GET /api/client HTTP/1.1\r\nhost: x\r\nuser-agent: Test/1\r\nx-request-id: from-proxy\r\n\
                         x-forwarded-for: 198.51.100.1, 192.0.2.1\r\nx-real-ip: 192.0.2.2\r\nforwarded: for=192.0.2.3\r\n\r\n";

#[tokio::test]
async fn a_stranger_can_choose_neither_address_nor_request_id() {
    let server = Server::start();
    let answer = server.ask(FORWARDED).await;
    assert_eq!(answer.body, r#"Some(127.0.0.1) Some("Test/1")"#);
    assert_ne!(answer.header("x-request-id"), Some("from-proxy"));
}

#[tokio::test]
async fn a_trusted_proxy_tells_both() {
    let mut settings = settings();
    settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::with(&settings, limits());
    let answer = server.ask(FORWARDED).await;
    assert_eq!(answer.body, r#"Some(192.0.2.1) Some("Test/1")"#);
    assert_eq!(answer.header("x-request-id"), Some("from-proxy"));
    let answer = server.ask("GET /health HTTP/1.1\r\nhost: x\r\nx-request-id: not plain\r\n\r\n").await;
    assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
}

/// A framework's proxy asks in its own name, for a page that came by another.
#[tokio::test]
async fn a_trusted_proxy_tells_what_it_was_asked_for() {
    let ask = "POST /api/echo HTTP/1.1\r\nhost: 127.0.0.1:8000\r\norigin: http://intranet:3000\r\nx-forwarded-host: intranet:3000\r\n\
               content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    Server::start().ask(ask).await.assert_problem(403, "cross_site_request");
    let mut settings = settings();
    settings.server.public_url = None;
    settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let proxied = Server::with(&settings, limits());
    proxied.ask(&ask.replace("-host: i", "-host: other-i")).await.assert_problem(403, "cross_site_request");
    assert_eq!(proxied.ask(ask).await.status, 200);
    settings.server.public_url = Some("https://auth.example.com".to_owned());
    Server::with(&settings, limits()).ask(ask).await.assert_problem(403, "cross_site_request");
}

#[tokio::test]
async fn a_long_or_odd_user_agent_is_cut_not_refused() {
    let server = Server::start();
    let long = "é".repeat(1_000);
    let answer = server.ask(&format!("GET /api/client HTTP/1.1\r\nhost: x\r\nuser-agent: {long}\r\n\r\n")).await;
    assert_eq!(answer.body, format!("Some(127.0.0.1) Some({:?})", "é".repeat(256)));
}
