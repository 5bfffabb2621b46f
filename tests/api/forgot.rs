//! POST /api/auth/password/forgot

use std::collections::HashSet;

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call};
use crate::harness::time::minutes;

const URL: &str = "/api/auth/password/forgot";
const NEW: &str = "EvenMoreSecure456";

both! {
    a_mailed_link_sets_a_password_and_confirms_the_address,
    nobody_learns_whether_an_account_has_an_address,
    asking_again_mails_the_same_link_and_voids_none,
    strangers_have_five_mails_a_day_sent_and_a_known_browser_has_its_own,
    one_address_asks_as_often_as_it_may_register,
    a_thousand_addresses_are_not_written_to_by_one_client_or_account,
    a_link_that_is_void_by_the_time_is_not_sent,
    without_a_mail_server_production_says_so,
    the_links_lead_where_the_settings_say,
}

fn forgot(browser: &Browser, email: &str) -> Call {
    browser.post(URL).json(&json!({ "email": email }))
}

fn reset(browser: &Browser, token: &str, new: &str) -> Call {
    browser.post("/api/auth/password/reset").json(&json!({ "token": token, "new_password": new }))
}

async fn a_mailed_link_sets_a_password_and_confirms_the_address(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    assert_eq!(ann.me().await.ok()["email_verified"], false);
    let somewhere = app.browser();
    let answer = forgot(&somewhere, "Ann@Example.com").await;
    assert!(answer.cookies().is_empty());
    answer.is(202);
    let mail = app.mail("ann@example.com").await;
    assert_eq!((mail.kind.as_str(), mail.header("Auto-Submitted")), ("reset", "auto-generated"));
    assert_eq!(mail.header("Subject"), "Set a new password for Doorward");
    reset(&somewhere, &mail.token(), NEW).await.ok();
    reset(&somewhere, &mail.token(), NEW).await.refused("invalid_or_expired_token");
    ann.me().await.refused("session_revoked");
    somewhere.login("ann@example.com").await.refused("incorrect_credentials");
    somewhere.login_with("ann@example.com", NEW).await.ok();
    assert_eq!(somewhere.me().await.ok()["email_verified"], true);
    let told: Vec<String> = app.mails("ann@example.com").await.into_iter().map(|mail| mail.kind).collect();
    assert_eq!(told, ["new_device", "password_reset"]);
    let id = app.id_of("ann@example.com").await;
    assert!(app.audit_of(id).await.contains(&"reset_requested".to_owned()));
}

