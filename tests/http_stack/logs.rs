//! One line a request, without what may be secret.

use std::io::Write;
use std::sync::{Arc, Mutex};

use doorward::api::middleware::{self, Unreadable};
use poem::http::{Method, Uri};
use poem::{Endpoint, Request};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Probe, Server, endpoint, limits, settings};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is logged, at the most talkative level, while these requests are served.
async fn logged(requests: Vec<Request>) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let stack = middleware::wrap(endpoint(Probe::default()), &settings());
    for request in requests {
        stack.get_response(request).await;
    }
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

fn request(method: &str, path: &str) -> poem::RequestBuilder {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    Request::builder().method(method).uri(path.parse::<Uri>().unwrap())
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

#[tokio::test]
async fn a_line_has_the_template_and_not_what_was_sent() {
    let secret = "canary-5f2a";
    let text = logged(vec![
        request("DELETE", "/api/items/canary-5f2a?token=canary-5f2a")
            .header("cookie", secret)
            .header("authorization", secret)
            .header("user-agent", secret)
            .finish(),
        request("GET", "/canary-5f2a").finish(),
        request("POST", "/api/echo").body(secret),
        request("canary-5f2a", "/health").finish(),
        request("UNREADABLE", "*").extension(Unreadable::Malformed).finish(),
    ])
    .await;
    assert!(!text.contains(secret), "{text}");
    let lines: Vec<_> = text.lines().map(json).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (line["fields"]["method"].as_str(), line["fields"]["path"].as_str(), line["fields"]["status"].as_u64())
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("DELETE"), Some("/api/items/{id}"), Some(200)),
            (Some("GET"), Some("unmatched"), Some(404)),
            (Some("POST"), Some("/api/echo"), Some(200)),
            (Some("other"), Some("/health"), Some(405)),
            (Some("other"), Some("unmatched"), Some(400)),
        ]
    );
    for line in lines {
        assert_eq!(line["target"], "doorward::request");
        assert_eq!(line["level"], "INFO");
        assert!(line["fields"]["duration_ms"].as_f64().unwrap() >= 0.0);
        assert_eq!(line["fields"]["request_id"].as_str().unwrap().len(), 32);
    }
}

/// Over a connection, where there is a client with an address.
#[tokio::test]
async fn a_line_has_the_clients_address_and_the_answers_request_id() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let mut settings = settings();
    settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::with(&settings, limits());
    let mut ids = Vec::new();
    for (request, client) in [
        ("GET /health HTTP/1.1\r\nhost: x\r\n\r\n", "127.0.0.1"),
        ("GET /health HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.1\r\n\r\n", "192.0.2.1"),
        ("GET /health HTTP/1.1\r\nhost: x\r\nx-forwarded-for: canary\u{e9}, 192.0.2.1\r\n\r\n", "192.0.2.1"),
        ("no request\r\n\r\n", "127.0.0.1"),
    ] {
        let answer = server.ask(request).await;
        ids.push((answer.header("x-request-id").unwrap().to_owned(), client));
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let told: Vec<_> = text
        .lines()
        .map(json)
        .filter(|line| line["target"] == "doorward::request")
        .map(|line| line["fields"].clone())
        .map(|fields| {
            (fields["request_id"].as_str().unwrap().to_owned(), fields["client"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(told, ids.into_iter().map(|(id, client)| (id, client.to_owned())).collect::<Vec<_>>());
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_request_whose_client_leaves_has_its_line_too() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let probe = Probe::default();
    let stack = middleware::wrap(endpoint(probe.clone()), &settings());
    tokio::select! {
        _ = stack.get_response(request("GET", "/api/wait").finish()) => unreachable!("nobody releases it"),
        () = probe.begun() => {}
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line = json(text.trim());
    assert_eq!(line["fields"]["message"], "the client went away");
    assert_eq!(line["fields"]["status"], serde_json::Value::Null);
}

/// The panic itself is logged by the process's panic hook.
#[tokio::test]
async fn a_failure_of_the_service_is_an_error() {
    let text = logged(vec![request("GET", "/api/panic").finish()]).await;
    let line = json(text.trim());
    assert_eq!((&line["level"], &line["fields"]["status"]), (&"ERROR".into(), &500.into()));
}

#[tokio::test]
async fn a_refused_origin_is_named_once_with_its_remedy() {
    let text = logged(vec![
        request("GET", "/health").header("origin", "https://evil.example").finish(),
        request("GET", "/health").header("origin", "https://evil.example").finish(),
        request("GET", "/health").header("origin", "https://app.example.com").finish(),
        request("GET", "/health").header("origin", "https://auth.example.com").finish(),
        request("GET", "/health").header("host", "own:1").header("origin", "http://own:1").finish(),
    ])
    .await;
    let warnings: Vec<_> = text.lines().map(json).filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), 1, "{text}");
    assert_eq!(warnings[0]["fields"]["origin"], "https://evil.example");
    assert!(warnings[0]["fields"]["message"].as_str().unwrap().contains("ALLOWED_ORIGINS"));
}
