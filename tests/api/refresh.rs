//! POST /api/auth/refresh

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::cookies::SetCookie;
use crate::harness::time::{days, hours, just_before, minutes, seconds};
use crate::harness::tokens;

both! {
    renews_both_cookies,
    a_body_that_says_nothing_does_not_matter,
    two_tabs_that_refresh_together_get_the_same_token,
    fifty_at_once_rotate_once,
    a_stolen_cookie_ends_the_session,
    a_lost_reply_is_forgiven_twice_a_day,
    a_reply_that_was_seen_to_arrive_is_not_lost,
    strict_settings_forgive_nothing,
    a_session_unused_for_a_week_is_over,
    thirty_days_after_the_login_the_session_is_over_however_much_it_was_used,
    a_token_of_its_time_expires_with_it,
    without_an_authentic_cookie_nothing_happens,
    two_different_authentic_cookies_are_none,
    a_disabled_person_stays_out,
    more_than_sixty_in_a_minute_have_to_wait,
    a_refused_refresh_does_not_log_out_the_new_login,
}

async fn renews_both_cookies(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let (access, refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    app.clock.advance(minutes(10));
    assert_eq!(laptop.refresh().await.ok(), json!({ "message": "Token refreshed successfully" }));
    assert_ne!(laptop.access_cookie(), access);
    assert_ne!(laptop.refresh_cookie(), refresh);
    laptop.me().await.ok();
}

/// Many a client declares JSON and sends none, or sends what it sends everywhere.
async fn a_body_that_says_nothing_does_not_matter(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", " \n"),
        ("application/json", "{}"),
        ("text/plain", "whatever"),
        ("", "x=y"),
    ] {
        laptop.refresh().text(content_type, body).await.ok();
    }
    laptop.refresh().text("application/json", "{").await.refused("malformed_json");
    laptop.me().await.ok();
}

async fn two_tabs_that_refresh_together_get_the_same_token(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let old = laptop.refresh_cookie();
    laptop.refresh().await.ok();
    let new = laptop.refresh_cookie();
    // The other tab had sent the old cookie already.
    let tab = app.browser();
    tab.put_refresh_cookie(&old);
    app.clock.advance(seconds(29));
    tab.refresh().await.ok();
    assert_eq!(tab.refresh_cookie(), new);
    // And the new one, sent again at once, stays as it is.
    laptop.refresh().await.ok();
    assert_eq!(laptop.refresh_cookie(), new);
}

async fn fifty_at_once_rotate_once(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.clock.advance(minutes(30));
    let old = laptop.refresh_cookie();
    let calls = (0..50).map(|_| {
        let tab = app.browser();
        tab.put_refresh_cookie(&old);
        tokio::spawn(async move {
            tab.refresh().await.ok();
            tab.refresh_cookie()
        })
    });
    let mut cookies = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        cookies.push(call.await.unwrap());
    }
    assert_ne!(cookies[0], old);
    cookies.dedup();
    assert_eq!(cookies.len(), 1, "one successor");
}

async fn a_stolen_cookie_ends_the_session(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    let stolen = laptop.refresh_cookie();
    laptop.refresh().await.ok();
    app.clock.advance(minutes(5));
    laptop.refresh().await.ok();
    app.clock.advance(minutes(5));
    app.refresh_with(&stolen).await.refused("session_reuse_detected");
    laptop.refresh().await.refused("session_reuse_detected");
    laptop.me().await.refused("session_reuse_detected");
    phone.me().await.ok();
}

async fn a_lost_reply_is_forgiven_twice_a_day(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let kept = laptop.refresh_cookie();
    laptop.refresh().await.ok();
    let successor = laptop.refresh_cookie();
    for _ in 0..2 {
        app.clock.advance(minutes(10));
        let again = app.browser();
        again.put_refresh_cookie(&kept);
        again.refresh().await.ok();
        assert_eq!(again.refresh_cookie(), successor);
    }
    app.clock.advance(minutes(10));
    app.refresh_with(&kept).await.refused("session_reuse_detected");
}

async fn a_reply_that_was_seen_to_arrive_is_not_lost(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let stolen = laptop.refresh_cookie();
    laptop.refresh().await.ok();
    app.clock.advance(minutes(5));
    // The new cookie comes along: its receipt is recorded, not awaited by the answer.
    laptop.me().await.ok();
    app.until("SELECT count(*) FROM sessions WHERE confirmed_generation = 2", 1).await;
    app.refresh_with(&stolen).await.refused("session_reuse_detected");
}

