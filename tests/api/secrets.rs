//! Secrets stay where they belong: not in logs, not in the database, not in answers.

use std::fs;
use std::process::Command;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
        laptop.me().bearer(&laptop.access_cookie()).await.ok();
        secrets.extend([laptop.access_cookie(), laptop.refresh_cookie()]);
        assert!(laptop.access_cookie().starts_with(JWT) && laptop.access_cookie().contains(".eyJ"));
    }
    let stranger = app.browser();
    stranger.login_with("ann@example.com", "WrongCanary123").await.refused("incorrect_credentials");
    // People type the password into the field above it.
    stranger.login_with("TypedCanary123", "WrongCanary123").await.refused("incorrect_credentials");
    stranger.login_with("TypedCanary123@example.com", "WrongCanary123").await.refused("incorrect_credentials");
    secrets.extend(["WrongCanary123", "TypedCanary123", "typedcanary123"].map(str::to_owned));

    let change = |current: &str, new: &str| {
        laptop.post("/api/auth/password").json(&json!({ "current_password": current, "new_password": new }))
    };
    change("WrongCanary456", "NewCanary456").await.refused("incorrect_current_password");
    change(PASSWORD, "NewCanary456").await.ok();
    secrets.extend(["WrongCanary456", "NewCanary456"].map(str::to_owned));
    secrets.extend([laptop.access_cookie(), laptop.refresh_cookie()]);
    let used = app.reset_token("ann@example.com").await;
    let reset = json!({ "token": used, "new_password": "ResetCanary789" });
    app.browser().post("/api/auth/password/reset").json(&reset).await.ok();
    let waiting = app.reset_token("ann@example.com").await;
    secrets.extend([used, waiting, "ResetCanary789".to_owned()]);
    laptop.login_with("ann@example.com", "ResetCanary789").await.ok();
    laptop.get("/api/auth/me/export").await.ok();
    let leave = json!({ "password": "LeaveCanary123" });
    laptop.call(http::Method::DELETE, "/api/auth/me").json(&leave).await.refused("incorrect_current_password");
    secrets.extend([laptop.access_cookie(), laptop.refresh_cookie(), "LeaveCanary123".to_owned()]);

    let dump = app.dump().await;
    assert!(dump.contains("ann@example.com") && dump.contains("$2b$04$"), "the dump shows what there is: {dump}");
    assert_eq!(
        app.count("one_time_tokens").await,
        2,
        "a token that waits to be used, and a used one, are among what is searched"
    );
    for secret in secrets {
        let mut all = forms(secret.as_bytes()).to_vec();
        // What a token stands for.
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(&secret) {
            all.extend(forms(&bytes));
        }
        for form in all {
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
    for event in [
        "registered",
        "session begun",
        "login refused",
        "refreshed",
        "session ended",
        "a refresh token was used again",
        "password reset",
        "/api/auth/login",
    ] {
        assert!(text.contains(event), "the log does not tell of {event:?}");
    }
    // What was made by chance on the way: reset tokens, whose form tells nothing.
    let made = fs::read_to_string(trace::made(&log)).unwrap();
    assert!(made.lines().count() > 20, "{made}");
    // In development, without a mail server, the log is where the link is found; nowhere else.
    let made = AhoCorasick::new(made.lines()).unwrap();
    let told = text.lines().find(|line| !line.contains("a mail, as a file: set SMTP_HOST") && made.is_match(line));
    assert!(told.is_none(), "a link's token is told: {}", told.unwrap_or_default());
    let given = secrets();
    let any = AhoCorasick::new(&given).unwrap();
    let mut found = Vec::new();
    for line in text.lines() {
        for secret in any.find_overlapping_iter(line).map(|at| &given[at.pattern()]) {
            found.push(format!("{secret:?} in: {}", line.chars().take(400).collect::<String>()));
        }
    }
    assert!(
        found.is_empty(),
        "{} lines tell a secret:\n{}",
        found.len(),
        found.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
}

/// How every access token begins, and its claims with `.eyJ`. Less of it may stand in the name of a temporary folder.
const JWT: &str = "eyJ0eXAi";

fn secrets() -> Vec<String> {
    let given = [
        PASSWORD,
        "WrongPass123",
        "Canary123",
        "Canary456",
        "Canary789",
        "EvenMoreSecure",
        "AnotherOne789",
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
        JWT,
        ".eyJ",
    ];
    // Every refresh token: they begin with the version and the key's id.
    let refresh = trace::refresh_token_prefix();
    given.into_iter().map(str::to_owned).chain([refresh, json!(PASSWORD).to_string()]).collect()
}
