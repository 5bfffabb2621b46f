//! What begins and ends sessions beside the person: settings, the cap, a database that has lost writes, callers that hang up.

use doorward::domain::session::SessionId;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::time::{minutes, seconds};
use crate::harness::tokens;

both! {
    one_session_too_many_ends_the_least_recently_used,
    everybody_is_logged_out_by_a_time_before_which_no_session_counts,
    so_is_every_link_that_was_mailed_before_it,
    a_token_that_is_ahead_of_its_row_is_adopted,
    a_refresh_whose_caller_hangs_up_is_done_all_the_same,
    asking_who_is_logged_in_needs_no_database_while_it_is_known,
    a_receipt_is_written_once_a_generation,
}

async fn one_session_too_many_ends_the_least_recently_used(database: Database) {
    let app = TestApp::with(database, &[("MAX_SESSIONS_PER_USER", "3")]).await;
    let first = app.register_and_login("ann@example.com").await;
    let mut others = Vec::new();
    for _ in 0..2 {
        app.clock.advance(minutes(2));
        let browser = app.browser();
        browser.login("ann@example.com").await.ok();
        others.push(browser);
    }
    // The oldest one is used again: the second is now the one that was not used for the longest time.
    app.clock.advance(minutes(2));
    first.refresh().await.ok();
    app.clock.advance(minutes(2));
    let newest = app.browser();
    newest.login("ann@example.com").await.ok();
    others[0].me().await.refused("session_revoked");
    others[0].refresh().await.refused("session_revoked");
    for browser in [&first, &others[1], &newest] {
        browser.me().await.ok();
    }
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE end_reason = 'evicted'").await, 1);
    // Somebody else's sessions are not counted.
    let bob = app.register_and_login("bob@example.com").await;
    bob.me().await.ok();
    first.me().await.ok();
}

async fn everybody_is_logged_out_by_a_time_before_which_no_session_counts(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.clock.advance(seconds(10));
    let now = app.clock.now().to_string();
    let app = app.restart(&[("SESSIONS_NOT_BEFORE", &now)]).await;
    let laptop = app.visit(&laptop);
    laptop.me().await.refused("session_revoked");
    laptop.refresh().await.refused("session_revoked");
    laptop.login("ann@example.com").await.ok();
    laptop.me().await.ok();
    app.clock.advance(minutes(2));
    laptop.refresh().await.ok();
}

/// A database that comes back from a backup knows links as good that were used or voided since.
async fn so_is_every_link_that_was_mailed_before_it(app: TestApp) {
    const NEW: &str = "EvenMoreSecure456";
    let ann = app.register_and_login("ann@example.com").await;
    app.register("bob@example.com").await;
    ann.post("/api/auth/email/verification").await.is(202);
    let confirming = app.mail("ann@example.com").await.token();
    let by_operator = app.reset_token("ann@example.com").await;
    let forgot = |email: &str| app.browser().post("/api/auth/password/forgot").json(&json!({ "email": email }));
    forgot("bob@example.com").await.is(202);
    let asked = app.mail("bob@example.com").await.token();
    app.clock.advance(seconds(10));
    let now = app.clock.now().to_string();
    let app = app.restart(&[("SESSIONS_NOT_BEFORE", &now)]).await;
    let somebody = app.browser();
    for token in [&by_operator, &asked] {
        let reset = json!({ "token": token, "new_password": NEW });
        somebody.post("/api/auth/password/reset").json(&reset).await.refused("invalid_or_expired_token");
    }
    let verify = json!({ "token": confirming, "new_password": NEW });
    somebody.post("/api/auth/email/verify").json(&verify).await.refused("invalid_or_expired_token");
    // Another one is made, not the same mailed again.
    somebody.post("/api/auth/password/forgot").json(&json!({ "email": "bob@example.com" })).await.is(202);
    let reset = json!({ "token": app.mail("bob@example.com").await.token(), "new_password": NEW });
    let app = app.restart(&[("SESSIONS_NOT_BEFORE", &now)]).await;
    app.browser().post("/api/auth/password/reset").json(&reset).await.ok();
}

