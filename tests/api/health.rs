//! GET /health, GET /api/auth/health

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::support::postgres;

both! {
    alive_tells_the_version,
    ready_asks_the_database,
    without_the_database_nothing_is_claimed_and_nobody_logged_out,
    the_two_do_not_care_who_asks,
}

/// A standby behind the address, or an administrator's setting: it answers, and takes no writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_takes_no_writes_is_not_ready() {
    if postgres::shared().is_none() {
        return;
    }
    let app = TestApp::start(Database::Postgres).await;
    let laptop = app.register_and_login("ann@example.com").await;
    let read_only = async |on: &str| {
        let here = app.database_name().await;
        app.execute(&format!(
            "SET transaction_read_only = off; ALTER DATABASE \"{here}\" SET default_transaction_read_only = {on}"
        ))
        .await;
        // Connections that are there keep what they began with.
        app.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    };
    let until = async |status: u16| while app.browser().get("/api/auth/health").await.status() != status {};
    until(200).await;
    read_only("on").await;
    // The first connections are found dead.
    while laptop.refresh().await.status() != 503 {}
    until(503).await;
    let refused = app.browser().get("/api/auth/health").await.refused("database_unavailable");
    assert_eq!(refused["detail"], "The database takes no writes: it is a standby, or set to be read-only.");
    app.browser().get("/health").await.ok();
    read_only("off").await;
    until(200).await;
    laptop.refresh().await.ok();
}

async fn alive_tells_the_version(app: TestApp) {
    let expected = json!({ "status": "healthy", "version": env!("CARGO_PKG_VERSION") });
    assert_eq!(app.browser().get("/health").await.ok(), expected);
}

async fn ready_asks_the_database(app: TestApp) {
    assert_eq!(app.browser().get("/api/auth/health").await.ok(), json!({ "status": "healthy", "database": "ok" }));
}

async fn without_the_database_nothing_is_claimed_and_nobody_logged_out(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let cookies = laptop.jar().header();
    app.lose_database().await;
    app.browser().get("/health").await.ok();
    app.browser().get("/api/auth/health").await.refused("database_unavailable");
    laptop.refresh().await.refused("database_unavailable");
    laptop.logout().await.refused("database_unavailable");
    app.browser().register("bob@example.com").await.refused("database_unavailable");
    app.browser().login("ann@example.com").await.refused("database_unavailable");
    assert_eq!(laptop.jar().header(), cookies);
}

async fn the_two_do_not_care_who_asks(database: Database) {
    let app = TestApp::with(database, &[("TRUSTED_PROXIES", "none")]).await;
    let call = app.browser().get("/health").header("cookie", "access_token=garbage").bearer("garbage");
    call.await.ok();
    app.browser().get("/api/auth/health").header("origin", "https://evil.example").await.ok();
}
