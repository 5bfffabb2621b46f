//! PATCH and DELETE /api/auth/me, GET /api/auth/me/export, POST /api/auth/password

use doorward::service::{Client, account, session};
use http::Method;
use serde_json::{Value, json};

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::forms::forms;
use crate::harness::time::minutes;

const NEW: &str = "EvenMoreSecure456";

both! {
    a_name_is_changed_and_taken_away,
    a_password_change_ends_every_session_and_begins_one,
    a_wrong_current_password_is_told_and_throttled_by_address_and_account,
    right_passwords_count_too,
    changes_of_a_name_are_limited_and_none_leaves_nothing,
    exports_are_limited_and_one_at_a_time,
    a_new_password_has_to_satisfy_the_policy,
    an_export_holds_everything_but_secrets,
    who_leaves_leaves_nothing_but_an_id,
    the_last_superuser_stays,
}

fn change_password(browser: &Browser, current: &str, new: &str) -> Call {
    browser.post("/api/auth/password").json(&json!({ "current_password": current, "new_password": new }))
}

fn delete(browser: &Browser, password: &str) -> Call {
    browser.call(http::Method::DELETE, "/api/auth/me").json(&json!({ "password": password }))
}

async fn a_name_is_changed_and_taken_away(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let rename = |name: Value| laptop.call(http::Method::PATCH, "/api/auth/me").json(&json!({ "full_name": name }));
    assert_eq!(rename("Ann Lee".into()).await.ok()["full_name"], "Ann Lee");
    assert_eq!(laptop.me().await.ok()["full_name"], "Ann Lee");
    rename("x".repeat(201).into()).await.invalid(&[("full_name", "too_long")]);
    assert_eq!(rename(Value::Null).await.ok()["full_name"], Value::Null);
    assert_eq!(laptop.me().await.ok()["full_name"], Value::Null);
}

async fn a_password_change_ends_every_session_and_begins_one(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    let copied = laptop.access_cookie();
    assert_eq!(change_password(&laptop, PASSWORD, NEW).await.ok(), json!({ "message": "Password changed" }));
    laptop.me().await.ok();
    phone.me().await.refused("session_revoked");
    app.browser().get("/api/auth/me").bearer(&copied).await.refused("session_revoked");
    app.browser().login("ann@example.com").await.refused("incorrect_credentials");
    app.browser().login_with("ann@example.com", NEW).await.ok();
}

async fn a_wrong_current_password_is_told_and_throttled_by_address_and_account(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let guess = async |from: &str| {
        let body = json!({ "current_password": "WrongPass123", "new_password": NEW });
        laptop.post("/api/auth/password").json(&body).header("x-forwarded-for", from).await
    };
    for from in ["192.0.2.1", "192.0.2.2"] {
        for _ in 0..5 {
            guess(from).await.refused("incorrect_current_password");
        }
    }
    // The account has had its attempts, and the address too.
    for from in ["192.0.2.2", "192.0.2.3"] {
        let answer = guess(from).await;
        assert!(answer.retry_after() <= 3_600);
        answer.refused("too_many_attempts");
    }
    delete(&laptop, PASSWORD).await.refused("too_many_attempts");
    let id = app.id_of("ann@example.com").await;
    let told = app.audit_of(id).await.into_iter().filter(|event| event == "reauthentication_failed");
    assert_eq!(told.count(), 10);
    app.clock.advance(minutes(60));
    laptop.refresh().await.ok();
    change_password(&laptop, PASSWORD, NEW).await.ok();
}

/// Seen: one session changed its password in a loop, and nobody else could log in.
async fn right_passwords_count_too(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "off")]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    for number in 0..10 {
        let (current, new) = if number % 2 == 0 { (PASSWORD, NEW) } else { (NEW, PASSWORD) };
        change_password(&laptop, current, new).await.ok();
    }
    let rounds = app.service().password.hashing.rounds_done();
    change_password(&laptop, PASSWORD, NEW).await.refused("too_many_attempts");
    assert_eq!(app.service().password.hashing.rounds_done(), rounds);
    // The owner can still log in.
    app.browser().login("ann@example.com").await.ok();
}

/// Seen: 134,000 changes of a name in half a minute, an audit row each.
async fn changes_of_a_name_are_limited_and_none_leaves_nothing(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let rename =
        async |name: &str| laptop.call(Method::PATCH, "/api/auth/me").json(&json!({ "full_name": name })).await;
    rename("Ann").await.ok();
    let before = app.dump().await;
    assert_eq!(rename("Ann").await.ok()["full_name"], "Ann");
    assert_eq!(app.dump().await, before, "nothing has changed");
    for number in 2..60 {
        rename(&format!("Ann {number}")).await.ok();
    }
    rename("Ann").await.refused("too_many_attempts");
    assert_eq!(laptop.me().await.ok()["full_name"], "Ann 59");
    app.clock.advance(minutes(60));
    laptop.refresh().await.ok();
    rename("Ann").await.ok();
}

async fn exports_are_limited_and_one_at_a_time(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let other = app.register_and_login("bob@example.com").await;
    let service = app.service();
    let caller = session::authenticate(&service, &[laptop.access_cookie()], &[]).await.unwrap();
    let export = account::export(&service, &caller, &Client::default()).await.unwrap();
    laptop.get("/api/auth/me/export").await.refused("too_many_attempts");
    other.get("/api/auth/me/export").await.ok();
    drop(export);
    for _ in 1..10 {
        laptop.get("/api/auth/me/export").await.ok();
    }
    laptop.get("/api/auth/me/export").await.refused("too_many_attempts");
    other.get("/api/auth/me/export").await.ok();
}