async fn a_token_that_is_ahead_of_its_row_is_adopted(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let before = app.clock.now().micros();
    for _ in 0..3 {
        app.clock.advance(minutes(2));
        laptop.refresh().await.ok();
    }
    let ahead = laptop.refresh_cookie();
    // A fail-over: the replica had not heard of any of it.
    app.execute(&format!("UPDATE sessions SET generation = 1, confirmed_generation = 0, rotated_at = {before}")).await;
    laptop.refresh().await.ok();
    assert_ne!(laptop.refresh_cookie(), ahead);
    assert_eq!(app.number("SELECT generation FROM sessions").await, 5);
    assert_eq!(app.number("SELECT count(*) FROM audit WHERE event = 'generation_ahead'").await, 1);
    app.clock.advance(minutes(2));
    laptop.refresh().await.ok();
    laptop.me().await.ok();
}

async fn a_refresh_whose_caller_hangs_up_is_done_all_the_same(app: TestApp) {
    for round in 0..20 {
        let laptop = app.register_and_login(&format!("ann{round}@example.com")).await;
        let mut wire = tokio::net::TcpStream::connect(app.address()).await.unwrap();
        let request = format!(
            "POST /api/auth/refresh HTTP/1.1\r\nHost: localhost\r\nCookie: refresh_token={}\r\n\r\n",
            laptop.refresh_cookie()
        );
        wire.write_all(request.as_bytes()).await.unwrap();
        drop(wire);
        // However far it came: the client asks again with what it has, and is not logged out.
        laptop.refresh().await.ok();
        laptop.me().await.ok();
    }
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE generation = 2").await, 20);
}

async fn asking_who_is_logged_in_needs_no_database_while_it_is_known(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    // A node that does not hear of the login as of a change of the person.
    app.clock.advance(seconds(20));
    let app = app.restart(&[]).await;
    let laptop = app.visit(&laptop);
    let id = tokens::claims(&laptop.access_cookie())["sid"].as_str().and_then(SessionId::parse).unwrap();
    while app.service().session.cache.get(id, app.clock.monotonic()).is_none() {
        laptop.me().await.ok();
    }
    app.lose_database().await;
    laptop.me().await.ok();
    // Nobody has looked for revocations for two seconds: what is remembered counts no more.
    app.clock.advance(seconds(2));
    laptop.me().await.refused("database_unavailable");
}

async fn a_receipt_is_written_once_a_generation(database: Database) {
    let app = TestApp::start(database).await;
    let laptop = app.register_and_login("ann@example.com").await;
    app.clock.advance(minutes(2));
    laptop.refresh().await.ok();
    app.execute(match database {
        Database::Sqlite => {
            "CREATE TABLE written (n INTEGER); \
             CREATE TRIGGER tell AFTER UPDATE ON sessions BEGIN INSERT INTO written VALUES (1); END"
        }
        Database::Postgres => {
            "CREATE TABLE written (n integer); \
             CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO written VALUES (1); RETURN NEW; END $$; \
             CREATE TRIGGER tell AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION tell()"
        }
    })
    .await;
    app.clock.advance(seconds(89));
    laptop.me().await.ok();
    assert_eq!(app.count("written").await, 0);
    app.clock.advance(seconds(1));
    laptop.me().await.ok();
    app.until("SELECT confirmed_generation FROM sessions", 2).await;
    for _ in 0..5 {
        laptop.me().await.ok();
    }
    // A write of somebody else's, behind whatever might be waiting.
    app.register("bob@example.com").await;
    assert_eq!(app.count("written").await, 1);
    // A rotation is one update of one row.
    laptop.refresh().await.ok();
    assert_eq!(app.count("written").await, 2);
}
