//! Races over an account, on the real service: whoever comes first, nothing that must hold is broken.

use doorward::service::Client;
use doorward::service::operator::{self, Changed};
use http::Method;
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::operations::Operation;
use crate::harness::time::minutes;

const ROUNDS: u32 = 25;
const ONE: &str = "EvenMoreSecure456";
const OTHER: &str = "EvenMoreSecure789";

both! {
    of_two_resets_with_one_token_one_is_done,
    a_refresh_beside_a_deletion_is_answered_before_or_after_it,
    after_a_disabling_no_session_lives,
    a_password_change_and_a_reset_leave_the_password_of_the_last,
    of_two_superusers_that_go_at_once_one_stays,
    a_login_that_is_refused_after_the_account_has_gone_tells_nothing_of_it,
}

async fn a_login_that_is_refused_after_the_account_has_gone_tells_nothing_of_it(database: Database) {
    // So long does the password take that the account goes meanwhile.
    let app = TestApp::with(database, &[("BCRYPT_COST", "13"), ("HASH_THREADS", "1")]).await;
    app.register("ann@example.com").await;
    let id = app.id_of("ann@example.com").await;
    let guess = tokio::spawn(app.browser().login_with("ann@example.com", "WrongPass123").into_future());
    while app.service().password.hashing.gauges().running == 0 {
        tokio::task::yield_now().await;
    }
    operator::erase(&app.service(), id, &Client::operator(), false).await.unwrap();
    assert_eq!(app.service().password.hashing.gauges().running, 1, "the password is looked at still");
    guess.await.unwrap().refused("incorrect_credentials");
    assert_eq!(app.audit_of(id).await.last().map(String::as_str), Some("user_deleted operator"));
    assert_eq!(app.number("SELECT count(*) FROM audit WHERE event = 'login_failed' AND user_id IS NULL").await, 1);
}

fn reset(browser: &Browser, token: &str, new: &str) -> Call {
    browser.post("/api/auth/password/reset").json(&json!({ "token": token, "new_password": new }))
}

async fn live_sessions(app: &TestApp, email: &str) -> i64 {
    let query = "SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.ended_at IS NULL";
    app.number(&format!("{query} AND u.email = '{email}'")).await
}

async fn of_two_resets_with_one_token_one_is_done(app: TestApp) {
    for round in 0..ROUNDS {
        let email = format!("ann{round}@example.com");
        let laptop = app.register_and_login(&email).await;
        let token = app.reset_token(&email).await;
        let attempts = [ONE, OTHER].map(|new| {
            let call = reset(&app.browser(), &token, new);
            tokio::spawn(async move {
                let answer = call.await;
                (new, answer.status(), answer.code())
            })
        });
        let mut done = Vec::new();
        for attempt in attempts {
            match attempt.await.unwrap() {
                (new, 200, _) => done.push(new),
                (_, status, code) => assert_eq!((status, code.as_str()), (400, "invalid_or_expired_token")),
            }
        }
        assert_eq!(done.len(), 1, "round {round}: {done:?}");
        app.browser().login_with(&email, done[0]).await.ok();
        laptop.me().await.refused("session_revoked");
    }
}

async fn a_refresh_beside_a_deletion_is_answered_before_or_after_it(app: TestApp) {
    for round in 0..ROUNDS {
        let laptop = app.register_and_login(&format!("ann{round}@example.com")).await;
        app.clock.advance(minutes(2));
        let tabs: Vec<_> = (0..4)
            .map(|_| {
                let tab = app.browser();
                tab.put_refresh_cookie(&laptop.refresh_cookie());
                tokio::spawn(async move {
                    let answer = tab.refresh().await;
                    (answer.status(), answer.code(), tab)
                })
            })
            .collect();
        let delete = laptop.call(Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD }));
        delete.await.is(204);
        for refreshed in tabs {
            let (status, code, tab) = refreshed.await.unwrap();
            let gone = ["session_revoked", "not_authenticated"].contains(&code.as_str());
            assert!(status == 200 || (status == 401 && gone), "round {round}: {status} {code}");
            // Whatever the refresh got: nobody is left whose tokens they could be.
            tab.refresh().await.is(401);
            tab.me().await.is(401);
        }
        assert_eq!((app.count("users").await, app.count("sessions").await), (0, 0), "round {round}");
    }
}

async fn after_a_disabling_no_session_lives(app: TestApp) {
    for round in 0..ROUNDS {
        let email = format!("ann{round}@example.com");
        app.register(&email).await;
        let id = app.id_of(&email).await;
        let logins: Vec<_> = (0..3)
            .map(|_| {
                let (browser, email) = (app.browser(), email.clone());
                tokio::spawn(async move { (browser.login(&email).await.status(), browser) })
            })
            .collect();
        let disabled = app.operate(id, Operation::Disable, false).await;
        assert_eq!(disabled, Changed::Done);
        assert_eq!(live_sessions(&app, &email).await, 0, "round {round}");
        for login in logins {
            let (status, browser) = login.await.unwrap();
            assert!(status == 200 || status == 401, "round {round}: {status}");
            if status == 200 {
                browser.me().await.refused("session_revoked");
                browser.refresh().await.refused("session_revoked");
            }
        }
        assert_eq!(live_sessions(&app, &email).await, 0, "round {round}: a login came later");
    }
}

async fn a_password_change_and_a_reset_leave_the_password_of_the_last(app: TestApp) {
    for round in 0..ROUNDS {
        let email = format!("ann{round}@example.com");
        let laptop = app.register_and_login(&email).await;
        let token = app.reset_token(&email).await;
        let change = json!({ "current_password": PASSWORD, "new_password": ONE });
        let change = laptop.post("/api/auth/password").json(&change);
        let changing = tokio::spawn(async move {
            let answer = change.await;
            (answer.status(), answer.code())
        });
        let answer = reset(&app.browser(), &token, OTHER).await;
        let (reset_status, reset_code) = (answer.status(), answer.code());
        let (status, code) = changing.await.unwrap();
        let last = match (status, reset_status) {
            // The change voids the link.
            (200, 400) => {
                assert_eq!(reset_code, "invalid_or_expired_token");
                laptop.me().await.ok();
                ONE
            }
            // The reset ends the session, and the current password is another one.
            (401 | 422, 200) => {
                assert!(["session_revoked", "incorrect_current_password"].contains(&code.as_str()), "{code}");
                laptop.me().await.refused("session_revoked");
                OTHER
            }
            other => panic!("round {round}: {other:?} {code} {reset_code}"),
        };
        assert_eq!(live_sessions(&app, &email).await, i64::from(last == ONE), "round {round}");
        for password in [PASSWORD, ONE, OTHER] {
            let login = app.browser().login_with(&email, password).await;
            assert_eq!(login.status(), if password == last { 200 } else { 401 }, "round {round}");
        }
    }
}

async fn of_two_superusers_that_go_at_once_one_stays(database: Database) {
    for round in 0..5 {
        let app = TestApp::start(database).await;
        let mut people = Vec::new();
        for email in ["ann@example.com", "bob@example.com"] {
            people.push(app.register_and_login(email).await);
            let id = app.id_of(email).await;
            app.operate(id, Operation::MakeSuperuser, false).await;
        }
        let leaving = people.into_iter().map(|person| {
            let call = person.call(Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD }));
            tokio::spawn(async move { call.await.status() })
        });
        let mut statuses = Vec::new();
        for left in leaving.collect::<Vec<_>>() {
            statuses.push(left.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409], "round {round}");
        assert_eq!(app.number("SELECT count(*) FROM users WHERE is_superuser").await, 1, "round {round}");
    }
}