async fn a_new_password_has_to_satisfy_the_policy(app: TestApp) {
    let laptop = app.register_and_login("Ann1@example.com").await;
    change_password(&laptop, PASSWORD, "short")
        .await
        .invalid(&[("new_password", "too_short"), ("new_password", "weak")]);
    change_password(&laptop, PASSWORD, "Ann1@Example.com").await.invalid(&[("new_password", "common")]);
    let bytes = |length: usize| format!("Aa1{}", "x".repeat(length - 3));
    // 2 bytes a character: 3 + 2 * 34 are 71.
    let wide = |more: &str| format!("Aa1{}{more}", "é".repeat(34));
    for too_long in [bytes(72), bytes(73), wide("x")] {
        change_password(&laptop, PASSWORD, &too_long).await.invalid(&[("new_password", "too_long")]);
        change_password(&laptop, &too_long, NEW).await.refused("incorrect_current_password");
    }
    app.clock.advance(minutes(1));
    change_password(&laptop, PASSWORD, "Aa1\0xxxxx").await.invalid(&[("new_password", "invalid")]);
    laptop.me().await.ok();
    let mut current = PASSWORD.to_owned();
    for fits in [bytes(8), bytes(71), wide("")] {
        change_password(&laptop, &current, &fits).await.ok();
        // Whoever leaves out the end does not get in.
        app.browser().login_with("ann1@example.com", &fits[..fits.floor_char_boundary(fits.len() - 1)]).await.is(401);
        current = fits;
    }
    app.browser().login_with("ann1@example.com", &current).await.ok();
}

async fn an_export_holds_everything_but_secrets(app: TestApp) {
    let laptop = app.register("ann@example.com").await;
    laptop.login("ann@example.com").header("user-agent", "canary-agent/1").await.ok();
    let phone = app.browser();
    app.clock.advance(minutes(1));
    phone.login("ann@example.com").await.ok();
    phone.logout().await.ok();
    app.reset_token("ann@example.com").await;
    let answer = laptop.get("/api/auth/me/export").await;
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"doorward-export.json\""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let raw = String::from_utf8(answer.0.body.clone()).unwrap();
    let export = answer.ok();
    assert_eq!(export["user"], laptop.me().await.ok());
    let sessions = export["sessions"].as_array().unwrap();
    let reasons: Vec<_> = sessions.iter().map(|session| &session["end_reason"]).collect();
    assert_eq!(reasons, [&Value::Null, &Value::from("logout")]);
    let current: Vec<_> = sessions.iter().map(|session| &session["session"]["current"]).collect();
    assert_eq!(current, [true, false]);
    assert_eq!(sessions[0]["user_agent"], "canary-agent/1");
    let audit = export["audit"].as_array().unwrap();
    let events: Vec<_> = audit.iter().map(|record| record["event"].as_str().unwrap()).collect();
    let told = ["registered", "login_succeeded", "login_succeeded", "logged_out", "reset_requested", "data_exported"];
    assert_eq!(events, told);
    assert_eq!((&audit[1]["user_agent"], &audit[1]["ip"]), (&"canary-agent/1".into(), &sessions[0]["session"]["ip"]));
    assert!(audit[1]["ip"].as_str().unwrap().starts_with("198.18."), "{audit:?}");

    // Nothing of what is stored and secret, in any form that it might take.
    for (table, column) in [("users", "password_hash"), ("sessions", "secret"), ("one_time_tokens", "hash")] {
        let stored = app.bytes(table, column).await;
        assert!(!stored.is_empty(), "{table}");
        for secret in stored {
            for form in forms(&secret) {
                assert!(!raw.contains(&form), "{column}: {form} in {raw}");
            }
        }
    }
    for secret in [laptop.access_cookie(), laptop.refresh_cookie(), PASSWORD.to_owned()] {
        assert!(!raw.contains(&secret), "{raw}");
    }
}

async fn who_leaves_leaves_nothing_but_an_id(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let access = laptop.access_cookie();
    delete(&laptop, "WrongPass123").await.refused("incorrect_current_password");
    delete(&laptop, PASSWORD).await.is(204);
    assert!(!laptop.jar().has_token(), "both cookies are cleared");
    app.browser().get("/api/auth/me").bearer(&access).await.is(401);
    app.browser().login("ann@example.com").await.refused("incorrect_credentials");
    assert_eq!((app.count("users").await, app.count("sessions").await), (0, 0));
    assert_eq!(app.number("SELECT count(*) FROM audit WHERE event = 'registered' AND user_id IS NOT NULL").await, 1);
    // The email is free again; the id is not.
    assert_ne!(app.browser().register("ann@example.com").await.is(201)["id"], 1);
}

async fn the_last_superuser_stays(app: TestApp) {
    let (ann, bob) = (app.register_and_login("ann@example.com").await, app.register_and_login("bob@example.com").await);
    app.execute("UPDATE users SET is_superuser = TRUE").await;
    delete(&bob, PASSWORD).await.is(204);
    delete(&ann, PASSWORD).await.refused("last_superuser");
    ann.me().await.ok();
}