async fn strict_settings_forgive_nothing(database: Database) {
    let settings = [("REFRESH_GRACE", "0s"), ("REFRESH_LOST_REPLIES_PER_DAY", "0")];
    let app = TestApp::with(database, &settings).await;
    let laptop = app.register_and_login("ann@example.com").await;
    let old = laptop.refresh_cookie();
    laptop.refresh().await.ok();
    app.refresh_with(&old).await.refused("session_reuse_detected");
}

async fn a_session_unused_for_a_week_is_over(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.clock.advance(just_before(days(7)));
    laptop.refresh().await.ok();
    app.clock.advance(days(7));
    let before = app.dump().await;
    laptop.refresh().await.refused("session_expired");
    assert_eq!(app.dump().await, before);
}

async fn thirty_days_after_the_login_the_session_is_over_however_much_it_was_used(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    for _ in 0..4 {
        app.clock.advance(days(6));
        laptop.refresh().await.ok();
    }
    app.clock.advance(days(5) + hours(23) + minutes(50));
    let ages: Vec<_> = laptop.refresh().await.cookies().iter().map(SetCookie::max_age).collect();
    assert_eq!(ages, [Some(600), Some(600), Some(600)], "no cookie and no token outlives the session");
    laptop.me().await.ok();
    app.clock.advance(minutes(10));
    laptop.me().await.refused("session_expired");
    laptop.refresh().await.refused("session_expired");
}

async fn a_token_of_its_time_expires_with_it(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let old = laptop.refresh_cookie();
    app.clock.advance(days(6));
    laptop.refresh().await.ok();
    app.clock.advance(days(1));
    // An old leak can't be used to log people out.
    app.refresh_with(&old).await.refused("session_expired");
    laptop.refresh().await.ok();
}

async fn without_an_authentic_cookie_nothing_happens(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let (access, refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    let before = app.dump().await;
    app.browser().refresh().await.refused("not_authenticated");
    app.browser().refresh().bearer(&refresh).await.refused("not_authenticated");
    app.browser().refresh().bearer(&access).await.refused("not_authenticated");
    app.refresh_with(&access).await.refused("not_authenticated");
    for name in ["%72efresh_token", "Refresh_Token", "__Host-refresh_token", "access_token"] {
        let call = app.browser().refresh().header("cookie", format!("{name}={refresh}"));
        call.await.refused("not_authenticated");
    }
    for (way, bent) in tokens::bent_refresh_tokens(&refresh) {
        let answer = app.refresh_with(&bent).await;
        assert_eq!(answer.code(), "not_authenticated", "{way}: {:?}", answer.0);
    }
    assert_eq!(app.dump().await, before);
}

async fn two_different_authentic_cookies_are_none(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await.refresh_cookie();
    let bob = app.register_and_login("bob@example.com").await.refresh_cookie();
    let before = app.dump().await;
    let with = |cookies: String| app.browser().refresh().header("cookie", cookies);
    with(format!("refresh_token={ann}; refresh_token={bob}")).await.refused("not_authenticated");
    assert_eq!(app.dump().await, before);
    with(format!("refresh_token={ann}; refresh_token=planted; refresh_token={ann}")).await.ok();
}

async fn a_disabled_person_stays_out(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.disable("ann@example.com").await;
    laptop.refresh().await.refused("session_revoked");
}

async fn more_than_sixty_in_a_minute_have_to_wait(database: Database) {
    let app = TestApp::with(database, &[("REFRESH_RATE_LIMIT", "3/1m")]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    for _ in 0..3 {
        laptop.refresh().await.ok();
    }
    let refused = laptop.refresh().await;
    assert_eq!(refused.retry_after(), 60);
    refused.refused("too_many_attempts");
    phone.refresh().await.ok();
    app.clock.advance(seconds(60));
    laptop.refresh().await.ok();
}

async fn a_refused_refresh_does_not_log_out_the_new_login(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let old = laptop.refresh_cookie();
    app.clock.advance(hours(1));
    laptop.login("ann@example.com").await.ok();
    app.refresh_with(&old).await.refused("session_revoked");
    laptop.me().await.ok();
}
