//! Sessions that are bound to a device: the owner goes on, and a copy of the cookies opens nothing.

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;
use crate::harness::cookies::SetCookie;
use crate::harness::device::{BIND, Device, challenged, offered};
use crate::harness::time::{minutes, seconds};
use crate::harness::tokens;

/// As in production, on this machine.
const SECURE: &[(&str, &str)] = &[("SECURE_COOKIES", "on"), ("ALLOWED_ORIGINS", "https://app.example.com")];

both! {
    a_login_is_bound_and_goes_on_by_proofs,
    the_cookie_is_described_as_it_is_set,
    a_thief_with_every_cookie_and_no_key_gets_nothing,
    only_who_says_so_is_offered_it,
    it_is_off_where_browsers_could_not,
    a_page_that_asks_to_refresh_is_told_how_it_stands,
    a_browser_without_its_cookies_proves_itself_alone,
    logging_out_ends_the_binding_and_touches_no_cookie,
    what_ends_a_session_ends_its_binding,
    a_password_change_begins_a_session_that_offers_its_own,
    a_login_to_the_same_account_replaces_a_bound_session,
    a_newer_login_to_another_account_keeps_its_cookies,
    a_change_of_keys_leaves_bindings,
    required_ends_what_stays_unbound,
    the_list_of_sessions_says_it,
}

async fn start(database: Database) -> TestApp {
    TestApp::with(database, SECURE).await
}

async fn a_login_is_bound_and_goes_on_by_proofs(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let mut bound = laptop.login_bound("ann@example.com").await;
    let me = laptop.me().await;
    // In advance, with whatever is answered in this session: the next refresh takes one request.
    let (challenge, name) = challenged(&me).expect("the next challenge");
    assert_eq!((&challenge, &name), (&bound.challenge, &bound.name));
    me.ok();
    for _ in 0..5 {
        app.clock.advance(minutes(9));
        let before = laptop.refresh_cookie();
        let renewed = laptop.refresh_by_device(&bound.name, &bound.device.prove(&bound.challenge)).await;
        let cookies = renewed.cookies();
        assert_eq!(
            cookies.iter().map(SetCookie::max_age).collect::<Vec<_>>(),
            [Some(600), Some(604_800), Some(604_800)]
        );
        bound.challenge = challenged(&renewed).expect("the next challenge").0;
        assert_eq!(renewed.ok()["session_identifier"], bound.name.as_str());
        assert_ne!(laptop.refresh_cookie(), before);
        laptop.me().await.ok();
    }
    app.clock.advance(minutes(60));
    laptop.me().await.refused("token_expired");
    laptop.renew(&bound).await.ok();
    laptop.me().await.ok();
    let id = app.id_of("ann@example.com").await;
    assert_eq!(app.audit_of(id).await, ["registered", "login_succeeded", "device_bound"]);
}

async fn the_cookie_is_described_as_it_is_set(database: Database) {
    for same_site in ["strict", "lax"] {
        let app = TestApp::with(database, &[SECURE, &[("COOKIE_SAMESITE", same_site)]].concat()).await;
        let laptop = app.register("ann@example.com").await;
        let login = laptop.login("ann@example.com").header(BIND.0, BIND.1).await;
        let challenge = offered(&login).expect("an offer");
        // As short as those of a bound session from the beginning.
        assert_eq!(login.cookies()[0].max_age(), Some(600));
        login.ok();
        let registered = laptop.register_device(&Device::new().prove(&challenge)).await;
        let set = registered.cookies();
        let config = registered.ok();
        assert_eq!(set.len(), 1);
        let credential = &config["credentials"][0];
        assert_eq!(credential["name"], set[0].name.as_str());
        // Read in the same way, they are the same but for the life.
        let described = format!("x=; {}", credential["attributes"].as_str().expect("attributes"));
        let mut headers = http::HeaderMap::new();
        headers.insert("set-cookie", described.parse().expect("a header"));
        let mut expected = set[0].attributes.clone();
        assert_eq!(expected.remove("max-age"), Some(Some("600".into())));
        assert_eq!(SetCookie::all(&headers)[0].attributes, expected);
        assert_eq!(config["scope"], json!({ "include_site": false }));
        assert_eq!(config["allowed_refresh_initiators"], json!(["app.example.com"]));
        assert_eq!(config["refresh_url"], "/api/auth/device/refresh");
    }
}

