//! POST /api/auth/login

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;
use crate::harness::cookies::SetCookie;
use crate::harness::http1;
use crate::harness::time::seconds;
use crate::harness::tokens;

const URL: &str = "/api/auth/login";

both! {
    sets_five_cookies_and_says_so,
    clears_no_access_cookie_of_another_installation,
    the_access_token_tells_what_a_service_beside_needs,
    the_last_login_is_remembered,
    upper_and_lower_case_of_the_email_are_the_same,
    whatever_is_wrong_the_answer_is_the_same,
    the_policy_for_new_passwords_is_not_asked,
    fields_are_read_strictly,
    the_sixth_attempt_in_a_minute_has_to_wait,
    one_of_a_hundred_at_once_is_not_more_than_five,
    a_right_password_is_right_however_many_log_in_at_once,
    a_new_login_of_the_same_browser_replaces_the_session,
    a_login_that_cannot_end_the_old_session_begins_none,
    a_failed_login_ends_nothing,
}

async fn sets_five_cookies_and_says_so(app: TestApp) {
    let browser = app.browser();
    browser.register("ann@example.com").await.is(201);
    let answer = browser.login("ann@example.com").await;
    let ages: Vec<_> = answer.cookies().into_iter().map(|cookie| (cookie.name.clone(), cookie.max_age())).collect();
    let ages: Vec<_> = ages.iter().map(|(name, age)| (name.as_str(), age.unwrap())).collect();
    assert_eq!(
        ages,
        [
            ("access_token", 3_600),
            ("session_hint", 604_800),
            ("refresh_token", 604_800),
            ("device", 400 * 86_400),
            ("recent_proof", 600)
        ]
    );
    assert_eq!(answer.ok(), json!({ "message": "Login successful" }));
}

/// A browser sends the cookies of a domain above to each host below it, and does not say whose they are.
async fn clears_no_access_cookie_of_another_installation(database: Database) {
    let app = TestApp::with(database, &[("SECURE_COOKIES", "on"), ("COOKIE_DOMAIN", "staging.example.com")]).await;
    let browser = app.register("ann@example.com").await;
    let ours = browser.login("ann@example.com").await.cookies()[0].value.clone();
    for (held, cleared) in [(ours, true), ("eyJhbGciOiJIUzI1NiJ9.e30.x".to_owned(), false)] {
        let login = app.browser().login("ann@example.com").header("host", "auth.staging.example.com");
        let answer = login.header("cookie", format!("__Secure-access_token={held}")).await;
        let clears = |cookie: &SetCookie| cookie.name == "__Secure-access_token" && cookie.max_age() == Some(0);
        assert_eq!(answer.cookies().iter().any(clears), cleared);
        answer.ok();
    }
}

async fn the_access_token_tells_what_a_service_beside_needs(app: TestApp) {
    let browser = app.register_and_login("ann@example.com").await;
    let token = browser.access_cookie();
    let claims = tokens::claims(&token);
    let now = app.clock.now().seconds();
    let names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 12, "{names:?}");
    assert_eq!(claims["iss"], "doorward");
    assert_eq!(claims["aud"], "doorward");
    assert_eq!(claims["sub"], "1");
    assert_eq!(claims["gen"], 1);
    assert_eq!(claims["client_id"], "doorward");
    // A little earlier: many verifiers refuse what was made a second ahead of their clock.
    assert_eq!((&claims["iat"], &claims["nbf"]), (&json!(now - 10), &json!(now - 10)));
    assert_eq!(claims["exp"], now + 3_600);
    assert_eq!((&claims["amr"], &claims["auth_time"]), (&json!(["pwd"]), &json!(now)));
    assert_eq!(claims["sid"].as_str().unwrap().len(), 22);
    assert_eq!(tokens::header(&token)["typ"], "at+jwt");
    assert_eq!(tokens::header(&token)["alg"], "HS256");
    assert!(tokens::header(&token)["kid"].is_string());
}

async fn the_last_login_is_remembered(app: TestApp) {
    let browser = app.register_and_login("ann@example.com").await;
    let first = app.clock.now().to_string();
    assert_eq!(browser.me().await.ok()["last_login"], first);
    app.clock.advance(seconds(90));
    browser.login("ann@example.com").await.ok();
    assert_eq!(browser.me().await.ok()["last_login"], app.clock.now().to_string());
}

async fn upper_and_lower_case_of_the_email_are_the_same(app: TestApp) {
    app.browser().register("ann@example.com").await.is(201);
    app.browser().login("ANN@Example.COM").await.ok();
}

async fn whatever_is_wrong_the_answer_is_the_same(app: TestApp) {
    app.browser().register("ann@example.com").await.is(201);
    app.browser().register("gone@example.com").await.is(201);
    app.disable("gone@example.com").await;
    let sessions = app.count("sessions").await;
    let long = format!("{}@example.com", "a".repeat(1_000));
    let mut answers = Vec::new();
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("ann@example.com", "WrongPass123"),
        ("ann@example.com", "securepass123"),
        ("ann@example.com", "SecurePass123 "),
        ("ann@example.com", "SecurePass12"),
        ("ann@example.com", "SecurePass123\u{0}"),
        ("ann@example.com", "SecurePass123\u{0}SecurePass123"),
        ("ann@example.com", ""),
        ("gone@example.com", PASSWORD),
        ("gone@example.com", "WrongPass123"),
        ("ann", PASSWORD),
        ("", ""),
        ("аnn@example.com", PASSWORD),
        ("ann@example.com\u{0}", PASSWORD),
        ("ann@example.com' OR '1'='1", PASSWORD),
        (&long, PASSWORD),
        ("ann@example.com", &"x".repeat(72)),
        ("ann@example.com", &"x".repeat(5_000)),
    ] {
        let answer = app.browser().login_with(email, password).await;
        assert_eq!(answer.status(), 401, "{email:?} with {password:?}");
        answers.push(told(&answer));
    }
    assert_eq!(answers[0].1["code"], "incorrect_credentials");
    assert_eq!(answers[0].1["detail"], "Incorrect email or password");
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(app.count("sessions").await, sessions);
}

