//! `doorward user factors`, `user reset-factors` and `keys status`, beside a server.

use serde_json::json;

use crate::harness::app::{Database, KEY, TestApp};
use crate::harness::authenticator::Authenticator;
use crate::harness::both;
use crate::harness::trace;

const ANN: &str = "ann@example.com";
const ROOT: &str = "another-root-of-the-tests-52c0b7d19e3f4a68";

both! {
    an_operator_shows_factors_and_takes_them_away,
    whatever_no_key_opens_is_taken_away_at_once,
    the_state_of_the_keys_is_told,
}

async fn an_operator_shows_factors_and_takes_them_away(app: TestApp) {
    let ann = app.register_and_login(ANN).await;
    let shown = app.program(&["user", "factors", ANN], &[]).await;
    assert_eq!((shown.0, shown.1.as_str()), (Some(0), "none\n"), "{shown:?}");
    let (_, codes) = ann.set_up_app(&app).await;
    let (_, out, _) = app.program(&["user", "factors", ANN], &[]).await;
    let now = app.clock.now();
    let expected = format!("totp            since {now}, last used {now}\nrecovery codes  made {now}, 10 left\n");
    assert_eq!(out, expected);
    for code in &codes {
        assert!(!out.contains(code));
    }
    for command in [["user", "factors", "bob@example.com"], ["user", "reset-factors", "bob@example.com"]] {
        let (code, out, err) = app.program(&command, &[]).await;
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.ends_with("doorward: there is no account with this email\n"), "{err}");
    }
    // Of one, or of all that can't be read: never of both, nor of nobody.
    for command in [vec!["user", "reset-factors"], vec!["user", "reset-factors", ANN, "--unreadable"]] {
        let (code, out, _) = app.program(&command, &[]).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command:?}");
    }
    let (code, given, err) = app.program(&["user", "reset-factors", ANN], &[]).await;
    assert!(code == Some(0) && err.contains("give it to them alone"), "{err}");
    let given = given.trim_end();
    trace::remember(given);
    assert_eq!(app.program(&["user", "factors", ANN], &[]).await.1, "none\n");
    // What is printed is what the server takes.
    let browser = app.browser();
    browser.login(ANN).await.ok();
    let shown = browser.enrol().await.ok();
    assert_eq!(shown["wants_enrolment_code"], true);
    let next = Authenticator::of(shown["secret"].as_str().unwrap(), &app.clock);
    let body = json!({ "code": next.code_in(0), "enrolment_code": given });
    browser.post("/api/auth/me/totp/confirm").json(&body).await.ok();
    // Where there is a mail server it mails the next one, and prints none.
    let smtp = [("SMTP_HOST", "127.0.0.1"), ("SMTP_TLS", "none"), ("MAIL_FROM", "auth@example.com")];
    let (code, out, _) = app.program(&["user", "reset-factors", ANN], &smtp).await;
    assert_eq!((code, out.as_str()), (Some(0), ""));
}

async fn whatever_no_key_opens_is_taken_away_at_once(database: Database) {
    let app = TestApp::start(database).await;
    app.with_app(ANN).await;
    let unreadable = ["user", "reset-factors", "--unreadable"];
    let (code, out, err) = app.program(&unreadable, &[]).await;
    assert!(code == Some(0) && out.is_empty() && err.contains("0 accounts"), "{out}{err}");
    let lost = [("SECRET_KEY", ROOT)];
    let (code, out, err) = app.program(&unreadable, &lost).await;
    assert!(code == Some(0) && err.contains("1 accounts"), "{err}");
    let given = out.trim_end().strip_prefix("ann@example.com  ").expect("whose, and the code").to_owned();
    trace::remember(&given);
    // From now on the server starts without the key that was.
    let app = app.restart(&lost).await;
    let ann = app.browser();
    ann.login(ANN).await.ok();
    let shown = ann.enrol().await.ok();
    let next = Authenticator::of(shown["secret"].as_str().unwrap(), &app.clock);
    ann.confirm(&next.code_in(0)).await.refused("incorrect_enrolment_code");
    let body = json!({ "code": next.code_in(0), "enrolment_code": given });
    ann.post("/api/auth/me/totp/confirm").json(&body).await.ok();
}

async fn the_state_of_the_keys_is_told(database: Database) {
    let app = TestApp::start(database).await;
    let status = async |settings: &[(&str, &str)]| {
        let (code, out, err) = app.program(&["keys", "status"], settings).await;
        assert_eq!(code, Some(0), "{err}");
        (out, err)
    };
    let (out, err) = status(&[]).await;
    assert!(out.is_empty() && err.contains("no authenticator app needs SECRET_KEY_PREVIOUS"), "{out}{err}");
    app.with_app(ANN).await;
    let (out, err) = status(&[]).await;
    assert!(out.starts_with("current   ") && out.ends_with("  1 authenticator apps\n"), "{out}");
    assert!(err.contains("no authenticator app needs"), "{err}");
    let (out, err) = status(&[("SECRET_KEY", ROOT), ("SECRET_KEY_PREVIOUS", KEY)]).await;
    assert!(out.starts_with("previous  ") && err.contains("SECRET_KEY_PREVIOUS is needed"), "{out}{err}");
    let (out, err) = status(&[("SECRET_KEY", ROOT)]).await;
    assert!(out.starts_with("missing   ") && err.contains("a key is missing"), "{out}{err}");
    // A start then is refused, by the names of the settings. (SQLite has one server, and it runs.)
    if database == Database::Sqlite {
        return;
    }
    let (code, _, err) = app.program(&[], &[("SECRET_KEY", ROOT), ("PORT", "0")]).await;
    assert!(code == Some(1) && err.contains("SECRET_KEY_PREVIOUS"), "{err}");
}
