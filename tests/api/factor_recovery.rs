//! `FACTOR_RECOVERY`: factors that are lost, removed without an operator, after a wait.

use serde_json::json;

use crate::harness::answer::Answer;
use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, PASSWORD};
use crate::harness::mail::Mail;
use crate::harness::operations::Operation;
use crate::harness::time::{days, just_before, minutes};
use doorward::service::{Client, operator};

const ANN: &str = "ann@example.com";
const WAIT: [(&str, &str); 1] = [("FACTOR_RECOVERY", "72h")];

both! {
    whoever_has_lost_everything_waits_and_begins_anew,
    the_links_in_the_mails_stop_it,
    any_login_with_a_factor_stops_it,
    other_credentials_make_it_void,
    operators_do_it_where_it_is_not_for_everybody,
    of_two_uses_of_the_last_link_one_works,
    what_is_under_way_is_exported_and_erased_with_the_account,
}

async fn follow(browser: &Browser, token: &str) -> Answer {
    browser.post("/api/auth/factor-recovery").json(&json!({ "token": token })).await
}

impl TestApp {
    /// The next mail of this kind, of which there have been so many then.
    async fn told(&self, kind: &str, count: i64) -> Mail {
        self.service().mail.wake();
        self.until(&format!("SELECT count(*) FROM outbox WHERE kind = '{kind}'"), count).await;
        let mut mails = self.mails(ANN).await;
        mails.retain(|mail| mail.kind == kind);
        mails.pop().unwrap_or_else(|| panic!("no mail of {kind}"))
    }

    /// Nobody waits any more: whoever was to be told was looked at.
    async fn nobody_waits(&self) {
        self.service().mail.wake();
        self.until("SELECT count(*) FROM factor_recoveries", 0).await;
        let kinds: Vec<_> = self.mails(ANN).await.into_iter().map(|mail| mail.kind).collect();
        assert!(!kinds.contains(&"factor_recovery_ready".to_owned()), "{kinds:?}");
    }

    async fn confirmed(&self) {
        let (service, me) = (self.service(), Client::operator());
        operator::confirm_email(&service, self.id_of(ANN).await, &me).await.expect("a database");
    }
}

/// Somebody has proved the password, and followed the first link: the wait has begun. The mail that tells it.
async fn begin(app: &TestApp, browser: &Browser) -> Mail {
    app.mails(ANN).await;
    browser.half_login(ANN).await;
    browser.post("/api/auth/login/recovery").await.is(202);
    let link = app.mail(ANN).await;
    assert_eq!(link.kind, "factor_recovery");
    follow(browser, &link.token()).await.ok();
    let told = app.mail(ANN).await;
    assert_eq!(told.kind, "factor_recovery_started");
    told
}

