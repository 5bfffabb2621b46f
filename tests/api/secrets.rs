//! Secrets stay where they belong: not in logs, not in the database, not in answers.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::harness::app::{KEY, TestApp};
use crate::harness::browser::PASSWORD;
use crate::harness::forms::forms;
use crate::harness::{both, trace};

both! {
    the_database_holds_no_password_and_no_token,
}

async fn the_database_holds_no_password_and_no_token(app: TestApp) {
    let laptop = app.browser();
    laptop.register("ann@example.com").await.is(201);
    let mut secrets = vec![PASSWORD.to_owned(), KEY.to_owned()];
    for _ in 0..3 {
        laptop.login("ann@example.com").await.ok();
        laptop.refresh().await.ok();
        secrets.extend([laptop.access_cookie(), laptop.refresh_cookie()]);
    }
    let laptop = app.browser();
    laptop.login_with("ann@example.com", "WrongCanary123").await.refused("incorrect_credentials");
    // People type the password into the field above it.
    laptop.login_with("TypedCanary123", "WrongCanary123").await.refused("incorrect_credentials");
    laptop.login_with("TypedCanary123@example.com", "WrongCanary123").await.refused("incorrect_credentials");
    secrets.extend(["WrongCanary123", "TypedCanary123", "typedcanary123"].map(str::to_owned));
    let dump = app.dump().await;
    assert!(dump.contains("ann@example.com") && dump.contains("$2b$04$"), "the dump shows what there is: {dump}");
    for secret in secrets {
        for form in forms(secret.as_bytes()) {
            assert!(!dump.contains(&form), "{secret}, as {form}, in\n{dump}");
        }
        // A token's signature alone would do, too.
        let signature = secret.rsplit('.').next().unwrap();
        assert!(!dump.contains(signature), "the signature of {secret} in\n{dump}");
    }
}

/// The whole suite once more, in a process of its own, on SQLite, with every log line of every library written to a file, which is
/// searched for what the stories use as emails, passwords, tokens, cookies and keys.
#[test]
fn logs_at_the_finest_level_tell_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(["sqlite"]).env(trace::FILE, &log).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
    for level in ["DEBUG ", " INFO ", " WARN "] {
        assert!(text.contains(level), "the log has no line of {level}: is it written?");
    }
    // What the log is for.
    for event in ["registered", "session begun", "login refused", "session ended", "/api/auth/login"] {
        assert!(text.contains(event), "the log does not tell of {event:?}");
    }
    let mut found = Vec::new();
    for line in text.lines() {
        for secret in secrets() {
            if line.contains(&secret) {
                found.push(format!("{secret:?} in: {}", line.chars().take(400).collect::<String>()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} lines tell a secret:\n{}",
        found.len(),
        found.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
}

fn secrets() -> Vec<String> {
    let given = [
        PASSWORD,
        "WrongPass123",
        "WrongCanary123",
        "TypedCanary123",
        "securepass123",
        "SECUREPASS123",
        "Test1234",
        KEY,
        // Every story's email.
        "@example.com",
        "ann@",
        "bob@",
        // Every bcrypt hash, and every access token.
        "$2b$",
        "$2a$",
        "$2y$",
        "eyJ",
    ];
    // Every refresh token: they begin with the version and the key's id.
    let refresh = trace::refresh_token_prefix();
    given.into_iter().map(str::to_owned).chain([refresh, json!(PASSWORD).to_string()]).collect()
}
