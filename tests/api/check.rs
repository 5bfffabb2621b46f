//! What a proxy asks before it hands on a request.

use doorward::domain::account::Email;
use doorward::service::{Client, operator};
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, PASSWORD};
use crate::harness::time::minutes;
use crate::harness::tokens;

both! {
    says_who_asks,
    says_no_to_who_is_nobody,
    is_never_limited_and_never_refreshes,
    hands_on_an_address_that_is_confirmed_and_no_other,
    refuses_what_another_sites_page_sent,
    believes_no_method_of_a_stranger,
}

const PATH: &str = "/api/auth/check";

async fn says_who_asks(app: TestApp) {
    app.register("bob@example.com").await;
    let laptop = app.register_and_login("ann@example.com").await;
    let claims = tokens::claims(&laptop.access_cookie());
    for call in [
        laptop.get(PATH),
        laptop.call(http::Method::HEAD, PATH),
        app.browser().get(PATH).bearer(&laptop.access_cookie()),
        // Whatever the visitor says of himself.
        laptop.get(PATH).header("x-user-id", "1").header("x-session-id", "forged"),
    ] {
        let answer = call.await;
        assert_eq!(answer.status(), 204, "{:?}", answer.0);
        for (name, claim) in [("x-user-id", "sub"), ("x-session-id", "sid")] {
            let values: Vec<_> = answer.0.headers.get_all(name).iter().collect();
            assert_eq!(values, [claims[claim].as_str().unwrap()], "{name}");
        }
        assert_eq!(answer.header("x-user-id"), Some("2"));
        assert!(answer.cookies().is_empty());
    }
}

async fn says_no_to_who_is_nobody(app: TestApp) {
    app.browser().get(PATH).await.refused("not_authenticated");
    app.browser().get(PATH).header("x-user-id", "1").bearer("forged").await.refused("not_authenticated");
    let laptop = app.register_and_login("ann@example.com").await;
    let access = laptop.access_cookie();
    app.clock.advance(minutes(61));
    app.browser().get(PATH).bearer(&access).await.refused("token_expired");
    laptop.refresh().await.ok();
    let access = laptop.access_cookie();
    laptop.get(PATH).await.is(204);
    laptop.logout().await.ok();
    app.browser().get(PATH).bearer(&access).await.refused("session_ended");
}

async fn is_never_limited_and_never_refreshes(app: TestApp) {
    let (laptop, stranger) = (app.register_and_login("ann@example.com").await, app.browser());
    let generation = app.number("SELECT generation FROM sessions").await;
    for _ in 0..100 {
        laptop.get(PATH).await.is(204);
        stranger.get(PATH).bearer("forged").await.refused("not_authenticated");
    }
    app.clock.advance(minutes(61));
    let answer = laptop.get(PATH).await;
    assert!(answer.cookies().is_empty());
    answer.refused("token_expired");
    assert_eq!(app.number("SELECT generation FROM sessions").await, generation);
}

async fn hands_on_an_address_that_is_confirmed_and_no_other(database: Database) {
    let app = TestApp::with(database, &[("CHECK_USER_EMAIL", "on"), ("EMAIL_VERIFICATION", "on")]).await;
    // All that an address may have, in canonical form.
    let email = "!#$%&'*+-/=?^_`{|}~@b\u{fc}cher.example";
    let canonical = "!#$%&'*+-/=?^_`{|}~@xn--bcher-kva.example";
    let laptop = app.register_and_login(email).await;
    let told = |forged: Option<&str>| {
        let call = laptop.get(PATH);
        forged.into_iter().fold(call, |call, forged| call.header("x-user-email", forged))
    };
    for (confirmed, expected) in [(false, "-"), (true, canonical)] {
        if confirmed {
            let token = app.mail(canonical).await.token();
            laptop.post("/api/auth/email/verify").json(&json!({ "token": token })).await.ok();
        }
        for forged in [None, Some(""), Some("admin@example.com")] {
            let answer = told(forged).await;
            let values: Vec<_> = answer.0.headers.get_all("x-user-email").iter().collect();
            assert_eq!(answer.status(), 204, "{:?}", answer.0);
            assert_eq!(values, [expected], "{forged:?}");
        }
    }
    // Another address has to be confirmed anew: until then the old one is theirs.
    let change = json!({ "email": "ann@example.com", "current_password": PASSWORD });
    laptop.post("/api/auth/email/change").json(&change).await.is(202);
    assert_eq!(told(None).await.header("x-user-email"), Some(canonical));
    let token = app.mail("ann@example.com").await.token();
    laptop.post("/api/auth/email/change/confirm").json(&json!({ "token": token })).await.ok();
    assert_eq!(told(None).await.header("x-user-email"), Some("ann@example.com"));
    // An operator's word confirms nothing.
    let id = app.id_of("ann@example.com").await;
    let other = Email::parse("other@example.com").unwrap();
    operator::set_email(&app.service(), id, other, &Client::operator()).await.unwrap();
    laptop.login("other@example.com").await.ok();
    assert_eq!(told(None).await.header("x-user-email"), Some("-"));

    let silent = app.restart(&[]).await;
    assert_eq!(silent.visit(&laptop).get(PATH).await.header("x-user-email"), None, "unless it is set");
}

