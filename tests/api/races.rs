//! Real races, on the real service: whoever comes first, nothing that must hold is broken.

use std::collections::BTreeSet;

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, PASSWORD};
use crate::harness::time::minutes;

const ROUNDS: u64 = 12;

both! {
    fifty_refreshes_at_once_rotate_once_round_after_round,
    fifty_sessions_that_refresh_at_once_rotate_each_for_itself,
    a_logout_wins_over_every_refresh_that_starts_later,
    a_password_change_leaves_no_session_made_with_the_old_password,
    of_two_password_changes_one_is_done,
}

/// A tab of the same browser whose jar does not follow the others.
fn tab(app: &TestApp, cookie: &str) -> Browser {
    let tab = app.browser();
    tab.put_refresh_cookie(cookie);
    tab
}

async fn fifty_refreshes_at_once_rotate_once_round_after_round(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let mut newest = laptop.refresh_cookie();
    for round in 1..=ROUNDS {
        app.clock.advance(minutes(2));
        let calls = (0..50).map(|_| {
            let tab = tab(&app, &newest);
            tokio::spawn(async move {
                tab.refresh().await.ok();
                tab.refresh_cookie()
            })
        });
        let calls: Vec<_> = calls.collect();
        let mut successors = BTreeSet::new();
        for call in calls {
            successors.insert(call.await.unwrap());
        }
        assert_eq!(successors.len(), 1, "round {round}: one successor");
        let successor = successors.pop_first().unwrap();
        assert_ne!(successor, newest);
        newest = successor;
        let generation = i64::try_from(round).unwrap() + 1;
        assert_eq!(app.number("SELECT generation FROM sessions").await, generation, "one rotation a round");
    }
    assert_eq!(app.number("SELECT count(*) FROM audit WHERE event = 'refresh_reused'").await, 0);
}

/// More of them than one statement writes.
async fn fifty_sessions_that_refresh_at_once_rotate_each_for_itself(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "off"), ("REGISTER_RATE_LIMIT", "off")]).await;
    app.register("ann@example.com").await;
    let mut people = Vec::new();
    for number in 0..50 {
        // Half of them are Ann's.
        let email = if number % 2 == 0 { "ann@example.com".to_owned() } else { format!("bob{number}@example.com") };
        let browser = app.browser();
        if number % 2 == 1 {
            browser.register(&email).await.is(201);
        }
        browser.login(&email).await.ok();
        people.push(browser);
    }
    for round in 1..=ROUNDS {
        app.clock.advance(minutes(2));
        let mut refreshing = JoinSet::new();
        for browser in people {
            refreshing.spawn(async move {
                let (before, who) = (browser.refresh_cookie(), browser.me().await.ok());
                browser.refresh().await.ok();
                assert_ne!(browser.refresh_cookie(), before);
                assert_eq!(browser.me().await.ok(), who);
                browser
            });
        }
        people = refreshing.join_all().await;
        let newest: BTreeSet<_> = people.iter().map(Browser::refresh_cookie).collect();
        assert_eq!(newest.len(), 50, "no two have one token");
        let generation = i64::try_from(round).unwrap() + 1;
        let rotated = format!("SELECT count(*) FROM sessions WHERE generation = {generation}");
        assert_eq!(app.number(&rotated).await, 50, "each rotated once");
    }
}

async fn a_logout_wins_over_every_refresh_that_starts_later(app: TestApp) {
    for round in 0..ROUNDS {
        let email = format!("ann{round}@example.com");
        let laptop = app.register_and_login(&email).await;
        app.clock.advance(minutes(2));
        let cookie = laptop.refresh_cookie();
        let (access, phone) = (laptop.access_cookie(), tab(&app, &cookie));
        let refreshing = tokio::spawn(async move {
            let answer = phone.refresh().await;
            (answer.status(), answer.code(), phone)
        });
        laptop.logout().await.ok();
        let (status, code, phone) = refreshing.await.unwrap();
        assert!(status == 200 || code == "session_ended", "{status} {code}");
        // Whatever the refresh got: the session has ended, for everybody and for ever.
        tab(&app, &cookie).refresh().await.refused("session_ended");
        app.browser().get("/api/auth/me").bearer(&access).await.refused("session_ended");
        if status == 200 {
            phone.me().await.refused("session_ended");
            phone.refresh().await.refused("session_ended");
        }
    }
}

async fn a_password_change_leaves_no_session_made_with_the_old_password(app: TestApp) {
    for round in 0..ROUNDS {
        let email = format!("ann{round}@example.com");
        let laptop = app.register_and_login(&email).await;
        app.clock.advance(minutes(2));
        let (phone, stolen) = (app.browser(), tab(&app, &laptop.refresh_cookie()));
        let logging_in = {
            let (phone, email) = (phone.clone(), email.clone());
            tokio::spawn(async move { phone.login(&email).await.status() })
        };
        let refreshing = {
            let stolen = stolen.clone();
            tokio::spawn(async move { stolen.refresh().await.status() })
        };
        let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
        laptop.post("/api/auth/password").json(&change).await.ok();
        let (login, _) = (logging_in.await.unwrap(), refreshing.await.unwrap());
        assert!(login == 200 || login == 401, "{login}");
        // The one session that lives is the one that the change began.
        let live = format!(
            "SELECT count(*) FROM sessions WHERE ended_at IS NULL AND user_id = (SELECT id FROM users WHERE email = '{email}')"
        );
        assert_eq!(app.number(&live).await, 1);
        laptop.me().await.ok();
        if login == 200 {
            phone.me().await.refused("session_revoked");
        }
        stolen.refresh().await.refused("session_revoked");
        app.browser().login(&email).await.refused("incorrect_credentials");
        app.browser().login_with(&email, "EvenMoreSecure456").await.ok();
    }
}

async fn of_two_password_changes_one_is_done(app: TestApp) {
    for round in 0..ROUNDS {
        let email = format!("ann{round}@example.com");
        let laptop = app.register_and_login(&email).await;
        let phone = app.browser();
        phone.login(&email).await.ok();
        let change = |browser: &Browser, new: &str| {
            let change = json!({ "current_password": PASSWORD, "new_password": new });
            let call = browser.post("/api/auth/password").json(&change);
            tokio::spawn(async move { call.await.status() })
        };
        let (one, other) = (change(&laptop, "EvenMoreSecure456"), change(&phone, "EvenMoreSecure789"));
        let statuses = [one.await.unwrap(), other.await.unwrap()];
        // The other one's session has ended, or its current password is another one by now.
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    }
}
