//! `EMAIL_VERIFICATION`, POST /api/auth/email/verification and POST /api/auth/email/verify

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::time::{hours, minutes};

const NEW: &str = "EvenMoreSecure456";
const ON: [(&str, &str); 1] = [("EMAIL_VERIFICATION", "on")];
const REQUIRED: [(&str, &str); 1] = [("EMAIL_VERIFICATION", "required")];

both! {
    a_session_of_the_account_confirms_its_address,
    without_a_session_the_link_takes_the_account_from_whoever_registered_it,
    where_it_is_required_nothing_tells_whether_an_address_has_an_account,
    where_it_is_required_the_link_makes_the_account_and_sets_its_password,
    an_account_from_before_is_asked_to_confirm_when_its_password_is_right,
    whoever_asks_again_gets_the_same_link_and_a_few_a_day,
}

fn verify(browser: &Browser, token: &str, new: Option<&str>) -> Call {
    browser.post("/api/auth/email/verify").json(&json!({ "token": token, "new_password": new }))
}

async fn kinds(app: &TestApp, to: &str) -> Vec<String> {
    app.mails(to).await.into_iter().map(|mail| mail.kind).collect()
}

async fn a_session_of_the_account_confirms_its_address(database: Database) {
    let app = TestApp::with(database, &ON).await;
    let ann = app.register("ann@example.com").await;
    let mail = app.mail("ann@example.com").await;
    assert_eq!((mail.kind.as_str(), mail.link().unwrap().contains("/pages/verify#token=")), ("verify", true));
    ann.login("ann@example.com").await.ok();
    // Somebody else's session is none of the account.
    let bob = app.register_and_login("bob@example.com").await;
    verify(&bob, &mail.token(), None).await.invalid(&[("new_password", "required")]);
    verify(&ann, &mail.token(), None).await.ok();
    assert_eq!(ann.me().await.ok()["email_verified"], true);
    verify(&ann, &mail.token(), None).await.refused("invalid_or_expired_token");
    app.browser().login("ann@example.com").await.ok();
    let id = app.id_of("ann@example.com").await;
    assert!(app.audit_of(id).await.contains(&"email_verified".to_owned()));
    ann.post("/api/auth/email/verification").await.is(202);
    assert!(!kinds(&app, "ann@example.com").await.contains(&"verify".to_owned()), "there is nothing to confirm");
}

async fn without_a_session_the_link_takes_the_account_from_whoever_registered_it(database: Database) {
    let app = TestApp::with(database, &ON).await;
    let thief = app.register("ann@example.com").await;
    thief.login("ann@example.com").await.ok();
    let token = app.mail("ann@example.com").await.token();
    let ann = app.browser();
    verify(&ann, &token, None).await.invalid(&[("new_password", "required")]);
    verify(&ann, &token, Some("short")).await.invalid(&[("new_password", "too_short"), ("new_password", "weak")]);
    verify(&ann, &token, Some(NEW)).await.ok();
    thief.me().await.refused("session_revoked");
    thief.login("ann@example.com").await.refused("incorrect_credentials");
    ann.login_with("ann@example.com", NEW).await.ok();
    assert_eq!(ann.me().await.ok()["email_verified"], true);
}

