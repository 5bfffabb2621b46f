//! GET /health, GET /api/auth/health

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;

both! {
    alive_tells_the_version,
    ready_asks_the_database,
    without_the_database_nothing_is_claimed_and_nobody_logged_out,
    the_two_do_not_care_who_asks,
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