async fn a_thief_with_every_cookie_and_no_key_gets_nothing(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let thief = app.browser();
    *thief.jar() = laptop.jar().clone();
    // The stated limit: the life of one access token.
    thief.me().await.ok();
    app.clock.advance(seconds(605));
    thief.me().await.refused("token_expired");
    let before = app.number("SELECT generation FROM sessions").await;
    for _ in 0..15 {
        thief.refresh().await.refused("device_proof_required");
    }
    let asked = thief.ask_by_device(&bound.name).await;
    let (challenge, _) = challenged(&asked).expect("a challenge");
    asked.refused("device_proof_required");
    // With a key of the thief's own, or as another session's.
    let own = Device::new();
    thief.refresh_by_device(&bound.name, &own.prove(&challenge)).await.refused("device_proof_required");
    assert!(thief.jar().has_token(), "a refusal clears no cookie");
    assert_eq!(app.number("SELECT generation FROM sessions").await, before);

    // The owner is untouched, and the audit tells; not without an end.
    laptop.renew(&bound).await.ok();
    laptop.me().await.ok();
    let audit = app.audit_of(app.id_of("ann@example.com").await).await;
    assert_eq!(audit[..3], ["registered", "login_succeeded", "device_bound"]);
    assert_eq!(audit[3..], vec!["device_proof_missing"; 10]);
    // Nor does the copy become good when the owner has gone on.
    thief.refresh().await.refused("device_proof_required");
}

async fn only_who_says_so_is_offered_it(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    for other in [None, Some("yes"), Some("")] {
        let call = laptop.login("ann@example.com");
        let login = match other {
            Some(value) => call.header(BIND.0, value).await,
            None => call.await,
        };
        assert_eq!(offered(&login), None);
        assert_eq!(login.cookies()[0].max_age(), Some(3_600));
        login.ok();
    }
    // As always.
    app.clock.advance(minutes(60));
    laptop.refresh().await.ok();
    let me = laptop.me().await;
    assert_eq!(challenged(&me), None);
    me.ok();
    // A browser that can't: its session is as it would be without.
    laptop.login("ann@example.com").header(BIND.0, BIND.1).await.ok();
    app.clock.advance(minutes(11));
    laptop.me().await.refused("token_expired");
    let refreshed = laptop.refresh().await;
    assert_eq!(refreshed.cookies()[0].max_age(), Some(3_600));
    refreshed.ok();
}

async fn it_is_off_where_browsers_could_not(database: Database) {
    let shared = [("SECURE_COOKIES", "on"), ("COOKIE_DOMAIN", "example.com")];
    let off = [("SECURE_COOKIES", "on"), ("DEVICE_BOUND_SESSIONS", "off")];
    for settings in [&[][..], &shared, &off] {
        let app = TestApp::with(database, settings).await;
        let laptop = app.register("ann@example.com").await;
        let login = laptop.login("ann@example.com").header(BIND.0, BIND.1).await;
        assert_eq!(offered(&login), None);
        login.ok();
    }
}

async fn a_page_that_asks_to_refresh_is_told_how_it_stands(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    // The browser has renewed it by itself: nothing is left to do, and nothing is set.
    let refreshed = laptop.refresh().await;
    assert!(refreshed.cookies().is_empty() && refreshed.header("x-doorward-session").is_some());
    refreshed.ok();
    app.clock.advance(minutes(11));
    laptop.refresh().await.refused("device_proof_required");
    // The browser says that it has tried: it is to try again. That opens nothing.
    let skipped = laptop.refresh().header("secure-session-skipped", "server_error").await;
    assert_eq!((skipped.retry_after(), skipped.cookies().len()), (5, 0));
    skipped.refused("overloaded");
    let state = laptop.get("/api/auth/state").await.ok();
    assert_eq!((&state["user"], &state["refreshable"]), (&json!(null), &json!(true)));
    laptop.renew(&bound).await.ok();
    laptop.refresh().await.ok();
    // An access token of another session proves nothing for this one.
    let bob = app.register("bob@example.com").await;
    bob.login("bob@example.com").await.ok();
    let (access, refresh) = (bob.access_cookie(), laptop.refresh_cookie());
    let cookies = format!("__Host-access_token={access}; __Host-refresh_token={refresh}");
    app.browser().refresh().header("cookie", cookies).await.refused("device_proof_required");
}

