//! What people are told of what happens to their accounts; and POST /api/auth/not-me

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::time::{days, minutes};

const NEW: &str = "EvenMoreSecure456";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

both! {
    each_change_of_an_account_is_told_once_an_hour,
    a_login_from_a_new_browser_is_told_and_from_a_known_one_is_not,
    a_session_that_a_thief_had_is_told,
    somebody_else_with_the_account_is_thrown_out_by_the_one_who_reads_the_mail,
    whatever_the_token_the_answer_is_the_same,
    an_address_that_is_not_confirmed_gets_neither_a_link_nor_a_word_that_was_typed,
    a_notice_of_deletion_outlives_the_account_and_nothing_else_does,
}

fn change(browser: &Browser, old: &str, new: &str) -> Call {
    browser.post("/api/auth/password").json(&json!({ "current_password": old, "new_password": new }))
}

fn not_me(browser: &Browser, token: &str) -> Call {
    browser.post("/api/auth/not-me").json(&json!({ "token": token }))
}

async fn kinds(app: &TestApp, to: &str) -> Vec<String> {
    app.mails(to).await.into_iter().map(|mail| mail.kind).collect()
}

/// Somebody whose address is confirmed: by a link that was mailed.
async fn confirmed(app: &TestApp, email: &str, name: &str) -> Browser {
    let browser = app.browser();
    let account = json!({ "email": email, "password": PASSWORD, "full_name": name });
    browser.post("/api/auth/register").json(&account).await.is(201);
    browser.post("/api/auth/password/forgot").json(&json!({ "email": email })).await.is(202);
    let token = app.mail(email).await.token();
    let reset = json!({ "token": token, "new_password": PASSWORD });
    browser.post("/api/auth/password/reset").json(&reset).await.ok();
    browser.login(email).await.ok();
    app.mails(email).await;
    browser
}

async fn each_change_of_an_account_is_told_once_an_hour(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    change(&ann, PASSWORD, NEW).await.ok();
    change(&ann, NEW, PASSWORD).await.ok();
    assert_eq!(kinds(&app, "ann@example.com").await, ["password_changed"]);
    app.clock.advance(minutes(61));
    ann.refresh().await.ok();
    change(&ann, PASSWORD, NEW).await.ok();
    assert_eq!(kinds(&app, "ann@example.com").await, ["password_changed"]);
    let token = app.reset_token("ann@example.com").await;
    let reset = json!({ "token": token, "new_password": PASSWORD });
    app.browser().post("/api/auth/password/reset").json(&reset).await.ok();
    assert_eq!(kinds(&app, "ann@example.com").await, ["password_reset"]);
}

async fn a_login_from_a_new_browser_is_told_and_from_a_known_one_is_not(app: TestApp) {
    let home = app.register_and_login("ann@example.com").await;
    home.logout().await.ok();
    home.login("ann@example.com").await.ok();
    assert!(
        kinds(&app, "ann@example.com").await.is_empty(),
        "neither the first of all, nor a browser that was there before"
    );
    for _ in 0..7 {
        app.browser().login("ann@example.com").await.ok();
    }
    assert_eq!(kinds(&app, "ann@example.com").await, ["new_device"; 5]);
    app.browser().login_with("ann@example.com", NEW).await.refused("incorrect_credentials");
    app.clock.advance(days(1) + minutes(1));
    assert!(kinds(&app, "ann@example.com").await.is_empty());
    app.browser().login("ann@example.com").await.ok();
    assert_eq!(kinds(&app, "ann@example.com").await, ["new_device"]);
}

async fn a_session_that_a_thief_had_is_told(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    let stolen = ann.refresh_cookie();
    ann.refresh().await.ok();
    app.clock.advance(minutes(2));
    ann.refresh().await.ok();
    app.clock.advance(minutes(2));
    app.refresh_with(&stolen).await.refused("session_reuse_detected");
    assert_eq!(kinds(&app, "ann@example.com").await, ["session_reuse"]);
}