/// The answer, the commits, and what is stored is counted; how long it takes is measured by `bench/timing`.
async fn nobody_learns_whether_an_account_has_an_address(database: Database) {
    let app = TestApp::with(database, &[("REGISTER_RATE_LIMIT", "off")]).await;
    app.register("ann@example.com").await;
    app.register("off@example.com").await;
    app.disable("off@example.com").await;
    let mut answers = Vec::new();
    let mut rows = Vec::new();
    let rounds = app.service().password.hashing.rounds_done();
    // The second for ann is one too many of the same link, the last ones are over her budget.
    let asked = ["ann@example.com", "nobody@example.com", "off@example.com", "ann@example.com", "nobody@example.com"];
    for email in asked.into_iter().chain(["ann@example.com"; 5]) {
        let before = (app.count("outbox").await, app.count("audit").await);
        let mut exchange = forgot(&app.browser(), email).await.0;
        for name in ["x-request-id", "date"] {
            exchange.headers.remove(name);
        }
        answers.push((exchange.status, exchange.headers, String::from_utf8(exchange.body).unwrap()));
        rows.push((app.count("outbox").await - before.0, app.count("audit").await - before.1));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert!(rows.iter().all(|added| *added == (1, 1)), "{rows:?}");
    assert_eq!(app.service().password.hashing.rounds_done(), rounds);
    assert_eq!(app.mails("ann@example.com").await.len(), 5);
    assert!(app.mails("nobody@example.com").await.is_empty() && app.mails("off@example.com").await.is_empty());
    let kept = "SELECT count(*) FROM outbox WHERE sent_to LIKE 'nobody%'";
    assert_eq!(app.number(kept).await, 0, "what strangers type is not kept");
    assert!(!app.dump().await.contains("nobody@example.com"));
    for odd in ["", "ann", "ann@localhost", "a b@example.com"] {
        forgot(&app.browser(), odd).await.invalid(&[("email", "invalid")]);
    }
}

async fn asking_again_mails_the_same_link_and_voids_none(app: TestApp) {
    app.register("ann@example.com").await;
    let mut tokens = HashSet::new();
    for _ in 0..3 {
        forgot(&app.browser(), "ann@example.com").await.is(202);
        tokens.insert(app.mail("ann@example.com").await.token());
        app.clock.advance(minutes(5));
    }
    assert_eq!(tokens.len(), 1, "a stranger who asks would void the owner's link");
    // Nor does it live longer for that: half an hour from when it was first asked for.
    app.clock.advance(minutes(12));
    forgot(&app.browser(), "ann@example.com").await.is(202);
    let newer = app.mail("ann@example.com").await.token();
    assert!(tokens.insert(newer.clone()), "what is nearly over is not worth mailing");
    app.clock.advance(minutes(10));
    let first = tokens.into_iter().find(|token| *token != newer).unwrap();
    reset(&app.browser(), &first, NEW).await.refused("invalid_or_expired_token");
    reset(&app.browser(), &newer, NEW).await.ok();
}

async fn strangers_have_five_mails_a_day_sent_and_a_known_browser_has_its_own(app: TestApp) {
    let home = app.register_and_login("ann@example.com").await;
    home.logout().await.ok();
    for _ in 0..1_000 {
        forgot(&app.browser(), "ann@example.com").await.is(202);
    }
    assert_eq!(app.mails("ann@example.com").await.len(), 5);
    // Her own browser, which has its device cookie.
    forgot(&home, "ann@example.com").await.is(202);
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
    app.clock.advance(minutes(24 * 60 + 1));
    forgot(&app.browser(), "ann@example.com").await.is(202);
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
}

async fn one_address_asks_as_often_as_it_may_register(app: TestApp) {
    let somebody = app.browser();
    for number in 0..5 {
        forgot(&somebody, &format!("person{number}@example.com")).await.is(202);
    }
    let answer = forgot(&somebody, "one.more@example.com").await;
    assert!((1..=60).contains(&answer.retry_after()));
    answer.refused("too_many_attempts");
    // Registering is another matter.
    somebody.register("ann@example.com").await.is(201);
}

async fn a_thousand_addresses_are_not_written_to_by_one_client_or_account(database: Database) {
    // So that what is asked for is a mail, whoever has the address.
    let app = TestApp::with(database, &[("EMAIL_VERIFICATION", "required")]).await;
    app.import("ann@example.com", crate::harness::browser::PASSWORD).await;
    let ann = app.browser();
    ann.login("ann@example.com").await.refused("email_not_verified");
    let token = app.mail("ann@example.com").await.token();
    let verify = json!({ "token": token, "new_password": NEW });
    ann.post("/api/auth/email/verify").json(&verify).await.ok();
    ann.login_with("ann@example.com", NEW).await.ok();
    let somebody = app.browser();
    let mut accepted = [0; 3];
    for number in 0..1_000 {
        let email = format!("person{number}@example.com");
        let change = json!({ "email": email, "current_password": NEW });
        let calls =
            [forgot(&somebody, &email), somebody.register(&email), ann.post("/api/auth/email/change").json(&change)];
        for (call, accepted) in calls.into_iter().zip(&mut accepted) {
            let answer = call.await;
            if answer.status() == 202 { *accepted += 1 } else { drop(answer.refused("too_many_attempts")) }
        }
    }
    assert_eq!(accepted, [5, 5, 5]);
    app.all_sent().await;
    // Of several changes the last counts: mails of the others may have come too late. And nobody has the addresses of `forgot`.
    let written = |outcomes: &str, kinds: &str| {
        format!("SELECT count(*) FROM outbox WHERE outcome IN ({outcomes}) AND kind IN ({kinds})")
    };
    assert_eq!(app.number(&written("'sent', 'dropped'", "'registration', 'email_change'")).await, 10);
    assert_eq!(app.number(&written("'nobody'", "'reset'")).await, 5);
}

async fn a_link_that_is_void_by_the_time_is_not_sent(database: Database) {
    // Nobody listens there: mails stay in the outbox.
    let away = [("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", "1"), ("SMTP_TLS", "none")];
    let app = TestApp::with(database, &away).await;
    let ann = app.register_and_login("ann@example.com").await;
    app.register("bob@example.com").await;
    for email in ["ann@example.com", "bob@example.com"] {
        forgot(&app.browser(), email).await.is(202);
    }
    let change = json!({ "current_password": crate::harness::browser::PASSWORD, "new_password": NEW });
    ann.post("/api/auth/password").json(&change).await.ok();
    app.clock.advance(minutes(31));
    let app = app.restart(&[]).await;
    app.until("SELECT count(*) FROM outbox WHERE kind = 'reset' AND outcome = 'dropped'", 2).await;
    let told: Vec<String> = app.mails("ann@example.com").await.into_iter().map(|mail| mail.kind).collect();
    assert_eq!(told, ["password_changed"]);
    assert!(app.mails("bob@example.com").await.is_empty());
}

async fn without_a_mail_server_production_says_so(database: Database) {
    let production =
        [("ENVIRONMENT", "production"), ("BCRYPT_COST", "12"), ("SECRET_KEY", "another-canary-key-of-the-tests-1b7d")];
    let app = TestApp::with(database, &production).await;
    forgot(&app.browser(), "ann@example.com").await.refused("mail_unavailable");
    assert_eq!(app.count("outbox").await, 0);
    // Doorward's own pages are for development.
    app.browser().get("/pages/reset").await.refused("not_found");
}

/// Neither a header nor a body decides where a link points.
async fn the_links_lead_where_the_settings_say(database: Database) {
    let page = ("RESET_URL", "https://app.example.com/reset?lang=en");
    let app = TestApp::with(database, &[page]).await;
    app.register("ann@example.com").await;
    let lured = forgot(&app.browser(), "ann@example.com")
        .header("x-forwarded-host", "evil.example")
        .header("host", "evil.example")
        .header("x-forwarded-proto", "gopher");
    lured.await.is(202);
    let mail = app.mail("ann@example.com").await;
    assert!(mail.link().unwrap().starts_with("https://app.example.com/reset?lang=en#token="), "{}", mail.text);
    assert!(!mail.text.contains("evil"));
    let app = app.restart(&[]).await;
    forgot(&app.browser(), "ann@example.com").await.is(202);
    let mail = app.mail("ann@example.com").await;
    let own = format!("http://{}/pages/reset#token=", app.address());
    assert!(mail.link().unwrap().starts_with(&own), "{}", mail.text);
    app.browser().get("/pages/reset").await.is(200);
}
