//! POST /api/auth/password/reset

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call};
use crate::harness::time::{just_before, minutes};

const URL: &str = "/api/auth/password/reset";
const NEW: &str = "EvenMoreSecure456";

both! {
    a_link_sets_a_password_once_and_ends_every_session,
    whatever_is_wrong_with_a_token_the_answer_and_the_work_are_the_same,
    a_token_is_good_for_half_an_hour,
    a_newer_link_voids_the_older,
    a_password_that_was_changed_since_voids_the_link,
    a_refused_password_does_not_use_the_link_up,
    attempts_count_as_those_to_log_in_do,
    a_reset_opens_no_disabled_account,
}

fn reset(browser: &Browser, token: &str, new: &str) -> Call {
    browser.post(URL).json(&json!({ "token": token, "new_password": new }))
}

async fn a_link_sets_a_password_once_and_ends_every_session(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    let token = app.reset_token("ann@example.com").await;
    let somewhere = app.browser();
    let answer = reset(&somewhere, &token, NEW).await;
    assert!(answer.cookies().is_empty(), "a reset logs nobody in");
    assert_eq!(answer.ok(), json!({ "message": "Password changed" }));
    for browser in [laptop, phone] {
        browser.me().await.refused("session_revoked");
        browser.refresh().await.refused("session_revoked");
    }
    app.browser().login("ann@example.com").await.refused("incorrect_credentials");
    app.browser().login_with("ann@example.com", NEW).await.ok();
    reset(&somewhere, &token, "AnotherOne789").await.refused("invalid_or_expired_token");
    app.browser().login_with("ann@example.com", NEW).await.ok();
}

async fn whatever_is_wrong_with_a_token_the_answer_and_the_work_are_the_same(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "off")]).await;
    for email in ["used@example.com", "replaced@example.com", "expired@example.com"] {
        app.register(email).await;
    }
    let used = app.reset_token("used@example.com").await;
    reset(&app.browser(), &used, NEW).await.ok();
    let (replaced, _) = (app.reset_token("replaced@example.com").await, app.reset_token("replaced@example.com").await);
    let expired = app.reset_token("expired@example.com").await;
    app.clock.advance(minutes(31));
    let before = app.dump().await;
    let rounds = app.service().password.hashing.rounds_done();
    let unknown = "A".repeat(43);
    let mut answers = Vec::new();
    for token in [
        used.as_str(),
        &replaced,
        &expired,
        &unknown,
        &used[..42],
        &format!("{used}="),
        &format!("{used}A"),
        "",
        "garbage",
        "' OR 1=1 --",
        "\u{0}",
        "é",
        &"x".repeat(10_000),
    ] {
        let mut exchange = reset(&app.browser(), token, NEW).await.0;
        for name in ["x-request-id", "date"] {
            exchange.headers.remove(name);
        }
        answers.push((exchange.status, exchange.headers, String::from_utf8(exchange.body).unwrap()));
    }
    assert!(answers[0].2.contains("invalid_or_expired_token"), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(app.service().password.hashing.rounds_done(), rounds, "none of them costs a hash");
    assert_eq!(app.dump().await, before);
}

async fn a_token_is_good_for_half_an_hour(app: TestApp) {
    for (email, late) in [("ann@example.com", false), ("bob@example.com", true)] {
        app.register(email).await;
        let token = app.reset_token(email).await;
        app.clock.advance(if late { minutes(30) } else { just_before(minutes(30)) });
        let answer = reset(&app.browser(), &token, NEW).await;
        if late { drop(answer.refused("invalid_or_expired_token")) } else { drop(answer.ok()) }
    }
}

async fn a_newer_link_voids_the_older(app: TestApp) {
    app.register("ann@example.com").await;
    let (older, newer) = (app.reset_token("ann@example.com").await, app.reset_token("ann@example.com").await);
    reset(&app.browser(), &older, NEW).await.refused("invalid_or_expired_token");
    reset(&app.browser(), &newer, NEW).await.ok();
}

/// Who has just changed the password need not fear a link that somebody else may have asked for.
async fn a_password_that_was_changed_since_voids_the_link(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let token = app.reset_token("ann@example.com").await;
    let change = json!({ "current_password": crate::harness::browser::PASSWORD, "new_password": NEW });
    laptop.post("/api/auth/password").json(&change).await.ok();
    reset(&app.browser(), &token, "AnotherOne789").await.refused("invalid_or_expired_token");
    app.browser().login_with("ann@example.com", NEW).await.ok();
}

async fn a_refused_password_does_not_use_the_link_up(app: TestApp) {
    app.register("Ann1@example.com").await;
    let token = app.reset_token("ann1@example.com").await;
    let browser = app.browser();
    reset(&browser, &token, "short").await.invalid(&[("new_password", "too_short"), ("new_password", "weak")]);
    reset(&browser, &token, "Password1").await.invalid(&[("new_password", "common")]);
    // This rule needs the account, and so the token: all others are checked before it is looked at.
    reset(&browser, &token, "Ann1@Example.com").await.invalid(&[("new_password", "common")]);
    reset(&browser, &token, NEW).await.ok();
}

async fn attempts_count_as_those_to_log_in_do(app: TestApp) {
    app.register("ann@example.com").await;
    let token = app.reset_token("ann@example.com").await;
    let browser = app.browser();
    for _ in 0..3 {
        reset(&browser, "garbage", NEW).await.refused("invalid_or_expired_token");
    }
    for _ in 0..2 {
        browser.login("nobody@example.com").await.refused("incorrect_credentials");
    }
    let answer = reset(&browser, &token, NEW).await;
    assert!((1..=60).contains(&answer.retry_after()));
    answer.refused("too_many_attempts");
    // Another address is not affected, and the token is as it was.
    reset(&app.browser(), &token, NEW).await.ok();
}

async fn a_reset_opens_no_disabled_account(app: TestApp) {
    app.register("ann@example.com").await;
    let token = app.reset_token("ann@example.com").await;
    app.disable("ann@example.com").await;
    reset(&app.browser(), &token, NEW).await.ok();
    app.browser().login_with("ann@example.com", NEW).await.refused("incorrect_credentials");
}