async fn somebody_else_with_the_account_is_thrown_out_by_the_one_who_reads_the_mail(app: TestApp) {
    let home = confirmed(&app, "ann@example.com", "Ann").await;
    let thief = app.browser();
    let login = json!({ "email": "ann@example.com", "password": PASSWORD });
    thief.post("/api/auth/login").json(&login).header("user-agent", FIREFOX).await.ok();
    let mail = app.mail("ann@example.com").await;
    assert!(mail.text.contains("Hello Ann,"), "{}", mail.text);
    assert!(mail.text.contains("It was Firefox on Linux, from 198.18."), "{}", mail.text);
    let token = mail.token();
    let answer = not_me(&app.browser(), &token).await;
    assert!(answer.cookies().is_empty());
    let said = answer.is(202);
    thief.me().await.refused("session_revoked");
    home.me().await.refused("session_revoked");
    let link = app.mail("ann@example.com").await;
    assert_eq!(link.kind, "reset");
    // It works once.
    assert_eq!(not_me(&app.browser(), &token).await.is(202), said);
    assert!(kinds(&app, "ann@example.com").await.is_empty());
    let reset = json!({ "token": link.token(), "new_password": NEW });
    home.post("/api/auth/password/reset").json(&reset).await.ok();
    thief.login("ann@example.com").await.refused("incorrect_credentials");
    home.login_with("ann@example.com", NEW).await.ok();
    let id = app.id_of("ann@example.com").await;
    assert!(app.audit_of(id).await.contains(&"not_me".to_owned()));
}

async fn whatever_the_token_the_answer_is_the_same(app: TestApp) {
    confirmed(&app, "ann@example.com", "Ann").await;
    app.browser().login("ann@example.com").await.ok();
    let expired = app.mail("ann@example.com").await.token();
    app.clock.advance(days(7) + minutes(1));
    app.browser().login("ann@example.com").await.ok();
    let good = app.mail("ann@example.com").await.token();
    app.browser().post("/api/auth/password/forgot").json(&json!({ "email": "ann@example.com" })).await.is(202);
    let reset = app.mail("ann@example.com").await.token();
    let mut answers = Vec::new();
    for token in [&expired, &reset, &"A".repeat(43), "", "nonsense", &good, &good] {
        answers.push(not_me(&app.browser(), token).await.is(202));
        if *token != good {
            assert!(kinds(&app, "ann@example.com").await.is_empty(), "{token}");
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(kinds(&app, "ann@example.com").await, ["reset"]);
}

async fn an_address_that_is_not_confirmed_gets_neither_a_link_nor_a_word_that_was_typed(app: TestApp) {
    let spammer = app.browser();
    let letter = "Your prize awaits";
    let account = json!({ "email": "victim@example.com", "password": PASSWORD, "full_name": letter });
    spammer.post("/api/auth/register").json(&account).header("user-agent", FIREFOX).await.is(201);
    spammer.login("victim@example.com").await.ok();
    let login = json!({ "email": "victim@example.com", "password": PASSWORD });
    app.browser().post("/api/auth/login").json(&login).header("user-agent", FIREFOX).await.ok();
    change(&spammer, PASSWORD, NEW).header("user-agent", FIREFOX).await.ok();
    spammer.post("/api/auth/password/forgot").json(&json!({ "email": "victim@example.com" })).await.is(202);
    let mails = app.mails("victim@example.com").await;
    assert_eq!(mails.len(), 3);
    for mail in mails {
        for typed in [letter, "prize", "Firefox", "198.18.", "spammer"] {
            assert!(!mail.text.contains(typed), "{typed} in {}", mail.text);
        }
        assert_eq!(mail.link().is_some(), mail.kind == "reset", "{}", mail.text);
    }
}

async fn a_notice_of_deletion_outlives_the_account_and_nothing_else_does(app: TestApp) {
    let ann = confirmed(&app, "ann@example.com", "Ann").await;
    app.browser().login("ann@example.com").await.ok();
    let id = app.id_of("ann@example.com").await;
    ann.call(http::Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD })).await.is(204);
    assert!(kinds(&app, "ann@example.com").await.contains(&"account_deleted".to_owned()));
    assert_eq!(app.number(&format!("SELECT count(*) FROM outbox WHERE user_id = {id}")).await, 1);
    let dump = app.dump().await;
    assert!(!dump.contains("ann@example.com"), "{dump}");
}
