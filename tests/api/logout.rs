//! POST /api/auth/logout

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::both;
use crate::harness::time::{days, minutes};

both! {
    ends_the_session_and_clears_the_cookies,
    is_safe_to_repeat_and_to_call_without_a_session,
    takes_a_token_of_any_generation,
    an_expired_token_ends_nothing,
    a_body_does_not_matter,
}

async fn ends_the_session_and_clears_the_cookies(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    let (access, refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    assert_eq!(laptop.logout().await.ok(), json!({ "message": "Successfully logged out" }));
    assert!(!laptop.jar().has_token());
    assert!(laptop.jar().get("device").is_some(), "the browser stays known");
    app.browser().me().bearer(&access).await.refused("session_ended");
    app.refresh_with(&refresh).await.refused("session_ended");
    phone.me().await.ok();
}

async fn is_safe_to_repeat_and_to_call_without_a_session(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let refresh = laptop.refresh_cookie();
    laptop.logout().await.ok();
    let before = app.dump().await;
    laptop.logout().await.ok();
    laptop.put_refresh_cookie(&refresh);
    laptop.logout().await.ok();
    app.browser().logout().await.ok();
    let garbage = app.browser();
    garbage.put_refresh_cookie("garbage");
    garbage.put_access_cookie("garbage");
    garbage.logout().await.ok();
    assert_eq!(garbage.jar().header(), None);
    assert_eq!(app.dump().await, before);
}

async fn takes_a_token_of_any_generation(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let old = laptop.refresh_cookie();
    laptop.refresh().await.ok();
    app.clock.advance(minutes(5));
    laptop.refresh().await.ok();
    let tab = app.browser();
    tab.put_refresh_cookie(&old);
    tab.logout().await.ok();
    laptop.me().await.refused("session_ended");
}

/// An old leak must not be usable to log people out: neither by logging out, nor by logging in to another account.
async fn an_expired_token_ends_nothing(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let (access, refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    app.clock.advance(days(6));
    laptop.refresh().await.ok();
    app.clock.advance(days(2));
    let thief = app.register("eve@example.com").await;
    for _ in 0..2 {
        thief.put_refresh_cookie(&refresh);
        thief.put_access_cookie(&access);
        thief.logout().await.ok();
        assert!(!thief.jar().has_token());
        app.browser().logout().bearer(&access).await.ok();
        thief.put_refresh_cookie(&refresh);
        thief.login("eve@example.com").await.ok();
    }
    laptop.refresh().await.ok();
}

async fn a_body_does_not_matter(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    laptop.logout().text("text/plain", "whatever").await.ok();
}