async fn whoever_has_lost_everything_waits_and_begins_anew(database: Database) {
    let app = TestApp::with(database, &WAIT).await;
    let (laptop, authenticator, codes) = app.with_app(ANN).await;
    app.confirmed().await;
    app.mails(ANN).await;
    let lost = app.browser();
    lost.post("/api/auth/login/recovery").await.refused("login_ticket_expired");
    lost.half_login(ANN).await;
    lost.post("/api/auth/login/recovery").await.is(202);
    let start = app.mail(ANN).await;
    assert!(start.link().unwrap().contains("/pages/factor-recovery#start="), "{}", start.text);
    assert_eq!(app.count("factor_recoveries").await, 0, "nothing begins by itself");
    let started = follow(&lost, &start.token()).await.ok();
    let due = (app.clock.now() + days(3)).to_string();
    assert_eq!((&started["state"], &started["due_at"]), (&json!("waiting"), &json!(due)));
    follow(&lost, &start.token()).await.refused("invalid_or_expired_token");
    let told = app.mail(ANN).await;
    assert_eq!(told.kind, "factor_recovery_started");
    assert!(told.text.contains(&due[..10]) && told.link().unwrap().contains("#cancel="), "{}", told.text);
    // Whoever asks again waits no longer, and no less.
    app.clock.advance(minutes(10));
    lost.half_login(ANN).await;
    lost.post("/api/auth/login/recovery").await.is(202);
    let again = app.told("factor_recovery", 2).await.token();
    assert_eq!(follow(&lost, &again).await.ok()["due_at"], json!(due));
    for day in 2..=3 {
        app.clock.advance(days(1));
        app.told("factor_recovery_started", day).await;
    }
    // Until the end nothing is removed, and the factor is asked for.
    lost.half_login(ANN).await;
    app.clock.advance(just_before(days(1)));
    let ready = app.told("factor_recovery_ready", 1).await;
    assert!(ready.link().unwrap().contains("#remove="), "{}", ready.text);
    lost.half_login(ANN).await;
    let removed = follow(&lost, &ready.token()).await.ok();
    assert_eq!((&removed["state"], &removed["due_at"]), (&json!("removed"), &json!(null)));
    follow(&lost, &ready.token()).await.refused("invalid_or_expired_token");
    assert_eq!(app.told("factor_removed", 1).await.kind, "factor_removed");
    laptop.refresh().await.refused("session_revoked");
    lost.login(ANN).await.ok();
    assert_eq!((app.count("totp").await, app.count("recovery_codes").await), (0, 0));
    assert_eq!(app.count("factor_recoveries").await, 0);
    let events = app.audit_of(app.id_of(ANN).await).await;
    for event in ["factor_recovery_started", "factor_removed totp"] {
        assert_eq!(events.iter().filter(|told| *told == event).count(), 1, "{events:?}");
    }
    drop((authenticator, codes));
}

async fn the_links_in_the_mails_stop_it(database: Database) {
    let app = TestApp::with(database, &WAIT).await;
    app.with_app(ANN).await;
    app.confirmed().await;
    let thief = app.browser();
    let first = begin(&app, &thief).await;
    app.clock.advance(days(1));
    let second = app.told("factor_recovery_started", 2).await;
    // Each of them is good, and a token of one kind is not one of another.
    let owner = app.browser();
    assert_eq!(follow(&owner, &first.token()).await.ok()["state"], "cancelled");
    follow(&owner, &second.token()).await.refused("invalid_or_expired_token");
    app.clock.advance(days(3));
    app.nobody_waits().await;
    // It can begin again, and is told again. Whoever says of another mail that it was not them stops it, too.
    begin(&app, &thief).await;
    thief.second_factor("000000").await.refused("incorrect_second_factor");
    let wrong = app.mail(ANN).await;
    assert_eq!(wrong.kind, "wrong_code");
    owner.post("/api/auth/not-me").json(&json!({ "token": wrong.token() })).await.is(202);
    assert_eq!(app.count("factor_recoveries").await, 0);
    let events = app.audit_of(app.id_of(ANN).await).await;
    assert!(events.contains(&"factor_recovery_cancelled".to_owned()), "{events:?}");
    for token in ["", "nonsense", &"A".repeat(43)] {
        follow(&owner, token).await.refused("invalid_or_expired_token");
    }
}

async fn any_login_with_a_factor_stops_it(database: Database) {
    let app = TestApp::with(database, &WAIT).await;
    let (laptop, authenticator, codes) = app.with_app(ANN).await;
    app.confirmed().await;
    let (thief, owner) = (app.browser(), app.browser());
    begin(&app, &thief).await;
    owner.full_login(ANN, &authenticator.next()).await;
    assert_eq!(app.count("factor_recoveries").await, 0);
    app.clock.advance(days(1));
    begin(&app, &thief).await;
    owner.half_login(ANN).await;
    owner.recover(&codes[0]).await.ok();
    assert_eq!(app.count("factor_recoveries").await, 0);
    app.clock.advance(days(1));
    begin(&app, &thief).await;
    owner.refresh().await.ok();
    owner.prove_again(&authenticator).await;
    assert_eq!(app.count("factor_recoveries").await, 0);
    app.clock.advance(days(1));
    // Also when the last link is there already.
    begin(&app, &thief).await;
    app.clock.advance(days(3));
    let ready = app.told("factor_recovery_ready", 1).await;
    laptop.full_login(ANN, &authenticator.next()).await;
    follow(&thief, &ready.token()).await.refused("invalid_or_expired_token");
    thief.half_login(ANN).await;
}