async fn the_policy_for_new_passwords_is_not_asked(app: TestApp) {
    app.import("old@example.com", "abc").await;
    app.browser().login_with("old@example.com", "abc").await.ok();
}

async fn fields_are_read_strictly(app: TestApp) {
    let browser = app.browser();
    browser.post(URL).json(&json!({})).await.invalid(&[("email", "required"), ("password", "required")]);
    browser
        .post(URL)
        .json(&json!({ "email": 1, "password": null }))
        .await
        .invalid(&[("email", "type"), ("password", "type")]);
    let more = json!({ "email": "a@example.com", "password": "x", "remember_me": true });
    browser.post(URL).json(&more).await.invalid(&[("remember_me", "unknown")]);
}

async fn the_sixth_attempt_in_a_minute_has_to_wait(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "5/1m")]).await;
    let browser = app.register("ann@example.com").await;
    // Successes count too, and reset nothing.
    for number in 0..5 {
        let password = if number == 2 { PASSWORD } else { "WrongPass123" };
        let status = browser.login_with("ann@example.com", password).await.status();
        assert_eq!(status, if number == 2 { 200 } else { 401 });
        app.clock.advance(seconds(1));
    }
    let records = app.dump().await;
    for waited in 0..3 {
        let refused = browser.login("ann@example.com").await;
        assert_eq!(refused.retry_after(), 55 - waited, "refused attempts do not extend the wait");
        refused.refused("too_many_attempts");
        app.clock.advance(seconds(1));
    }
    assert_eq!(app.dump().await, records, "nothing is written");
    app.browser().login("ann@example.com").await.ok();
    app.clock.advance(seconds(52));
    browser.login("ann@example.com").await.ok();
    // The window slides: the next slot is free a second later, not a minute.
    let refused = browser.login("ann@example.com").await;
    assert_eq!(refused.retry_after(), 1);
    refused.refused("too_many_attempts");
}

async fn one_of_a_hundred_at_once_is_not_more_than_five(app: TestApp) {
    app.register("ann@example.com").await;
    let thief = app.browser();
    let calls = (0..100).map(|number| {
        let thief = thief.clone();
        tokio::spawn(async move { thief.login_with("ann@example.com", &format!("Guess{number}x")).await.status() })
    });
    let mut statuses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        statuses.push(call.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 95, "{statuses:?}");
}

/// The first of them to be done renews the hash, which was of another cost: the others have looked at the old one.
async fn a_right_password_is_right_however_many_log_in_at_once(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "off"), ("ACCOUNT_RATE_LIMIT", "off")]).await;
    for name in ["ann", "ben", "cid", "dan"] {
        let email = format!("{name}@example.com");
        app.put_account(&email, "$2b$05$N6IMZxJeZvCjaKJQ4py/JOfpGEeIfkouu.8vdaruKpzJ.WDI6Vb/K").await;
        let calls = (0..8).map(|_| {
            let (browser, email) = (app.browser(), email.clone());
            tokio::spawn(async move { browser.login(&email).await.status() })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap(), 200);
        }
        assert!(app.hash_of(&email).await.starts_with("$2b$04$"));
    }
}

async fn a_new_login_of_the_same_browser_replaces_the_session(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    let (access, refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    laptop.login("ann@example.com").await.ok();
    app.browser().me().bearer(&access).await.refused("session_revoked");
    app.refresh_with(&refresh).await.refused("session_revoked");
    laptop.me().await.ok();
    phone.me().await.ok();
}

async fn a_login_that_cannot_end_the_old_session_begins_none(database: Database) {
    let app = TestApp::start(database).await;
    app.register("bob@example.com").await;
    let laptop = app.register_and_login("ann@example.com").await;
    let (forbid, allow) = match database {
        Database::Sqlite => (
            "CREATE TRIGGER t BEFORE UPDATE OF ended_at ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END",
            "DROP TRIGGER t",
        ),
        Database::Postgres => {
            ("ALTER TABLE sessions ADD CONSTRAINT t CHECK (ended_at IS NULL)", "ALTER TABLE sessions DROP CONSTRAINT t")
        }
    };
    app.execute(forbid).await;
    let rows = app.dump().await;
    // Whether it is the same person's session or another's. By hand: no answer that the contract has tells of such a defect.
    for email in ["ann@example.com", "bob@example.com"] {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.insert("cookie", laptop.jar().header().unwrap().parse().unwrap());
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let answer = http1::send(app.address(), Method::POST, URL, headers, http1::whole(body)).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.headers.contains_key("set-cookie"));
        assert_eq!(app.dump().await, rows, "nothing is left behind");
    }
    laptop.me().await.ok();
    app.execute(allow).await;
    laptop.login("bob@example.com").await.ok();
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE ended_at IS NULL").await, 1);
}

async fn a_failed_login_ends_nothing(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    laptop.login_with("ann@example.com", "WrongPass123").await.refused("incorrect_credentials");
    laptop.me().await.ok();
    laptop.refresh().await.ok();
}

/// All that an answer tells, but what is different each time on purpose.
fn told(answer: &Answer) -> (Vec<(String, Vec<u8>)>, Value) {
    let headers = answer.0.headers.iter();
    let headers = headers.filter(|(name, _)| *name != "x-request-id" && *name != "date");
    (headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(), answer.json())
}
