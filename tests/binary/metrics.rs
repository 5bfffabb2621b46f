//! What Prometheus is told, and that its own tool takes the format, the alerts and every expression of the dashboard.
//!
//! A machine without `promtool` leaves its part out and says so; `DOORWARD_TEST_TOOLS=required` makes that a failure.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::http::{get, refresh, send};
use crate::server::Server;
use crate::tools::has;

const ANN: &str = r#"{"email":"ann@example.com","password":"SecurePass123"}"#;

/// A server that has told where its metrics are.
fn start() -> (Server, String) {
    let server = Server::start(&[("BCRYPT_COST", "4"), ("METRICS_ADDR", "127.0.0.1:0"), ("LOG_FORMAT", "json")]);
    // The log is written by a thread of its own.
    let line = server.logged("metrics are told");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    let address = line["address"].as_str().expect("an address").to_owned();
    (server, address)
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "{request} HTTP/1.0\r\nhost: localhost\r\n\r\n").expect("a request that is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

fn scrape(address: &str) -> String {
    let answer = ask(address, "GET /metrics");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains(" 200 ") && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    body.to_owned()
}

/// The value of one series, labels and all.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).parse().expect("a number")
}

#[test]
fn what_happens_is_counted_and_names_nobody() {
    let (server, address) = start();
    let before = scrape(&address);
    assert!(value(&before, "doorward_logins_total{result=\"signed_in\"}").abs() < f64::EPSILON, "{before}");

    assert_eq!(send(&server, "/api/auth/register", "", ANN).status, 201);
    assert_eq!(send(&server, "/api/auth/register", "", ANN).status, 409);
    let login = send(&server, "/api/auth/login", "", ANN);
    for _ in 0..2 {
        assert_eq!(get(&server, "/api/auth/me", &login.access_cookie()).status, 200);
    }
    let first = login.refresh_cookie();
    let second = refresh(&server, &first).refresh_cookie();
    assert_eq!(refresh(&server, &first).status, 200, "inside the window");
    assert_eq!(refresh(&server, "nonsense").status, 401);
    assert_eq!(refresh(&server, &second).status, 200);
    for _ in 0..4 {
        assert_eq!(send(&server, "/api/auth/login", "", &ANN.replace("Secure", "Wrong")).status, 401);
    }
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 429);
    assert_eq!(get(&server, "/no/such/path/ann@example.com", "").status, 404);
    let odd = ask(&format!("127.0.0.1:{}", server.port()), "BREW /api/auth/login");
    assert!(odd.contains(" 405 "), "{odd}");

    let after = scrape(&address);
    for (series, expected) in [
        ("doorward_registrations_total{result=\"registered\"}", 1.0),
        ("doorward_registrations_total{result=\"taken\"}", 1.0),
        ("doorward_logins_total{result=\"signed_in\"}", 1.0),
        ("doorward_logins_total{result=\"incorrect\"}", 4.0),
        ("doorward_logins_total{result=\"limited\"}", 1.0),
        ("doorward_limited_total{scope=\"login\"}", 1.0),
        ("doorward_refreshes_total{verdict=\"rotated\"}", 1.0),
        ("doorward_refreshes_total{verdict=\"successor\"}", 1.0),
        ("doorward_refreshes_total{verdict=\"not_authentic\"}", 1.0),
        ("doorward_sessions_begun_total", 1.0),
        ("doorward_http_requests_total{method=\"POST\",path=\"/api/auth/login\",status=\"429\"}", 1.0),
        ("doorward_http_requests_total{method=\"GET\",path=\"unmatched\",status=\"404\"}", 1.0),
        ("doorward_http_requests_total{method=\"other\",path=\"/api/auth/login\",status=\"405\"}", 1.0),
        ("doorward_http_request_duration_seconds_count{method=\"POST\",path=\"/api/auth/login\"}", 6.0),
        ("doorward_hash_jobs_begun_total", 7.0),
        ("doorward_hash_jobs_shed_total", 0.0),
        ("doorward_http_requests_held_total", 0.0),
        ("doorward_log_lines_dropped_total", 0.0),
        ("doorward_mail_waiting", 0.0),
        ("doorward_database_connections_max", 10.0),
        (concat!("doorward_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        let counted = value(&after, series);
        assert!((counted - expected).abs() < f64::EPSILON, "{series} {counted}, not {expected}\n{after}");
    }
    // A machine that is slow may look it up twice.
    let looked_up = |result| value(&after, &format!("doorward_session_cache_lookups_total{{result=\"{result}\"}}"));
    assert!((looked_up("hit") + looked_up("miss") - 2.0).abs() < f64::EPSILON && looked_up("miss") > 0.5, "{after}");
    assert!(value(&after, "doorward_revocations_read_age_seconds") < 10.0);
    for secret in ["ann@", "127.0.0.1", "/no/such", "BREW"] {
        assert!(!after.contains(secret), "{secret}\n{after}");
    }
    // On its own listener, and alone there.
    assert_eq!(get(&server, "/metrics", "").status, 404);
    assert!(ask(&address, "GET /api/auth/health").contains(" 404 "));
    assert!(ask(&address, "POST /metrics").contains(" 405 "));

    if has("promtool", "--version") {
        let mut check = Command::new("promtool");
        let mut child = check.args(["check", "metrics"]).stdin(Stdio::piped()).spawn().expect("promtool must run");
        child.stdin.take().expect("it is piped").write_all(after.as_bytes()).expect("it reads");
        assert!(child.wait().expect("its end").success(), "{after}");
    }
    every_expression_is_about_what_there_is(&after);
}

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

/// A metric that was renamed would leave an alert that never fires.
fn every_expression_is_about_what_there_is(metrics: &str) {
    let told: BTreeSet<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for file in ["prometheus/alerts.yml", "grafana/doorward.json"] {
        let text = std::fs::read_to_string(deploy(file)).expect("a file");
        let mut seen = 0;
        for word in
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("doorward_"))
        {
            let name = word.trim_end_matches("_bucket");
            // Counted once a minute, from a while after the start on.
            assert!(told.contains(name) || name == "doorward_sessions_live", "{file} asks for {word}");
            seen += 1;
        }
        assert!(seen > 10, "{file}: {seen}");
    }
    let dashboard = std::fs::read_to_string(deploy("grafana/doorward.json")).expect("a file");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 10));
}

#[test]
fn the_alerts_are_right() {
    if !has("promtool", "--version") {
        return;
    }
    let folder = deploy("prometheus");
    for arguments in
        [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"], ["check", "config", "prometheus.yml"]]
    {
        let output = Command::new("promtool").args(arguments).current_dir(&folder).output().expect("promtool must run");
        assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    // The dashboard's expressions, as rules: promtool reads those.
    let dashboard = std::fs::read_to_string(deploy("grafana/doorward.json")).expect("a file");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let expressions = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let rules: Vec<String> = expressions
        .enumerate()
        .map(|(number, target)| {
            let expression = target["expr"].as_str().expect("an expression").replace("$__rate_interval", "5m");
            format!("  - record: panel_{number}\n    expr: {}\n", Value::from(expression))
        })
        .collect();
    let rules = rules.concat();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("panels.yml"), format!("groups:\n- name: panels\n  rules:\n{rules}"))
        .expect("a file");
    let mut check = Command::new("promtool");
    let output =
        check.args(["check", "rules", "panels.yml"]).current_dir(folder.path()).output().expect("promtool must run");
    assert!(output.status.success(), "{}{rules}", String::from_utf8_lossy(&output.stderr));
}
