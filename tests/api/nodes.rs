//! Several nodes on one PostgreSQL: what one of them has ended is over on all.

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::browser::{Browser, PASSWORD};
use crate::harness::operations::Operation;
use crate::harness::time::{minutes, seconds};
use crate::support::postgres;

/// Two nodes.
async fn two_nodes() -> Option<[TestApp; 2]> {
    postgres::shared()?;
    let one = TestApp::with(Database::Postgres, &[]).await;
    let other = one.another_node(&[]).await;
    Some([one, other])
}

/// From now on every NOTIFY is lost: a function of the same name is found first, which only counts how often it was called.
async fn lose_messages(app: TestApp) -> TestApp {
    app.execute(
        "CREATE TABLE lost_messages (channel text); \
         CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'INSERT INTO lost_messages VALUES ($1)'; \
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
    )
    .await;
    // Connections that are there have the old path.
    app.restart(&[]).await
}

/// Ways to end all sessions of a person.
#[derive(Clone, Copy, Debug)]
enum End {
    Logout,
    LogoutAll,
    Password,
    Disabled,
    Deleted,
}

async fn end(app: &TestApp, laptop: &Browser, email: &str, way: End) -> &'static str {
    match way {
        End::Logout => {
            laptop.logout().await.ok();
            "session_ended"
        }
        End::LogoutAll => {
            laptop.post("/api/auth/logout-all").await.ok();
            "session_revoked"
        }
        End::Password => {
            let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
            laptop.post("/api/auth/password").json(&change).await.ok();
            "session_revoked"
        }
        End::Disabled => {
            let id = app.id_of(email).await;
            app.operate(id, Operation::Disable, false).await;
            "session_revoked"
        }
        End::Deleted => {
            let proof = json!({ "password": PASSWORD });
            laptop.call(http::Method::DELETE, "/api/auth/me").json(&proof).await.is(204);
            // The row is gone; the reason is remembered for a minute.
            "session_revoked"
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_ends_is_over_on_the_other_within_two_seconds_though_every_message_is_lost() {
    if postgres::shared().is_none() {
        return;
    }
    let one = lose_messages(TestApp::start(Database::Postgres).await).await;
    let other = one.another_node(&[]).await;
    for (number, way) in
        [End::Logout, End::LogoutAll, End::Password, End::Disabled, End::Deleted].into_iter().enumerate()
    {
        let email = format!("ann{number}@example.com");
        let laptop = one.register_and_login(&email).await;
        let access = laptop.access_cookie();
        let there = other.browser();
        // The other node remembers the session.
        for _ in 0..2 {
            there.me().bearer(&access).await.ok();
        }
        let code = end(&one, &laptop, &email, way).await;
        one.browser().me().bearer(&access).await.refused(code);
        one.clock.advance(seconds(2));
        let answer = there.me().bearer(&access).await;
        assert_eq!(answer.status(), 401, "{way:?}: {:?}", answer.0);
    }
    assert!(one.count("lost_messages").await >= 5, "somebody has sent messages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tabs_that_refresh_on_two_nodes_get_the_same_token() {
    let Some([one, other]) = two_nodes().await else { return };
    let laptop = one.register_and_login("ann@example.com").await;
    for _ in 0..10 {
        one.clock.advance(minutes(2));
        let cookie = laptop.refresh_cookie();
        let tabs: Vec<Browser> = [&one, &other].into_iter().cycle().take(10).map(TestApp::browser).collect();
        let calls = tabs.iter().map(|tab| {
            tab.put_refresh_cookie(&cookie);
            tokio::spawn(tab.refresh().into_future())
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap().ok();
        }
        laptop.put_refresh_cookie(&tabs[0].refresh_cookie());
        assert!(tabs.iter().all(|tab| tab.refresh_cookie() == laptop.refresh_cookie()));
    }
    // Each node takes what the other has signed.
    let access = other.browser();
    other.visit(&laptop).refresh().await.ok();
    access.me().bearer(&laptop.access_cookie()).await.ok();
    one.browser().me().bearer(&laptop.access_cookie()).await.ok();
    assert_eq!(one.number("SELECT generation FROM sessions").await, 11);
}