async fn a_browser_without_its_cookies_proves_itself_alone(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    // Killed before the cookies were on the disk: the binding is there, and nothing else.
    let restarted = app.browser();
    restarted.me().await.refused("not_authenticated");
    restarted.renew(&bound).await.ok();
    assert_eq!(restarted.me().await.ok()["email"], "ann@example.com");
    restarted.logout().await.ok();
    restarted.me().await.refused("not_authenticated");
}

async fn logging_out_ends_the_binding_and_touches_no_cookie(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let proof = bound.device.prove(&bound.challenge);
    laptop.logout().await.ok();
    for jwt in [None, Some(proof.as_str())] {
        let ask = laptop.ask_by_device(&bound.name);
        let answer = match jwt {
            Some(jwt) => ask.header("secure-session-response", jwt).await,
            None => ask.await,
        };
        assert!(answer.cookies().is_empty() && challenged(&answer).is_none());
        assert_eq!(answer.ok(), json!({ "session_identifier": bound.name, "continue": false }));
    }
    laptop.me().await.refused("not_authenticated");
    // The refresh token of a bound session still logs out: it proves that its holder was there.
    let bound = laptop.login_bound("ann@example.com").await;
    laptop.lose_access_cookie();
    laptop.logout().await.ok();
    assert_eq!(laptop.ask_by_device(&bound.name).await.ok()["continue"], false);
}

