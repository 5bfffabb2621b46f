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
    an_address_that_was_mistyped_is_corrected_with_the_password_until_one_is_confirmed,
    a_correction_dies_when_the_address_that_is_was_confirmed_or_the_new_one_taken,
    who_leaves_leaves_nothing_of_what_made_the_account,
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

async fn who_leaves_leaves_nothing_of_what_made_the_account(database: Database) {
    let app = TestApp::with(database, &REQUIRED).await;
    let ann = app.browser();
    for _ in 0..2 {
        ann.register("ann@example.com").await.is(202);
    }
    verify(&ann, &app.mails("ann@example.com").await[0].token(), Some(NEW)).await.ok();
    ann.login_with("ann@example.com", NEW).await.ok();
    ann.call(http::Method::DELETE, "/api/auth/me").json(&json!({ "password": NEW })).await.is(204);
    let dump = app.dump().await;
    assert!(!dump.contains("ann@example.com"), "{dump}");
}

/// The address that an imported account has, or that an operator has typed, may be one whose mail its person does not read.
async fn an_address_that_was_mistyped_is_corrected_with_the_password_until_one_is_confirmed(database: Database) {
    let app = TestApp::with(database, &[REQUIRED[0], ("LOGIN_RATE_LIMIT", "off")]).await;
    app.import("ann@example.con", PASSWORD).await;
    app.import("taken@example.com", PASSWORD).await;
    let ann = app.browser();
    let correct = |browser: &Browser, new: &str, password: &str| {
        let correction = json!({ "email": "ann@example.con", "password": password, "new_email": new });
        browser.post("/api/auth/email/correct").json(&correction)
    };
    correct(&ann, "ann@example.com", NEW).await.refused("incorrect_credentials");
    correct(&ann, "ann(at)example.com", PASSWORD).await.invalid(&[("new_email", "invalid")]);
    assert!(kinds(&app, "ann@example.com").await.is_empty());
    // Whether the address has an account is not told.
    let answer = correct(&ann, "taken@example.com", PASSWORD).await;
    assert!(answer.cookies().is_empty());
    let said = answer.is(202);
    assert_eq!(correct(&ann, "ann@example.com", PASSWORD).await.is(202), said);
    assert_eq!(kinds(&app, "taken@example.com").await, ["address_taken"]);
    // Whoever reads the mail of the address that is hears of it, and nothing that anybody has typed.
    let notices = app.mails("ann@example.con").await;
    assert_eq!(notices.iter().map(|mail| mail.kind.as_str()).collect::<Vec<_>>(), ["email_changing"]);
    assert!(notices[0].link().is_none() && !notices[0].text.contains("ann@example.com"), "{}", notices[0].text);
    let mail = app.mail("ann@example.com").await;
    assert!(mail.kind == "verify" && !mail.text.contains("example.con"), "{}", mail.text);
    ann.login("ann@example.con").await.refused("email_not_verified");
    verify(&ann, &mail.token(), None).await.invalid(&[("new_password", "required")]);
    verify(&ann, &mail.token(), Some("Ann@example.com1")).await.ok();
    verify(&ann, &mail.token(), Some(NEW)).await.refused("invalid_or_expired_token");
    ann.login("ann@example.con").await.refused("incorrect_credentials");
    ann.login_with("ann@example.com", "Ann@example.com1").await.ok();
    assert_eq!(ann.me().await.ok()["email_verified"], true);
    let id = app.id_of("ann@example.com").await;
    let audit = app.audit_of(id).await;
    for event in ["email_change_asked", "email_changed", "email_verified"] {
        assert!(audit.contains(&event.to_owned()), "{audit:?}");
    }
    // From now on it changes in a session.
    let again = json!({ "email": "ann@example.com", "password": "Ann@example.com1", "new_email": "other@example.com" });
    ann.post("/api/auth/email/correct").json(&again).await.refused("incorrect_credentials");
    assert!(kinds(&app, "other@example.com").await.is_empty());
}

async fn a_correction_dies_when_the_address_that_is_was_confirmed_or_the_new_one_taken(database: Database) {
    let app =
        TestApp::with(database, &[REQUIRED[0], ("REGISTER_RATE_LIMIT", "off"), ("LOGIN_RATE_LIMIT", "off")]).await;
    let mut links = Vec::new();
    for name in ["ann", "bob"] {
        let email = format!("{name}@example.com");
        app.import(&email, PASSWORD).await;
        let correction = json!({ "email": email, "password": PASSWORD, "new_email": format!("{name}@thief.example") });
        app.browser().post("/api/auth/email/correct").json(&correction).await.is(202);
        links.push(app.mail(&format!("{name}@thief.example")).await.token());
    }
    let thief = app.browser();
    // Its owner resets the password, which shows that they read the mail.
    thief.post("/api/auth/password/forgot").json(&json!({ "email": "ann@example.com" })).await.is(202);
    let mails = app.mails("ann@example.com").await;
    let link = mails.iter().find(|mail| mail.kind == "reset").unwrap();
    let reset = json!({ "token": link.token(), "new_password": NEW });
    thief.post("/api/auth/password/reset").json(&reset).await.ok();
    verify(&thief, &links[0], Some(PASSWORD)).await.refused("invalid_or_expired_token");
    app.import("bob@thief.example", PASSWORD).await;
    verify(&thief, &links[1], Some(NEW)).await.refused("invalid_or_expired_token");
    thief.login_with("ann@example.com", NEW).await.ok();
    thief.login("bob@example.com").await.refused("email_not_verified");
    // A few a day, of those who know the password.
    let mut accepted = 0;
    for number in 0..20 {
        let new = format!("person{number}@example.com");
        let correction = json!({ "email": "bob@example.com", "password": PASSWORD, "new_email": new });
        accepted += u32::from(app.browser().post("/api/auth/email/correct").json(&correction).await.status() == 202);
    }
    assert_eq!(accepted, 4, "five in a day, with the one from above");
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