async fn where_it_is_required_nothing_tells_whether_an_address_has_an_account(database: Database) {
    let app = TestApp::with(database, &[REQUIRED[0], ("REGISTER_RATE_LIMIT", "off")]).await;
    app.import("ann@example.com", PASSWORD).await;
    let rounds = app.service().password.hashing.rounds_done();
    let mut answers = Vec::new();
    let mut rows = Vec::new();
    for email in ["ann@example.com", "free@example.com", "ann@example.com", "free@example.com"] {
        let counted = ["outbox", "audit", "one_time_tokens", "users"];
        let mut before = Vec::new();
        for table in counted {
            before.push(app.count(table).await);
        }
        let mut exchange = app.browser().register(email).await.0;
        for name in ["x-request-id", "date"] {
            exchange.headers.remove(name);
        }
        answers.push((exchange.status, exchange.headers, String::from_utf8(exchange.body).unwrap()));
        let mut added = Vec::new();
        for (table, before) in counted.iter().zip(before) {
            added.push(app.count(table).await - before);
        }
        rows.push(added);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(answers[0].0, 202);
    assert!(rows.iter().all(|added| *added == [1, 1, 1, 0]), "{rows:?}");
    assert_eq!(app.service().password.hashing.rounds_done(), rounds);
    assert_eq!(kinds(&app, "ann@example.com").await, ["address_taken", "address_taken"]);
    let mails = app.mails("free@example.com").await;
    assert_eq!(mails.len(), 2);
    // Until then nobody can log in, in the same words and with the same work.
    let before = app.service().password.hashing.rounds_done();
    app.browser().login("free@example.com").await.refused("incorrect_credentials");
    let free = app.service().password.hashing.rounds_done() - before;
    app.browser().login_with("ann@example.com", "WrongPass123").await.refused("incorrect_credentials");
    assert_eq!(app.service().password.hashing.rounds_done() - before, 2 * free);
    for _ in 0..20 {
        app.browser().register("free@example.com").await.is(202);
    }
    assert_eq!(kinds(&app, "free@example.com").await.len(), 3, "five in a day, with the two from above");
}

async fn where_it_is_required_the_link_makes_the_account_and_sets_its_password(database: Database) {
    let app = TestApp::with(database, &REQUIRED).await;
    let account = json!({ "email": "ann@example.com", "password": PASSWORD, "full_name": "Ann" });
    app.browser().post("/api/auth/register").json(&account).await.is(202);
    let mail = app.mail("ann@example.com").await;
    assert!(mail.kind == "registration" && !mail.text.contains("Ann"), "{}", mail.text);
    let ann = app.browser();
    verify(&ann, &mail.token(), None).await.invalid(&[("new_password", "required")]);
    verify(&ann, &mail.token(), Some(NEW)).await.ok();
    verify(&ann, &mail.token(), Some(NEW)).await.refused("invalid_or_expired_token");
    ann.login("ann@example.com").await.refused("incorrect_credentials");
    ann.login_with("ann@example.com", NEW).await.ok();
    let me = ann.me().await.ok();
    assert_eq!((&me["email_verified"], &me["full_name"]), (&json!(true), &json!("Ann")));
    // A second link to the same address is void once there is an account; one that is too old, too.
    app.browser().register("bob@example.com").await.is(202);
    app.browser().register("bob@example.com").await.is(202);
    let links = app.mails("bob@example.com").await;
    verify(&app.browser(), &links[1].token(), Some(NEW)).await.ok();
    verify(&app.browser(), &links[0].token(), Some(PASSWORD)).await.refused("invalid_or_expired_token");
    app.browser().register("eve@example.com").await.is(202);
    let late = app.mail("eve@example.com").await.token();
    app.clock.advance(hours(24) + minutes(1));
    verify(&app.browser(), &late, Some(NEW)).await.refused("invalid_or_expired_token");
}

async fn an_account_from_before_is_asked_to_confirm_when_its_password_is_right(database: Database) {
    let app = TestApp::with(database, &REQUIRED).await;
    app.import("ann@example.com", PASSWORD).await;
    let ann = app.browser();
    ann.login_with("ann@example.com", NEW).await.refused("incorrect_credentials");
    assert!(kinds(&app, "ann@example.com").await.is_empty());
    let answer = ann.login("ann@example.com").await;
    assert!(answer.cookies().is_empty());
    answer.refused("email_not_verified");
    let token = app.mail("ann@example.com").await.token();
    verify(&ann, &token, Some(NEW)).await.ok();
    ann.login_with("ann@example.com", NEW).await.ok();
}

async fn whoever_asks_again_gets_the_same_link_and_a_few_a_day(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    ann.post("/api/auth/email/verification").await.is(202);
    let first = app.mail("ann@example.com").await.token();
    for _ in 0..4 {
        ann.post("/api/auth/email/verification").await.is(202);
        assert_eq!(app.mail("ann@example.com").await.token(), first);
    }
    ann.post("/api/auth/email/verification").await.refused("too_many_attempts");
    verify(&ann, &first, None).await.ok();
}