async fn what_ends_a_session_ends_its_binding(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let over = async |name: &str| laptop.ask_by_device(name).await.ok()["continue"] == false;
    // From another device.
    let bound = laptop.login_bound("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    phone.post("/api/auth/logout-all").json(&json!({ "keep_current": true })).await.ok();
    assert!(over(&bound.name).await);
    // Unused for too long.
    let bound = laptop.login_bound("ann@example.com").await;
    app.clock.advance(minutes(7 * 24 * 60));
    assert!(over(&bound.name).await);
    // An account that is disabled comes back to what it was.
    let bound = laptop.login_bound("ann@example.com").await;
    app.disable("ann@example.com").await;
    assert!(over(&bound.name).await);
    // Never been.
    assert!(over("AAAAAAAAAAAAAAAAAAAAAA").await);
}

async fn a_password_change_begins_a_session_that_offers_its_own(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let old = laptop.login_bound("ann@example.com").await;
    let body = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
    let changed = laptop.post("/api/auth/password").header(BIND.0, BIND.1).json(&body).await;
    let challenge = offered(&changed).expect("an offer");
    changed.ok();
    let registered = laptop.register_device(&old.device.prove(&challenge)).await;
    let (_, name) = challenged(&registered).expect("a challenge");
    registered.ok();
    assert_ne!(name, old.name);
    // A late answer to the old one must not clear the new one's cookies.
    let answer = laptop.ask_by_device(&old.name).await;
    assert!(answer.cookies().is_empty());
    assert_eq!(answer.ok()["continue"], false);
    laptop.me().await.ok();
}

async fn a_login_to_the_same_account_replaces_a_bound_session(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let old = laptop.login_bound("ann@example.com").await;
    app.clock.advance(minutes(11));
    let new = laptop.login_bound("ann@example.com").await;
    assert_eq!(laptop.ask_by_device(&old.name).await.ok()["continue"], false);
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE end_reason = 'replaced'").await, 1);
    laptop.renew(&new).await.ok();
}

async fn a_newer_login_to_another_account_keeps_its_cookies(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let ann = laptop.login_bound("ann@example.com").await;
    app.register("bob@example.com").await;
    // Somebody else who holds a copy of Ann's cookies can't end her session by logging in to an account of their own.
    laptop.login("bob@example.com").await.ok();
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL").await, 0);
    let proof = ann.device.prove(&ann.challenge);
    for _ in 0..2 {
        let answer = laptop.refresh_by_device(&ann.name, &proof).await;
        assert!(answer.cookies().is_empty());
        assert_eq!(answer.ok()["continue"], false);
        // By the refresh token, too.
        laptop.lose_access_cookie();
    }
    laptop.refresh().await.ok();
    assert_eq!(laptop.me().await.ok()["email"], "bob@example.com");
}

async fn a_change_of_keys_leaves_bindings(database: Database) {
    const OTHER: &str = "another-canary-key-of-the-tests-5be1d7";
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let settings =
        [SECURE, &[("JWT_SECRET_KEY", OTHER), ("JWT_SECRET_KEY_PREVIOUS", crate::harness::app::KEY)]].concat();
    let app = app.restart(&settings).await;
    let laptop = app.visit(&laptop);
    laptop.refresh_by_device(&bound.name, &bound.device.prove(&bound.challenge)).await.ok();
    let app = app.restart(&[SECURE, &[("JWT_SECRET_KEY", OTHER)]].concat()).await;
    let laptop = app.visit(&laptop);
    laptop.me().await.ok();
    laptop.renew(&bound).await.ok();
    laptop.logout().await.ok();
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE end_reason = 'logout'").await, 1);
}

const ENDED: &str = "SELECT count(*) FROM sessions WHERE end_reason = 'unbound'";

async fn required_ends_what_stays_unbound(database: Database) {
    let app = TestApp::with(database, &[SECURE, &[("DEVICE_BOUND_SESSIONS", "required")]].concat()).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let (phone, tablet, forgotten) = (app.browser(), app.browser(), app.browser());
    for browser in [&phone, &tablet, &forgotten] {
        browser.login("ann@example.com").await.ok();
        browser.me().await.ok();
    }
    app.clock.advance(seconds(59));
    phone.me().await.ok();
    app.clock.advance(seconds(1));
    // Who merely asks how things stand changes nothing.
    assert_eq!(phone.get("/api/auth/state").await.ok()["refreshable"], false);
    assert_eq!(app.number(ENDED).await, 0);
    // Whoever uses it learns of its end: by the access token, and by the refresh token alone.
    phone.me().await.refused("device_binding_required");
    tablet.lose_access_cookie();
    tablet.refresh().await.refused("device_binding_required");
    assert_eq!(app.number(ENDED).await, 2);
    laptop.me().await.ok();
    laptop.renew(&bound).await.ok();
    let listed = laptop.get("/api/auth/sessions").await.ok();
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(1), "{listed}");
    let audit = app.audit_of(app.id_of("ann@example.com").await).await;
    assert_eq!(audit.iter().filter(|record| *record == "session_ended unbound service").count(), 2, "{audit:?}");

    // It is an end, with its reason, also when binding is not required any more; what nobody has used is as it was.
    let app = app.restart(SECURE).await;
    let (phone, tablet, forgotten) = (app.visit(&phone), app.visit(&tablet), app.visit(&forgotten));
    for _ in 0..2 {
        phone.me().await.refused("device_binding_required");
        phone.refresh().await.refused("device_binding_required");
        tablet.refresh().await.refused("device_binding_required");
    }
    forgotten.me().await.ok();
    let audit = app.audit_of(app.id_of("ann@example.com").await).await;
    assert_eq!(audit.iter().filter(|record| *record == "session_ended unbound service").count(), 2, "{audit:?}");
}

async fn the_list_of_sessions_says_it(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    laptop.login_bound("ann@example.com").await;
    let phone = app.browser();
    phone.login("ann@example.com").await.ok();
    let listed = phone.get("/api/auth/sessions").await.ok();
    let session = |index: usize| {
        let session = &listed["sessions"][index];
        (session["current"].as_bool(), session["bound"].as_bool())
    };
    let mut sessions = [session(0), session(1)];
    sessions.sort_unstable();
    assert_eq!(sessions, [(Some(false), Some(true)), (Some(true), Some(false))]);
    // It has another name in tokens than the one that browsers use.
    let sid = tokens::claims(&laptop.access_cookie())["sid"].as_str().expect("sid").to_owned();
    laptop.get("/api/auth/sessions").await.ok();
    assert_eq!(laptop.ask_by_device(&sid).await.ok()["continue"], false);
}
