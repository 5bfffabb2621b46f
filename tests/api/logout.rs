//! POST /api/auth/logout

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::time::{days, minutes};

both! {
    ends_the_session_and_clears_the_cookies,
    is_safe_to_repeat_and_to_call_without_a_session,
    takes_a_token_of_any_generation,
    an_expired_token_ends_nothing,
    a_body_does_not_matter,
    another_suffix_is_another_installation_and_old_names_of_ours_are_cleared,
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

/// Two projects on one laptop: a browser keeps cookies by host, without the port.
async fn another_suffix_is_another_installation_and_old_names_of_ours_are_cleared(database: Database) {
    let other = TestApp::with(database, &[("JWT_SECRET_KEY", "the key of another project on this laptop")]).await;
    let other_laptop = other.register_and_login("ann@example.com").await;
    let app = TestApp::with(database, &[("COOKIE_SUFFIX", "shop")]).await;
    let laptop = app.visit(&other_laptop);
    laptop.register("ann@example.com").await.is(201);
    laptop.login("ann@example.com").await.ok();
    laptop.me().await.ok();
    let of_the_other = other_laptop.jar().clone();
    assert!(["access_token", "refresh_token", "device"].iter().all(|name| of_the_other.get(name).is_some()));
    let names = ["access_token_shop", "refresh_token_shop", "session_hint_shop", "device_shop"];
    assert!(names.iter().all(|name| laptop.jar().get(name).is_some()));
    laptop.logout().await.ok();
    assert!(names[..3].iter().all(|name| laptop.jar().get(name).is_none()));
    assert!(laptop.jar().get("access_token").is_some(), "the other project's is not ours to clear");
    other.visit(&laptop).me().await.ok();

    // The setting is changed: what was set before it is nobody, and goes with the next logout.
    laptop.login("ann@example.com").await.ok();
    let app = app.restart(&[("COOKIE_SUFFIX", "store")]).await;
    let laptop = app.visit(&laptop);
    laptop.me().await.refused("not_authenticated");
    laptop.login("ann@example.com").await.ok();
    let cleared = laptop.logout().await;
    assert_eq!(cleared.cookies().len(), 7, "{:?}", cleared.cookies());
    assert!(names[..3].iter().all(|name| laptop.jar().get(name).is_none()));
    assert!(laptop.jar().get("refresh_token").is_some());
}

async fn a_body_does_not_matter(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    laptop.logout().text("text/plain", "whatever").await.ok();
}
