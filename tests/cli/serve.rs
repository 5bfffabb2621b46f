//! A server from its start to its end.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::databases::postgres;
use crate::program::{Server, get, run};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_start_without_settings_tells_one_line_and_keeps_its_key() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (port, database) = (server.port(), folder.path().canonicalize().unwrap().join("data/doorward.db"));
    let expected = format!("Doorward on http://localhost:{port} (docs: /docs), database {}\n", database.display());
    assert_eq!(server.line, expected);

    let data = folder.path().join("data");
    let keys = || ["jwt_secret_key", "secret_key"].map(|name| fs::read(data.join(name)).unwrap());
    let made = keys();
    assert!(made.iter().all(|key| key.len() >= 32) && made[0] != made[1]);
    for file in ["jwt_secret_key", "secret_key", "doorward.db"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&data), 0o700);

    for host in ["127.0.0.1", "::1"] {
        // Machines without IPv6 exist.
        if TcpListener::bind((host, 0)).is_ok() {
            assert!(get(host, port, "/health").starts_with("HTTP/1.1 200 "));
        }
    }
    let health = || run(folder.path(), &["healthcheck"], &[("PORT", &port.to_string())]);
    assert_eq!(health().code, Some(0));

    let ended = server.end("-TERM");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{ended:?}");
    let dead = health();
    assert!(dead.code == Some(1) && dead.err.lines().count() == 1, "{dead:?}");

    let again = Server::start(folder.path(), &[]);
    assert_eq!(keys(), made);
    assert_eq!(again.end("-INT").code, Some(0));
}

/// A clock that is wrong yet, or a setting that is: what starts the service again must try again, as it does not after a 2.
#[test]
fn a_time_that_is_not_yet_here_is_no_mistake_of_the_settings() {
    let folder = TempDir::new().unwrap();
    let settings = [("PORT", "0"), ("SESSIONS_NOT_BEFORE", "2999-01-01T00:00:00Z"), ("DATABASE_START_TIMEOUT", "0s")];
    let ended = run(folder.path(), &["serve"], &settings);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    let told = ended.err.lines().last().unwrap();
    assert!(
        told.starts_with("doorward: SESSIONS_NOT_BEFORE (2999-01-01T00:00:00Z) lies in the future: it is 2"),
        "{told}"
    );
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let first = Server::start(folder.path(), &[]);
    let second = run(folder.path(), &["serve"], &[("PORT", "0")]);
    assert_eq!((second.code, second.out.as_str()), (Some(1), ""), "{second:?}");
    let told = second.err.lines().last().unwrap();
    assert!(told.starts_with("doorward: another Doorward serves "), "{second:?}");
    // Commands beside the server work.
    assert_eq!(run(folder.path(), &["migrate", "--check"], &[]).code, Some(0));
    assert!(get("127.0.0.1", first.port(), "/health").starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_taken_port_is_told_with_the_remedy() {
    let folder = TempDir::new().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let refused = run(folder.path(), &[], &[("PORT", &port)]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
    let told = refused.err.lines().last().unwrap();
    assert!(told.contains(&format!("port {port} is taken")) && told.contains("PORT="), "{refused:?}");
}

#[test]
fn a_dotenv_file_is_read_and_named() {
    let folder = TempDir::new().unwrap();
    let settings = "DATABASE_URL=sqlite://elsewhere/accounts.db\nPORT=1\nLOGIN_RATE_LIMITS=5/1m\n";
    fs::write(folder.path().join(".env"), settings).unwrap();
    let server = Server::start(folder.path(), &[]);
    assert!(server.line.ends_with("/elsewhere/accounts.db\n"), "{}", server.line);
    assert!(folder.path().join("elsewhere/jwt_secret_key").exists());
    let ended = server.end("-TERM");
    let env = folder.path().canonicalize().unwrap().join(".env");
    assert!(ended.err.contains(env.to_str().unwrap()), "{ended:?}");
    assert!(ended.err.contains("did you mean LOGIN_RATE_LIMIT?"), "{ended:?}");
}

#[test]
fn production_makes_no_key_and_shows_no_documentation() {
    let folder = TempDir::new().unwrap();
    let key = "o8JmF0kq2mXyq1T0l3b7b0r8Rk3x5m5v";
    let server = Server::start(folder.path(), &[("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", key)]);
    let port = server.port();
    assert!(server.line.starts_with(&format!("Doorward on http://0.0.0.0:{port}, database /")), "{}", server.line);
    for kept in ["data/jwt_secret_key", "data/secret_key"] {
        assert!(!folder.path().join(kept).exists(), "{kept}");
    }
    assert!(get("127.0.0.1", port, "/docs").starts_with("HTTP/1.1 404 "));
    let asked = [("PORT", &*port.to_string()), ("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", key)];
    assert_eq!(run(folder.path(), &["healthcheck"], &asked).code, Some(0));

    let ended = server.end("-KILL");
    let lines: Vec<serde_json::Value> = ended.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for setting in ["TRUSTED_PROXIES is not set", "SECRET_KEY is not set"] {
        let warned = |line: &serde_json::Value| {
            line["level"] == "WARN" && line["message"].as_str().is_some_and(|message| message.starts_with(setting))
        };
        assert!(lines.iter().any(warned), "{setting}: {ended:?}");
    }
    assert!(!ended.err.contains(key));
}

#[test]
fn before_the_end_the_service_says_that_it_is_not_ready() {
    let folder = TempDir::new().unwrap();
    let mut server = Server::start(folder.path(), &[("SHUTDOWN_DELAY", "5m")]);
    let port = server.port();
    assert!(get("127.0.0.1", port, "/api/auth/health").starts_with("HTTP/1.1 200 "));
    server.signal("-TERM");
    server.wait_for("stopping");
    let answer = get("127.0.0.1", port, "/api/auth/health");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("shutting_down"), "{answer}");
    assert!(get("127.0.0.1", port, "/health").starts_with("HTTP/1.1 200 "), "alive, and still accepting");
    // An answer ends its connection, so that a proxy keeps none that would be closed under a later request.
    let mut kept = TcpStream::connect(("127.0.0.1", port)).unwrap();
    kept.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close\r\n"), "{answer}");
    let ended = server.end("-TERM");
    assert!(ended.code == Some(1) && ended.err.contains("second signal"), "{ended:?}");
}

#[tokio::test]
async fn postgres_is_named_without_credentials() {
    let Some(url) = postgres::fresh_database().await else { return };
    let folder = TempDir::new().unwrap();
    let (user_info, place) = url.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let asyncpg = format!("postgresql+asyncpg://{user_info}@{place}?ssl=disable");
    let server = Server::start(folder.path(), &[("DATABASE_URL", &asyncpg), ("LOG_LEVEL", "debug")]);
    assert!(server.line.ends_with(&format!(", database {place}\n")), "{}", server.line);
    assert!(get("127.0.0.1", server.port(), "/api/auth/health").starts_with("HTTP/1.1 200 "));
    assert_eq!(mode(&folder.path().join("data/jwt_secret_key")), 0o600);
    let ended = server.end("-TERM");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{ended:?}");
}
