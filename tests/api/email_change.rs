//! POST /api/auth/email/change, /email/change/confirm and /email/restore

use doorward::domain::account::Email;
use doorward::service::Client;
use doorward::service::operator::{self, Changed};
use serde_json::{Value, json};

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::time::{days, minutes};

const NEW: &str = "EvenMoreSecure456";

both! {
    an_address_changes_when_the_new_one_confirms_it_in_a_session_of_the_account,
    nobody_learns_whether_the_new_address_has_an_account,
    whoever_is_faster_has_the_address,
    a_change_under_way_dies_with_the_password_and_with_not_me,
    the_reader_of_the_old_address_takes_back_what_a_thief_has_changed,
    an_address_that_was_not_confirmed_has_no_way_back,
    a_left_address_is_reserved_and_a_mail_there_says_why,
    an_account_with_a_way_back_is_deleted_when_that_is_over,
    a_way_back_calls_a_deletion_off,
    what_an_operator_sets_has_no_way_back_and_is_not_confirmed_by_that,
    mails_links_and_left_addresses_are_exported_and_erased_with_the_account,
}

fn change(browser: &Browser, email: &str, password: &str) -> Call {
    browser.post("/api/auth/email/change").json(&json!({ "email": email, "current_password": password }))
}

fn confirm(browser: &Browser, token: &str) -> Call {
    browser.post("/api/auth/email/change/confirm").json(&json!({ "token": token }))
}

fn restore(browser: &Browser, token: &str, new: &str) -> Call {
    browser.post("/api/auth/email/restore").json(&json!({ "token": token, "new_password": new }))
}

fn leave(browser: &Browser) -> Call {
    browser.call(http::Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD }))
}

async fn kinds(app: &TestApp, to: &str) -> Vec<String> {
    app.mails(to).await.into_iter().map(|mail| mail.kind).collect()
}

/// Somebody who is logged in, and whose address is confirmed.
async fn confirmed(app: &TestApp, email: &str) -> Browser {
    let browser = app.register_and_login(email).await;
    browser.post("/api/auth/email/verification").await.is(202);
    let token = app.mail(email).await.token();
    browser.post("/api/auth/email/verify").json(&json!({ "token": token })).await.ok();
    browser
}

/// Changes the address; returns the person, and the token of the way back.
async fn changed(app: &TestApp, browser: &Browser, from: &str, to: &str) -> (Value, String) {
    change(browser, to, PASSWORD).await.is(202);
    let token = app.mail(to).await.token();
    assert_eq!(kinds(app, from).await, ["email_changing"]);
    let user = confirm(browser, &token).await.ok();
    let notice = app.mail(from).await;
    assert_eq!(notice.kind, "email_changed");
    assert!(notice.link().unwrap().contains("#restore="), "{}", notice.text);
    (user, notice.token())
}

async fn an_address_changes_when_the_new_one_confirms_it_in_a_session_of_the_account(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    change(&ann, "new@example.com", NEW).await.refused("incorrect_current_password");
    change(&ann, "Ann@example.com", PASSWORD).await.invalid(&[("email", "invalid")]);
    change(&ann, "new@example.com", PASSWORD).await.is(202);
    let mail = app.mail("new@example.com").await;
    assert!(mail.kind == "email_change" && !mail.text.contains("ann"), "{}", mail.text);
    assert_eq!(ann.me().await.ok()["email"], "ann@example.com");
    app.browser()
        .post("/api/auth/email/change/confirm")
        .json(&json!({ "token": mail.token() }))
        .await
        .refused("not_authenticated");
    let bob = app.register_and_login("bob@example.com").await;
    confirm(&bob, &mail.token()).await.refused("invalid_or_expired_token");
    let reset = app.reset_token("ann@example.com").await;
    let user = confirm(&ann, &mail.token()).await.ok();
    assert_eq!((&user["email"], &user["email_verified"]), (&json!("new@example.com"), &json!(true)));
    assert_eq!(ann.me().await.ok(), user, "the session goes on");
    confirm(&ann, &mail.token()).await.refused("invalid_or_expired_token");
    let reset = json!({ "token": reset, "new_password": NEW });
    app.browser().post("/api/auth/password/reset").json(&reset).await.refused("invalid_or_expired_token");
    app.browser().login("ann@example.com").await.refused("incorrect_credentials");
    app.browser().login("new@example.com").await.ok();
    let id = app.id_of("new@example.com").await;
    let audit = app.audit_of(id).await;
    assert!(
        audit.contains(&"email_change_asked".to_owned()) && audit.contains(&"email_changed".to_owned()),
        "{audit:?}"
    );
}

