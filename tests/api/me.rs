//! GET /api/auth/me

use serde_json::json;

use crate::harness::app::{KEY, TestApp};
use crate::harness::both;
use crate::harness::time::{days, hours, just_before, minutes, seconds};
use crate::harness::tokens;

both! {
    tells_who_is_logged_in,
    takes_the_access_token_as_a_bearer_too,
    a_bearer_token_alone_counts_when_one_is_sent,
    an_access_token_lives_an_hour_and_says_that_it_is_time_to_refresh,
    an_access_token_does_not_outlive_its_session,
    tells_why_the_session_is_over,
    of_several_cookies_the_only_authentic_one_counts,
    cookie_names_are_compared_byte_by_byte,
    odd_cookie_headers_authenticate_nobody,
    bent_tokens_authenticate_nobody_and_change_no_row,
    head_tells_the_same_without_a_body,
}

async fn tells_who_is_logged_in(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let now = app.clock.now().to_string();
    let expected = json!({ "id": 1, "email": "ann@example.com", "full_name": null, "is_active": true,
        "email_verified": false, "is_superuser": false, "created_at": now, "last_login": now, "external_id": null });
    assert_eq!(laptop.me().await.ok(), expected);
    app.browser().register("bob@example.com").await.is(201);
    assert_eq!(laptop.me().await.ok(), expected);
}

async fn takes_the_access_token_as_a_bearer_too(app: TestApp) {
    let token = app.register_and_login("ann@example.com").await.access_cookie();
    let script = app.browser();
    assert_eq!(script.me().bearer(&token).await.ok()["id"], 1);
    assert_eq!(script.me().header("authorization", format!("bearer {token}")).await.ok()["id"], 1);
    script.me().header("authorization", format!("Basic {token}")).await.refused("not_authenticated");
}

async fn a_bearer_token_alone_counts_when_one_is_sent(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    let bob = app.register_and_login("bob@example.com").await;
    assert_eq!(ann.me().bearer(&bob.access_cookie()).await.ok()["email"], "bob@example.com");
    ann.me().bearer("garbage").await.refused("not_authenticated");
    ann.me().header("authorization", "Bearer ").await.refused("not_authenticated");
    // A staging site's own login is none of ours.
    ann.me().header("authorization", "Basic c3RhZ2luZzpzaXRl").await.ok();
}

async fn an_access_token_lives_an_hour_and_says_that_it_is_time_to_refresh(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.clock.advance(just_before(minutes(60)));
    laptop.me().await.ok();
    // Clocks of other services may differ by 5 seconds.
    app.clock.advance(seconds(7));
    laptop.me().await.refused("token_expired");
    laptop.refresh().await.ok();
    laptop.me().await.ok();
}

async fn an_access_token_does_not_outlive_its_session(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    for _ in 0..5 {
        app.clock.advance(days(6));
        if laptop.refresh().await.status() != 200 {
            break;
        }
    }
    // 30 days after the login: the last refresh was on day 24.
    laptop.me().await.refused("session_expired");
}

async fn tells_why_the_session_is_over(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let token = laptop.access_cookie();
    laptop.logout().await.ok();
    app.browser().me().bearer(&token).await.refused("session_ended");
    app.clock.advance(hours(2));
    app.browser().me().bearer(&token).await.refused("session_ended");
}

async fn of_several_cookies_the_only_authentic_one_counts(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await.access_cookie();
    let bob = app.register_and_login("bob@example.com").await.access_cookie();
    let browser = app.browser();
    let me = |cookies: String| browser.me().header("cookie", cookies);
    me(format!("access_token={ann}")).await.ok();
    me(format!("access_token=garbage; access_token={ann}")).await.ok();
    me(format!("access_token={ann}; theme=dark; access_token=")).await.ok();
    me(format!("access_token={ann}; access_token={ann}")).await.ok();
    me(format!("access_token={ann}; access_token={bob}")).await.refused("not_authenticated");
    // Two of one session are one person: after a change of COOKIE_DOMAIN a browser holds both.
    let laptop = app.browser();
    laptop.login("ann@example.com").await.ok();
    let (old, old_refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    laptop.refresh().await.ok();
    let (new, new_refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    for cookies in [[&old, &new], [&new, &old]] {
        let [first, second] = cookies;
        assert_eq!(me(format!("access_token={first}; access_token={second}")).await.ok()["email"], "ann@example.com");
    }
    app.clock.advance(minutes(5));
    for cookies in [[&old_refresh, &new_refresh], [&new_refresh, &old_refresh]] {
        let [first, second] = cookies;
        // The newest counts; the one before it would be a reuse by now.
        let both = format!("refresh_token={first}; refresh_token={second}");
        browser.refresh().header("cookie", both).await.ok();
    }
    // Two `Cookie` lines are as good as one.
    let two =
        browser.me().header("cookie", format!("access_token={ann}")).header("cookie", format!("access_token={bob}"));
    two.await.refused("not_authenticated");
}

async fn cookie_names_are_compared_byte_by_byte(app: TestApp) {
    let token = app.register_and_login("ann@example.com").await.access_cookie();
    for name in [
        "%61ccess_token",
        "access%5Ftoken",
        "Access_Token",
        "ACCESS_TOKEN",
        "__Host-access_token",
        "\"access_token\"",
        "access_token.",
        "access_token[]",
        "xaccess_token",
        "refresh_token",
        "$access_token",
    ] {
        app.browser().me().header("cookie", format!("{name}={token}")).await.refused("not_authenticated");
    }
    app.browser().me().header("cookie", format!("\t access_token={token} ;;")).await.ok();
}

async fn odd_cookie_headers_authenticate_nobody(app: TestApp) {
    app.register_and_login("ann@example.com").await;
    for cookies in [
        &b""[..],
        b";",
        b"=",
        b"access_token",
        b"access_token=",
        b"access_token;=",
        b"access_token=\xff\xfe",
        b"\xff=\xff",
        b"access_token=a b c",
        b"access_token=\"",
        &[b';'; 4_000],
    ] {
        app.browser().me().header("cookie", cookies).await.refused("not_authenticated");
    }
}

async fn bent_tokens_authenticate_nobody_and_change_no_row(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.register_and_login("bob@example.com").await;
    let before = app.dump().await;
    let token = laptop.access_cookie();
    let resigned = tokens::sign(&tokens::header(&token), &tokens::claims(&token), KEY.as_bytes());
    app.browser().me().bearer(&resigned).await.ok();
    for (way, bent) in tokens::bent_access_tokens(&token, KEY.as_bytes()) {
        for call in
            [app.browser().me().bearer(&bent), app.browser().me().header("cookie", format!("access_token={bent}"))]
        {
            let answer = call.await;
            assert_eq!(answer.code(), "not_authenticated", "{way}: {:?}", answer.0);
        }
    }
    app.browser().me().bearer(&laptop.refresh_cookie()).await.refused("not_authenticated");
    assert_eq!(app.dump().await, before);
}

async fn head_tells_the_same_without_a_body(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let head = laptop.call(http::Method::HEAD, "/api/auth/me").await;
    assert_eq!(head.status(), 200);
    let head = app.browser().call(http::Method::HEAD, "/api/auth/me").await;
    assert_eq!(head.status(), 401);
}