async fn other_credentials_make_it_void(database: Database) {
    let app = TestApp::with(database, &WAIT).await;
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    app.confirmed().await;
    let thief = app.browser();
    begin(&app, &thief).await;
    let reset = json!({ "token": app.reset_token(ANN).await, "new_password": "EvenMoreSecure456" });
    laptop.post("/api/auth/password/reset").json(&reset).await.ok();
    app.clock.advance(days(3));
    app.nobody_waits().await;
    let reset = json!({ "token": app.reset_token(ANN).await, "new_password": PASSWORD });
    laptop.post("/api/auth/password/reset").json(&reset).await.ok();
    // And after the wait, too.
    begin(&app, &thief).await;
    app.clock.advance(days(3));
    let ready = app.told("factor_recovery_ready", 1).await.token();
    app.operate(app.id_of(ANN).await, Operation::Disable, false).await;
    app.operate(app.id_of(ANN).await, Operation::Enable, false).await;
    follow(&thief, &ready).await.refused("invalid_or_expired_token");
    laptop.full_login(ANN, &authenticator.next()).await;
}

async fn operators_do_it_where_it_is_not_for_everybody(database: Database) {
    let app = TestApp::start(database).await;
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    app.confirmed().await;
    let lost = app.browser();
    lost.half_login(ANN).await;
    lost.post("/api/auth/login/recovery").await.refused("recovery_by_operator");
    let app = app.restart(&WAIT).await;
    let (lost, laptop) = (app.visit(&lost), app.visit(&laptop));
    // Nor where nobody has shown that they read the mail.
    app.execute("UPDATE users SET email_verified_at = NULL").await;
    lost.half_login(ANN).await;
    lost.post("/api/auth/login/recovery").await.refused("recovery_by_operator");
    app.confirmed().await;
    begin(&app, &lost).await;
    app.clock.advance(days(3));
    let ready = app.told("factor_recovery_ready", 1).await.token();
    // Somebody else decides meanwhile that operators do it.
    let app = app.restart(&[]).await;
    follow(&app.visit(&lost), &ready).await.refused("invalid_or_expired_token");
    let app = app.restart(&WAIT).await;
    let (lost, laptop) = (app.visit(&lost), app.visit(&laptop));
    laptop.full_login(ANN, &authenticator.next()).await;
    // Not for superusers, also not for who becomes one while they wait.
    begin(&app, &lost).await;
    app.operate(app.id_of(ANN).await, Operation::MakeSuperuser, false).await;
    app.clock.advance(days(3));
    app.nobody_waits().await;
    lost.half_login(ANN).await;
    lost.post("/api/auth/login/recovery").await.refused("recovery_by_operator");
}

async fn of_two_uses_of_the_last_link_one_works(database: Database) {
    let app = TestApp::with(database, &WAIT).await;
    app.with_app(ANN).await;
    app.confirmed().await;
    let lost = app.browser();
    begin(&app, &lost).await;
    app.clock.advance(days(3));
    let ready = app.told("factor_recovery_ready", 1).await.token();
    let other = app.browser();
    let (one, two) = tokio::join!(follow(&lost, &ready), follow(&other, &ready));
    let mut statuses = [one.status(), two.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

async fn what_is_under_way_is_exported_and_erased_with_the_account(database: Database) {
    let app = TestApp::with(database, &WAIT).await;
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    app.confirmed().await;
    let export = async || laptop.get("/api/auth/me/export").await.ok()["factor_recovery"].clone();
    assert_eq!(export().await, json!(null));
    begin(&app, &app.browser()).await;
    let (now, due) = (app.clock.now().to_string(), (app.clock.now() + days(3)).to_string());
    assert_eq!(export().await, json!({ "started_at": now, "due_at": due }));
    let (status, text, _) = app.program(&["user", "export", ANN], &[]).await;
    let exported: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &exported["factor_recovery"]["due_at"]), (Some(0), &json!(due)));
    operator::erase(&app.service(), app.id_of(ANN).await, &Client::operator(), true).await.unwrap();
    assert_eq!(app.count("factor_recoveries").await, 0);
    drop(authenticator);
}