async fn nobody_learns_whether_the_new_address_has_an_account(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    app.register("taken@example.com").await;
    let mut seen = Vec::new();
    for email in ["free@example.com", "taken@example.com"] {
        let before = (app.count("outbox").await, app.count("one_time_tokens").await);
        let rounds = app.service().password.hashing.rounds_done();
        let answer = change(&ann, email, PASSWORD).await.is(202);
        let rounds = app.service().password.hashing.rounds_done() - rounds;
        // The next request voids the link of this one: sent first, it is there to be seen.
        app.all_sent().await;
        seen.push((answer, app.count("outbox").await - before.0, rounds));
        app.clock.advance(minutes(61));
        ann.refresh().await.ok();
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(kinds(&app, "taken@example.com").await, ["address_taken"]);
    assert_eq!(kinds(&app, "free@example.com").await, ["email_change"]);
}

async fn whoever_is_faster_has_the_address(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    change(&ann, "wanted@example.com", PASSWORD).await.is(202);
    let token = app.mail("wanted@example.com").await.token();
    app.register("wanted@example.com").await;
    confirm(&ann, &token).await.refused("email_unavailable");
    assert_eq!(ann.me().await.ok()["email"], "ann@example.com");
}

async fn a_change_under_way_dies_with_the_password_and_with_not_me(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    change(&ann, "thief@example.com", PASSWORD).await.is(202);
    let first = app.mail("thief@example.com").await.token();
    let notice = app.mail("ann@example.com").await;
    let new = json!({ "current_password": PASSWORD, "new_password": NEW });
    ann.post("/api/auth/password").json(&new).await.ok();
    confirm(&ann, &first).await.refused("invalid_or_expired_token");
    change(&ann, "thief@example.com", NEW).await.is(202);
    let second = app.mail("thief@example.com").await.token();
    app.browser().post("/api/auth/not-me").json(&json!({ "token": notice.token() })).await.is(202);
    ann.login_with("ann@example.com", NEW).await.ok();
    confirm(&ann, &second).await.refused("invalid_or_expired_token");
}

async fn the_reader_of_the_old_address_takes_back_what_a_thief_has_changed(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    let thief = app.browser();
    thief.login("ann@example.com").await.ok();
    assert_eq!(kinds(&app, "ann@example.com").await, ["new_device"]);
    let (_, way_back) = changed(&app, &thief, "ann@example.com", "thief@example.com").await;
    let new = json!({ "current_password": PASSWORD, "new_password": NEW });
    thief.post("/api/auth/password").json(&new).await.ok();
    // And once more, which gives the thief a way back too.
    app.clock.advance(minutes(61));
    thief.refresh().await.ok();
    change(&thief, "other@example.com", NEW).await.is(202);
    let token = app.mail("other@example.com").await.token();
    confirm(&thief, &token).await.ok();
    let mails = app.mails("thief@example.com").await;
    let theirs = mails.iter().find(|mail| mail.kind == "email_changed").unwrap().token();
    ann.me().await.refused("session_revoked");
    restore(&ann, &way_back, "short").await.invalid(&[("new_password", "too_short"), ("new_password", "weak")]);
    restore(&ann, &way_back, "AnnsOwnAgain789").await.ok();
    thief.me().await.refused("session_revoked");
    restore(&thief, &theirs, NEW).await.refused("invalid_or_expired_token");
    restore(&ann, &way_back, NEW).await.refused("invalid_or_expired_token");
    for email in ["thief@example.com", "other@example.com"] {
        app.browser().login_with(email, NEW).await.refused("incorrect_credentials");
    }
    ann.login_with("ann@example.com", "AnnsOwnAgain789").await.ok();
    let me = ann.me().await.ok();
    assert_eq!((&me["email"], &me["email_verified"]), (&json!("ann@example.com"), &json!(true)));
}

async fn an_address_that_was_not_confirmed_has_no_way_back(app: TestApp) {
    let ann = app.register_and_login("somebody.elses@example.com").await;
    change(&ann, "ann@example.com", PASSWORD).await.is(202);
    let token = app.mail("ann@example.com").await.token();
    confirm(&ann, &token).await.ok();
    for mail in app.mails("somebody.elses@example.com").await {
        assert_eq!(mail.link(), None, "{}", mail.text);
    }
}

async fn a_left_address_is_reserved_and_a_mail_there_says_why(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    changed(&app, &ann, "ann@example.com", "new@example.com").await;
    app.browser().register("ann@example.com").await.refused("email_unavailable");
    app.browser().post("/api/auth/password/forgot").json(&json!({ "email": "ann@example.com" })).await.is(202);
    let mail = app.mail("ann@example.com").await;
    assert!(mail.kind == "address_left" && mail.link().is_none(), "{}", mail.text);
    assert!(mail.text.contains("2031-05-06") && !mail.text.contains("new@"), "{}", mail.text);
    app.clock.advance(days(30) + minutes(1));
    app.browser().register("ann@example.com").await.is(201);
}

async fn an_account_with_a_way_back_is_deleted_when_that_is_over(database: Database) {
    let app = TestApp::with(database, &[]).await;
    let ann = confirmed(&app, "ann@example.com").await;
    let (_, way_back) = changed(&app, &ann, "ann@example.com", "new@example.com").await;
    leave(&ann).await.is(204);
    ann.me().await.refused("not_authenticated");
    app.browser().login("new@example.com").await.refused("incorrect_credentials");
    assert_eq!(kinds(&app, "new@example.com").await, ["deletion_planned"]);
    app.clock.advance(days(7) + minutes(1));
    let service = app.service();
    doorward::service::maintenance::purge(&service, days(90), app.clock.now()).await.unwrap();
    assert_eq!(app.number("SELECT count(*) FROM users").await, 0);
    assert_eq!(kinds(&app, "new@example.com").await, ["account_deleted"]);
    restore(&app.browser(), &way_back, NEW).await.refused("invalid_or_expired_token");
    assert_eq!(app.count("left_addresses").await, 0);
}

async fn a_way_back_calls_a_deletion_off(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    let thief = app.browser();
    thief.login("ann@example.com").await.ok();
    app.mails("ann@example.com").await;
    let (_, way_back) = changed(&app, &thief, "ann@example.com", "thief@example.com").await;
    leave(&thief).await.is(204);
    restore(&ann, &way_back, NEW).await.ok();
    app.clock.advance(days(8));
    doorward::service::maintenance::purge(&app.service(), days(90), app.clock.now()).await.unwrap();
    ann.login_with("ann@example.com", NEW).await.ok();
}

async fn what_an_operator_sets_has_no_way_back_and_is_not_confirmed_by_that(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    app.register("taken@example.com").await;
    let (service, id, operator) = (app.service(), app.id_of("ann@example.com").await, Client::operator());
    let set =
        async |email: &str| operator::set_email(&service, id, Email::parse(email).unwrap(), &operator).await.unwrap();
    assert_eq!(set("taken@example.com").await, Changed::Taken);
    assert_eq!(set("new@example.com").await, Changed::Done);
    let told = app.mail("ann@example.com").await;
    assert!(told.kind == "email_changed" && told.link().is_none(), "{}", told.text);
    ann.login("ann@example.com").await.refused("incorrect_credentials");
    ann.login("new@example.com").await.ok();
    assert_eq!(ann.me().await.ok()["email_verified"], false);
    let link = app.mails("new@example.com").await.into_iter().find(|mail| mail.kind == "verify").unwrap();
    assert_eq!(operator::confirm_email(&service, id, &operator).await.unwrap(), Changed::Done);
    app.clock.advance(minutes(2));
    ann.refresh().await.ok();
    assert_eq!(ann.me().await.ok()["email_verified"], true);
    // Nothing is lost by the link of before.
    ann.post("/api/auth/email/verify").json(&json!({ "token": link.token() })).await.ok();
    let audit = app.audit_of(id).await;
    assert!(audit.contains(&"email_changed operator".to_owned()), "{audit:?}");
    assert!(audit.contains(&"email_verified operator".to_owned()), "{audit:?}");
}

/// Each table of mail, by what it has of somebody. What tells of the deletion goes out, and names nobody any more.
async fn mails_links_and_left_addresses_are_exported_and_erased_with_the_account(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com").await;
    let (_, way_back) = changed(&app, &ann, "ann@example.com", "new@example.com").await;
    let answer = ann.get("/api/auth/me/export").await;
    let raw = String::from_utf8(answer.0.body.clone()).unwrap();
    let export = answer.ok();
    let words = |list: &str, word: &str| -> Vec<String> {
        let all = export[list].as_array().unwrap().iter();
        let mut words: Vec<_> = all.map(|one| one[word].as_str().unwrap_or("-").to_owned()).collect();
        words.sort();
        words
    };
    assert_eq!(words("mails", "kind"), ["email_change", "email_changed", "email_changing", "verify"]);
    assert_eq!(words("mails", "outcome"), ["sent"; 4]);
    assert_eq!(words("links", "purpose"), ["email_change", "not_me", "verify", "way_back"]);
    assert_eq!(words("left_addresses", "email"), ["ann@example.com"]);
    for column in ["hash", "seed"] {
        let query = format!("SELECT {column} FROM one_time_tokens WHERE {column} IS NOT NULL");
        let stored = app.number(&format!("SELECT count(*) FROM ({query}) AS stored")).await;
        assert!(stored > 0, "{column}");
    }
    assert!(!raw.contains(&way_back), "{raw}");
    let id = app.id_of("new@example.com").await;
    operator::erase(&app.service(), id, &Client::operator(), true).await.unwrap();
    let dump = app.dump().await;
    assert!(!dump.contains("@example.com"), "{dump}");
    assert_eq!((app.count("one_time_tokens").await, app.count("left_addresses").await), (0, 0));
    let kept = format!("SELECT count(*) FROM outbox WHERE user_id = {id} AND kind <> 'account_deleted'");
    assert_eq!(app.number(&kept).await, 0);
}