/// The headers of a request that the application would take, and of one that a page elsewhere has made the browser send.
async fn refuses_what_another_sites_page_sent(database: Database) {
    let app = TestApp::with(database, &[("ALLOWED_ORIGINS", "https://app.example.com")]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    let own = format!("http://localhost:{}", app.address().port());
    let own = Some(own.as_str());
    let (allowed, foreign) = (Some("https://app.example.com"), Some("https://evil.example"));
    let none: Option<&str> = None;
    for (method, origin, site, passes) in [
        // Programs, and browsers that say nothing.
        (Some("POST"), none, none, true),
        (none, none, none, true),
        // The application's own pages.
        (Some("POST"), own, Some("same-origin"), true),
        (Some("POST"), own, none, true),
        (none, none, Some("same-origin"), true),
        (Some("GET"), none, Some("none"), true),
        (Some("POST"), allowed, Some("same-site"), true),
        (Some("DELETE"), allowed, Some("cross-site"), true),
        // A link from elsewhere.
        (Some("GET"), none, Some("cross-site"), true),
        (Some("HEAD"), none, Some("same-site"), true),
        // What a page elsewhere sends or reads.
        (Some("GET"), foreign, Some("cross-site"), false),
        (Some("GET"), foreign, none, false),
        (Some("GET"), Some("null"), Some("cross-site"), false),
        (Some("POST"), foreign, Some("cross-site"), false),
        (Some("POST"), none, Some("cross-site"), false),
        (Some("POST"), none, Some("same-site"), false),
        (Some("POST"), own, Some("same-site"), false),
        (Some("POST"), none, Some("garbage"), false),
        // A method that is not known may change something.
        (none, none, Some("cross-site"), false),
        (Some("TRACE"), none, Some("cross-site"), false),
        (Some("OPTIONS"), none, Some("cross-site"), false),
        (Some("get"), none, Some("cross-site"), false),
        (Some("G T"), none, Some("cross-site"), false),
    ] {
        let answer = asked_about(&laptop, method, origin, site).await;
        let told = if passes { (204, "") } else { (403, "cross_site_request") };
        assert_eq!((answer.status(), answer.code().as_str()), told, "{method:?} {origin:?} {site:?}: {:?}", answer.0);
    }
    let twice = laptop.get(PATH).header("x-forwarded-method", "GET").header("x-forwarded-method", "GET");
    twice.header("sec-fetch-site", "cross-site").await.refused("cross_site_request");
}

async fn asked_about(
    laptop: &Browser,
    method: Option<&str>,
    origin: Option<&str>,
    site: Option<&str>,
) -> crate::harness::answer::Answer {
    let given = [("x-forwarded-method", method), ("origin", origin), ("sec-fetch-site", site)];
    let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.fold(laptop.get(PATH), |call, (name, value)| call.header(name, value)).await
}

/// Else a page elsewhere, which can send a header with `fetch`, would choose it.
async fn believes_no_method_of_a_stranger(database: Database) {
    let app = TestApp::with(database, &[("TRUSTED_PROXIES", "192.0.2.1")]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    asked_about(&laptop, Some("GET"), None, None).await.is(204);
    asked_about(&laptop, Some("GET"), None, Some("cross-site")).await.refused("cross_site_request");
}
