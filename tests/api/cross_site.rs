//! Requests that pages of other sites make a browser send, and what scripts may read of answers (CORS).

use http::Method;
use serde_json::json;

use crate::harness::answer::Answer;
use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::device::{BIND, offered};
use crate::harness::passkey::Passkey;

both! {
    what_another_site_sends_is_refused_before_anything_is_done,
    the_services_own_pages_and_programs_without_a_browser_may,
    pages_on_any_port_of_this_machine_may_in_development,
    with_a_list_only_these_pages_may,
    a_star_allows_pages_by_the_label_and_binds_none_of_them,
    on_one_of_many_pages_nothing_is_done_that_wants_a_proof_or_a_passkey,
    apps_of_another_scheme_get_tokens_in_bodies_and_no_cookies,
}

async fn what_another_site_sends_is_refused_before_anything_is_done(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let before = app.dump().await;
    for origin in odd_origins() {
        for path in ["/api/auth/logout", "/api/auth/refresh", "/api/auth/login", "/api/auth/nowhere"] {
            let answer = laptop.post(path).header("origin", &origin).await;
            assert_eq!(answer.code(), "cross_site_request", "{}: {:?}", String::from_utf8_lossy(&origin), answer.0);
        }
        // What changes nothing is answered, but not to the page.
        let answer = laptop.me().header("origin", &origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let _ = answer.ok();
    }
    for site in ["cross-site", "same-site", "Same-Origin", "", "x", "same-origin, none"] {
        laptop.logout().header("sec-fetch-site", site).await.refused("cross_site_request");
    }
    laptop
        .logout()
        .header("sec-fetch-site", "none")
        .header("sec-fetch-site", "cross-site")
        .await
        .refused("cross_site_request");
    assert_eq!(app.dump().await, before);
    laptop.me().await.ok();
}

async fn the_services_own_pages_and_programs_without_a_browser_may(app: TestApp) {
    let browser = app.browser();
    let port = app.address().port();
    browser.logout().await.ok();
    browser.logout().header("sec-fetch-site", "same-origin").await.ok();
    browser.logout().header("sec-fetch-site", "none").await.ok();
    browser.logout().header("origin", format!("http://localhost:{port}")).await.ok();
}

async fn pages_on_any_port_of_this_machine_may_in_development(app: TestApp) {
    for origin in ["http://localhost:3000", "http://localhost", "http://127.0.0.1:5173"] {
        let page = |call: Call| call.header("origin", origin).header("sec-fetch-site", "same-site");
        readable(&page(app.browser().logout()).await, origin);
        // Refusals too: a page must be able to say what went wrong, and when to try again.
        readable(&page(app.browser().login("nobody@example.com")).await, origin);
        readable(&page(app.browser().post("/nowhere")).await, origin);
        readable(&page(app.browser().me()).await, origin);
        let allowed = preflight(&app.browser(), origin, "POST").await;
        readable(&allowed, origin);
        assert!(allowed.header("access-control-allow-methods").unwrap().contains("POST"));
        assert!(allowed.header("access-control-allow-headers").unwrap().to_lowercase().contains("content-type"));
        assert_eq!(allowed.header("access-control-max-age"), Some("600"));
        assert_eq!(allowed.status(), 204);
    }
}

async fn with_a_list_only_these_pages_may(database: Database) {
    let app =
        TestApp::with(database, &[("ALLOWED_ORIGINS", "https://app.example.com,https://admin.example.com:8443")]).await;
    for origin in ["https://app.example.com", "https://admin.example.com:8443"] {
        readable(&app.browser().logout().header("origin", origin).header("sec-fetch-site", "same-site").await, origin);
    }
    for origin in [
        "http://app.example.com",
        "https://app.example.com:444",
        "https://app.example.com.evil.example",
        "https://evil.example",
        "https://xapp.example.com",
        "https://app.example.com/",
        "https://admin.example.com",
        "http://localhost:3000",
        "https://evil.example?https://app.example.com",
    ] {
        let answer = app.browser().logout().header("origin", origin).header("sec-fetch-site", "same-site").await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{:?}", answer.0);
        assert_eq!(answer.code(), "cross_site_request", "{:?}", answer.0);
        let refused = preflight(&app.browser(), origin, "POST").await;
        assert_eq!(refused.header("access-control-allow-origin"), None, "{:?}", refused.0);
    }
}

async fn a_star_allows_pages_by_the_label_and_binds_none_of_them(database: Database) {
    let list = "https://app.example.com,https://*.preview.example.com";
    let app = TestApp::with(database, &[("SECURE_COOKIES", "on"), ("ALLOWED_ORIGINS", list)]).await;
    let browser = app.register("ann@example.com").await;
    for (origin, binds) in [("https://app.example.com", true), ("https://pr-7.preview.example.com", false)] {
        let login = || browser.login("ann@example.com").header("origin", origin).header("sec-fetch-site", "same-site");
        readable(&login().await, origin);
        assert_eq!(offered(&login().header(BIND.0, BIND.1).await).is_some(), binds, "{origin}");
        readable(&preflight(&browser, origin, "POST").await, origin);
    }
    for origin in
        ["https://preview.example.com", "https://a.b.preview.example.com", "https://pr-7.preview.example.com:444"]
    {
        browser
            .logout()
            .header("origin", origin)
            .header("sec-fetch-site", "same-site")
            .await
            .refused("cross_site_request");
    }
}

async fn on_one_of_many_pages_nothing_is_done_that_wants_a_proof_or_a_passkey(database: Database) {
    let list = "https://app.example.com,https://*.preview.example.com";
    let app = TestApp::with(database, &[("ALLOWED_ORIGINS", list), ("PASSKEY_RP_ID", "example.com")]).await;
    let browser = app.register_and_login("ann@example.com").await;
    let password = json!({ "password": PASSWORD });
    let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
    let email = json!({ "current_password": PASSWORD, "email": "bob@example.com" });
    let passkey = Passkey::of(&json!({ "user": { "id": "AAAA" }, "rp": { "id": "example.com" } }));
    let passkey = passkey.assertion(&json!({ "challenge": "AAAA" }));
    let calls = || {
        [
            browser.enrol(),
            browser.confirm("123456"),
            browser.remove_app(),
            browser.new_recovery_codes(),
            browser.reauthenticate(&password),
            browser.post("/api/auth/password").json(&change),
            browser.post("/api/auth/email/change").json(&email),
            browser.get("/api/auth/me/export"),
            browser.call(Method::DELETE, "/api/auth/me").json(&password),
            browser.creation_options(),
            browser.passkey_options(),
            browser.login_passkey(&passkey),
            browser.second_factor_options(),
            browser.reproof_options(),
            browser
                .call(Method::PATCH, "/api/auth/me/passkeys/AAAAAAAAAAAAAAAAAAAAAA")
                .json(&json!({ "name": "Theirs" })),
            browser.remove_passkey(&json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ]
    };
    let before = app.dump().await;
    for call in calls() {
        let page = call.header("origin", "https://pr-7.preview.example.com").header("sec-fetch-site", "same-site");
        page.await.refused("exact_origin_required");
    }
    assert_eq!(app.dump().await, before);
    for call in calls() {
        let answer = call.header("origin", "https://app.example.com").header("sec-fetch-site", "same-site").await;
        assert_ne!(answer.code(), "exact_origin_required", "{:?}", answer.0);
    }
}

async fn apps_of_another_scheme_get_tokens_in_bodies_and_no_cookies(database: Database) {
    let list = "https://app.example.com,capacitor://localhost";
    let app = TestApp::with(database, &[("ALLOWED_ORIGINS", list)]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    let origin = "capacitor://localhost";
    let phone = app.browser();
    let from = |call: Call| call.header("origin", origin).header("sec-fetch-site", "cross-site");
    let login = |client: &Browser, delivery: &str| {
        let body = json!({ "email": "ann@example.com", "password": PASSWORD, "token_delivery": delivery });
        from(client.post("/api/auth/login").json(&body))
    };
    let answer = login(&phone, "body").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let tokens = answer.ok();
    let access = tokens["access_token"].as_str().expect("a token");
    from(phone.me()).bearer(access).await.ok();
    // A passkey's challenge is in a cookie, and its domain is no app's.
    from(phone.passkey_options()).await.refused("token_delivery_refused");
    from(phone.second_factor_options()).await.refused("token_delivery_refused");
    from(phone.creation_options()).bearer(access).await.refused("token_delivery_refused");
    let refresh = json!({ "token_delivery": "body", "refresh_token": tokens["refresh_token"] });
    from(phone.post("/api/auth/refresh").json(&refresh)).await.ok();
    let answer = preflight(&phone, origin, "POST").await;
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    // Any app can call itself so: where there are cookies they are none.
    login(&phone, "cookies").await.refused("token_delivery_refused");
    from(laptop.me()).await.refused("not_authenticated");
    from(laptop.refresh()).await.refused("not_authenticated");
    login(&laptop, "body").await.refused("token_delivery_refused");
    let state = from(laptop.get("/api/auth/state")).await.ok();
    assert_eq!(state, json!({ "user": null, "refreshable": false }));
    from(laptop.logout()).await.ok();
    laptop.me().await.ok();
    from(phone.logout()).bearer(access).await.ok();
    // Not one that is not listed, and no page by way of the app's rule.
    for other in ["capacitor://localhost:1", "ionic://localhost", "capacitor://localhost/", "Capacitor://localhost"] {
        let refused = phone.logout().header("origin", other).header("sec-fetch-site", "cross-site").await;
        refused.refused("cross_site_request");
    }
}

fn odd_origins() -> Vec<Vec<u8>> {
    [
        &b"https://evil.example"[..],
        b"http://evil.example",
        b"null",
        b"",
        b"*",
        b"https://",
        b"localhost",
        b"http://localhost.evil.example",
        b"http://localhost:3000.evil.example",
        b"http://localhost:3000@evil.example",
        b"http://evil.example#http://localhost:3000",
        b"http://localhost:",
        b"http://127.0.0.1.evil.example",
        b"http://[::1",
        b"ftp://localhost",
        b"https://evil.com?x=.example.com",
        b"http://localhost:3000, http://evil.example",
        b"http://\xe9vil.example",
        b"\xff\xfe",
        b"http://localhost:3000/path",
        b"HTTP://LOCALHOST:3000",
        b"chrome-extension://abcdef",
        b"file://",
    ]
    .into_iter()
    .map(<[u8]>::to_vec)
    .chain([vec![b'x'; 8_000]])
    .collect()
}

async fn preflight(browser: &Browser, origin: &str, method: &str) -> Answer {
    let call = browser.call(Method::OPTIONS, "/api/auth/login").header("origin", origin);
    call.header("access-control-request-method", method).header("access-control-request-headers", "content-type").await
}

#[track_caller]
fn readable(answer: &Answer, origin: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{:?}", answer.0);
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{:?}", answer.0);
    let vary: Vec<_> =
        answer.0.headers.get_all("vary").iter().flat_map(|line| line.to_str().unwrap().split(',')).collect();
    assert!(vary.iter().any(|name| name.trim().eq_ignore_ascii_case("origin")), "{:?}", answer.0);
    if answer.0.method != Method::OPTIONS {
        let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_lowercase();
        for name in ["retry-after", "x-request-id", "www-authenticate"] {
            assert!(exposed.contains(name), "{:?}", answer.0);
        }
    }
}
