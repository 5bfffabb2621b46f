//! An operator looks after accounts with the command, beside a running server that notices.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::{get, refresh, send};
use crate::server::Server;
use crate::support::postgres;

const SETTINGS: [(&str, &str); 2] = [("BCRYPT_COST", "4"), ("LOGIN_RATE_LIMIT", "off")];
const ANN: &str = r#"{"email":"ann@example.com","password":"SecurePass123"}"#;

#[test]
fn sqlite() {
    an_operators_day(&SETTINGS);
}

#[test]
fn postgres() {
    let Some(cluster) = postgres::shared() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(cluster.create_database(""));
    let mut settings = vec![("DATABASE_URL", url.as_str())];
    settings.extend(SETTINGS);
    an_operators_day(&settings);
}

fn an_operators_day(settings: &[(&str, &str)]) {
    let server = Server::start(settings);
    let user = |arguments: &[&str], input: &str| run(&server, settings, arguments, input);

    // An account, with the password by standard input.
    assert_eq!(user(&["create", "ann@example.com"], "weak").code, 1);
    assert!(user(&["create", "ann@example.com", "--name", "Ann"], "SecurePass123").out.contains("ann@example.com"));
    assert_eq!(user(&["create", "Ann@Example.com"], "SecurePass123").code, 1, "taken");
    let listed: serde_json::Value = serde_json::from_str(&user(&["list", "--json"], "").out).expect("JSON");
    assert_eq!((&listed[0]["full_name"], &listed[0]["is_active"]), (&"Ann".into(), &true.into()));
    assert_eq!(user(&["show", "nobody@example.com"], "").code, 1);

    // Disabled, her session ends and she stays out, until she is enabled.
    let cookie = send(&server, "/api/auth/login", "", ANN).refresh_cookie();
    assert_eq!(user(&["disable", "ann@example.com"], "").code, 0);
    assert!(refresh(&server, &cookie).text.contains("session_revoked"));
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 401);
    assert_eq!(user(&["enable", "ann@example.com"], "").code, 0);

    // A session ended by the command: the server refuses its access token within two seconds.
    let login = send(&server, "/api/auth/login", "", ANN);
    let (access, cookie) = (login.access_cookie(), login.refresh_cookie());
    assert_eq!(get(&server, "/api/auth/me", &access).status, 200);
    assert_eq!(user(&["logout", "ann@example.com"], "").code, 0);
    let ended = Instant::now();
    while get(&server, "/api/auth/me", &access).status != 401 {
        assert!(ended.elapsed() < Duration::from_secs(10), "the server never noticed");
    }
    assert!(refresh(&server, &cookie).text.contains("session_revoked"));

    // A link that resets the password, once; a newer one voids the older.
    let void = user(&["reset-link", "ann@example.com"], "").out;
    let link = user(&["reset-link", "ann@example.com", "--url", "https://app.example.com/reset"], "").out;
    assert!(link.starts_with("https://app.example.com/reset#token="), "{link}");
    let reset = |link: &str| {
        let (_, token) = link.trim().split_once("#token=").expect("a token");
        let body = format!(r#"{{"token":"{token}","new_password":"EvenMoreSecure456"}}"#);
        send(&server, "/api/auth/password/reset", "", &body)
    };
    assert!(reset(&void).text.contains("invalid_or_expired_token"));
    assert_eq!(reset(&link).status, 200);
    assert!(reset(&link).text.contains("invalid_or_expired_token"));
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 401);
    assert_eq!(user(&["set-password", "ann@example.com"], "SecurePass123").code, 0);
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 200);

    // The last superuser does not go by accident.
    assert_eq!(user(&["make-superuser", "ann@example.com"], "").code, 0);
    assert_eq!(user(&["delete", "ann@example.com"], "").code, 1);
    assert_eq!(user(&["disable", "ann@example.com"], "").code, 1);
    assert_eq!(user(&["delete", "ann@example.com", "--force"], "").code, 0);
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 401);
}

struct Done {
    code: i32,
    out: String,
}

fn run(server: &Server, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Done {
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .arg("user")
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .current_dir(server.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary must run");
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("its end");
    Done {
        code: output.status.code().expect("an exit code"),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}
