//! What browsers do with bound sessions when something is out of the ordinary (`docs/design/device-bound.md`): each trap there is a story
//! here. A browser drops its binding for good when it is refused with 400, 401, 404 or 429.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::Browser;
use crate::harness::device::{BIND, Device, challenged, offered};
use crate::harness::time::{just_before, minutes, seconds};

const SECURE: &[(&str, &str)] = &[("SECURE_COOKIES", "on")];

both! {
    a_challenge_that_was_used_is_answered_with_a_new_one,
    an_old_challenge_is_answered_with_a_new_one,
    five_tabs_at_once_are_one_rotation,
    what_proves_nothing_is_asked_for_a_proof,
    what_registers_nothing_leaves_the_session_as_it_was,
    a_registration_is_for_the_first_minute_of_a_session,
    another_key_ends_the_session,
    too_much_is_503_and_never_429,
    many_asks_are_challenged_without_a_look,
    without_the_database_the_binding_stays,
    a_session_without_a_name_is_no_session,
    writes_that_the_database_lost_are_adopted,
    the_secret_of_a_bound_session_is_sealed,
    a_refresh_that_races_a_logout_revives_nothing,
}

async fn start(database: Database) -> TestApp {
    TestApp::with(database, SECURE).await
}

const GENERATION: &str = "SELECT max(generation) FROM sessions";

async fn a_challenge_that_was_used_is_answered_with_a_new_one(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let proof = bound.device.prove(&bound.challenge);
    laptop.refresh_by_device(&bound.name, &proof).await.ok();
    let (refresh, generation) = (laptop.refresh_cookie(), app.number(GENERATION).await);
    // Inside the window the answer may have been lost: the same refresh token again.
    app.clock.advance(seconds(29));
    laptop.refresh_by_device(&bound.name, &proof).await.ok();
    assert_eq!(laptop.refresh_cookie(), refresh);
    app.clock.advance(seconds(1));
    let answer = laptop.refresh_by_device(&bound.name, &proof).await;
    let (new, _) = challenged(&answer).expect("a new challenge");
    answer.refused("device_proof_required");
    assert_ne!(new, bound.challenge);
    assert_eq!(app.number(GENERATION).await, generation);
    app.clock.advance(minutes(2));
    laptop.refresh_by_device(&bound.name, &bound.device.prove(&new)).await.ok();
    // However old: the session does not end.
    let old = laptop.refresh_by_device(&bound.name, &proof).await;
    assert!(challenged(&old).is_some());
    old.refused("device_proof_required");
    laptop.me().await.ok();
}

async fn an_old_challenge_is_answered_with_a_new_one(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let proof = bound.device.prove(&bound.challenge);
    // The life of the cookie and five minutes.
    app.clock.advance(just_before(minutes(15)));
    let early = app.browser();
    early.refresh_by_device(&bound.name, &proof).await.ok();
    let (challenge, _) = challenged(&early.me().await).expect("a challenge");
    app.clock.advance(minutes(15));
    let late = laptop.refresh_by_device(&bound.name, &bound.device.prove(&challenge)).await;
    let (new, _) = challenged(&late).expect("a new challenge");
    late.refused("device_proof_required");
    laptop.refresh_by_device(&bound.name, &bound.device.prove(&new)).await.ok();
}

async fn five_tabs_at_once_are_one_rotation(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let proof = bound.device.prove(&bound.challenge);
    let tabs = std::array::from_fn::<_, 5, _>(|_| {
        let (tab, name, proof) = (laptop.clone(), bound.name.clone(), proof.clone());
        tokio::spawn(async move { tab.refresh_by_device(&name, &proof).await.ok() })
    });
    for tab in tabs {
        tab.await.expect("an answer");
    }
    assert_eq!(app.number(GENERATION).await, 2);
    laptop.me().await.ok();
}

/// Proofs that must not count, of this challenge, with the name of what is wrong.
fn bent(device: &Device, challenge: &str) -> Vec<(&'static str, String)> {
    let (header, claims) = device.parts(challenge);
    let with = |value: &Value, member: &str, new: Value| {
        let mut value = value.clone();
        value[member] = new;
        value
    };
    let good = device.sign(&header, &claims);
    let signed = &good[..good.rfind('.').expect("three parts")];
    let head = |member: &str, new: Value| device.sign(&with(&header, member, new), &claims);
    // The public key as the key of an HMAC.
    let confused = crate::harness::tokens::sign(
        &with(&header, "alg", json!("HS256")),
        &claims,
        device.jwk()["x"].as_str().expect("x").as_bytes(),
    );
    let mut cut = challenge.to_owned();
    cut.truncate(62);
    vec![
        ("nothing", String::new()),
        ("not a token", "garbage".into()),
        ("no signature", format!("{signed}.")),
        ("another key's signature", Device::new().sign(&header, &claims)),
        ("alg none", format!("{}.", head("alg", json!("none")).rsplit_once('.').expect("parts").0)),
        ("alg RS256", head("alg", json!("RS256"))),
        ("alg ES384", head("alg", json!("ES384"))),
        ("alg HS256", confused),
        ("typ JWT", head("typ", json!("JWT"))),
        ("no typ", head("typ", json!(null))),
        ("crit", head("crit", json!(["exp"]))),
        ("another challenge", device.prove("AAAA")),
        ("a cut challenge", device.prove(&cut)),
        ("no challenge", device.sign(&header, &json!({}))),
        ("a challenge that is a number", device.sign(&header, &json!({ "jti": 1 }))),
        ("claims that are a list", device.sign(&header, &json!([claims]))),
        ("very long", device.prove(&challenge.repeat(40))),
        ("four parts", format!("{good}.{good}")),
    ]
}

async fn what_proves_nothing_is_asked_for_a_proof(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let mut proofs = bent(&bound.device, &bound.challenge);
    let phone = app.browser();
    let login = phone.login("ann@example.com").header(BIND.0, BIND.1).await;
    let registration = offered(&login).expect("an offer");
    login.ok();
    proofs.push(("a challenge for a registration", bound.device.prove(&registration)));
    let other = app.browser().login_bound("ann@example.com").await;
    proofs.push(("another session's challenge", bound.device.prove(&other.challenge)));
    proofs.push(("another session's proof", other.device.prove(&other.challenge)));
    proofs.push(("another session's key", other.device.prove(&bound.challenge)));
    for (way, proof) in proofs {
        // Each from somewhere else, for an address has so many.
        let answer = app.browser().refresh_by_device(&bound.name, &proof).await;
        assert_eq!(answer.code(), "device_proof_required", "{way}: {:?}", answer.0);
        assert!(challenged(&answer).is_some(), "{way}");
    }
    assert_eq!(app.number(GENERATION).await, 1);
    laptop.refresh_by_device(&bound.name, &bound.device.prove(&bound.challenge)).await.ok();
}

async fn what_registers_nothing_leaves_the_session_as_it_was(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let login = laptop.login("ann@example.com").header(BIND.0, BIND.1).await;
    let challenge = offered(&login).expect("an offer");
    login.ok();
    let device = Device::new();
    let (header, claims) = device.parts(&challenge);
    let jwk = |member: &str, new: Value| {
        let mut header = header.clone();
        header["jwk"][member] = new;
        device.sign(&header, &claims)
    };
    let mut proofs = bent(&device, &challenge);
    let phone = app.browser();
    let login = phone.login("ann@example.com").header(BIND.0, BIND.1).await;
    proofs.extend([
        ("another session's challenge", device.prove(&offered(&login).expect("an offer"))),
        ("another curve", jwk("crv", json!("P-384"))),
        ("another key", jwk("x", Device::new().jwk()["x"].clone())),
        ("no point", jwk("y", json!("AAAA"))),
        ("a secret key", jwk("kty", json!("oct"))),
        ("no key", device.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &claims)),
    ]);
    login.ok();
    for (way, proof) in proofs {
        let answer = laptop.register_device(&proof).await;
        assert_eq!(answer.code(), "invalid_device_proof", "{way}: {:?}", answer.0);
    }
    laptop.post("/api/auth/device/register").await.refused("invalid_device_proof");
    app.browser().register_device(&device.prove(&challenge)).await.refused("not_authenticated");
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE device_key IS NOT NULL").await, 0);
    laptop.refresh().await.ok();
}

async fn a_registration_is_for_the_first_minute_of_a_session(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let begin = async |browser: &Browser| {
        let login = browser.login("ann@example.com").header(BIND.0, BIND.1).await;
        let challenge = offered(&login).expect("an offer");
        login.ok();
        challenge
    };
    let device = Device::new();
    let late = device.prove(&begin(&laptop).await);
    app.clock.advance(seconds(60));
    laptop.register_device(&late).await.refused("invalid_device_proof");
    // Who holds the cookies of a session that was refreshed may not be who logged in.
    let refreshed = device.prove(&begin(&laptop).await);
    laptop.refresh().await.ok();
    laptop.register_device(&refreshed).await.refused("invalid_device_proof");
    laptop.me().await.ok();
    // A lost answer: the same key again.
    let proof = device.prove(&begin(&laptop).await);
    let first = laptop.register_device(&proof).await.ok();
    let before = app.dump().await;
    assert_eq!(laptop.register_device(&proof).await.ok(), first);
    assert_eq!(app.dump().await, before);
}

async fn another_key_ends_the_session(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let login = laptop.login("ann@example.com").header(BIND.0, BIND.1).await;
    let challenge = offered(&login).expect("an offer");
    login.ok();
    let thief = app.browser();
    *thief.jar() = laptop.jar().clone();
    let (own, thiefs) = (Device::new(), Device::new());
    let registered = laptop.register_device(&own.prove(&challenge)).await;
    let (next, name) = challenged(&registered).expect("a challenge");
    registered.ok();
    // The challenge was stolen too, and in time. Nobody can tell who is who.
    thief.register_device(&thiefs.prove(&challenge)).await.refused("session_reuse_detected");
    laptop.me().await.refused("session_reuse_detected");
    thief.refresh().await.refused("session_reuse_detected");
    assert_eq!(laptop.refresh_by_device(&name, &own.prove(&next)).await.ok()["continue"], false);
    let audit = app.audit_of(app.id_of("ann@example.com").await).await;
    assert_eq!(audit.last().map(String::as_str), Some("session_ended device service"));
    laptop.login_bound("ann@example.com").await;
    laptop.me().await.ok();
}

async fn too_much_is_503_and_never_429(database: Database) {
    let app = TestApp::with(database, &[SECURE, &[("REFRESH_RATE_LIMIT", "3/1m")]].concat()).await;
    let laptop = app.register("ann@example.com").await;
    // The registration is one of them.
    let bound = laptop.login_bound("ann@example.com").await;
    let proof = bound.device.prove(&bound.challenge);
    for _ in 0..2 {
        laptop.refresh_by_device(&bound.name, &proof).await.ok();
    }
    let limited = laptop.refresh_by_device(&bound.name, &proof).await;
    assert_eq!(limited.retry_after(), 60);
    limited.refused("overloaded");
    // Asking alone takes none of its places, and a forged proof neither.
    laptop.ask_by_device(&bound.name).await.refused("device_proof_required");
    app.clock.advance(seconds(60));
    let stranger = app.browser();
    let forged = Device::new().prove(&bound.challenge);
    for _ in 0..60 {
        stranger.refresh_by_device(&bound.name, &forged).await.refused("device_proof_required");
    }
    stranger.refresh_by_device(&bound.name, &forged).await.refused("overloaded");
    laptop.renew(&bound).await.ok();
}

async fn many_asks_are_challenged_without_a_look(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    laptop.renew(&bound).await.ok();
    for _ in 0..59 {
        laptop.ask_by_device(&bound.name).await.refused("device_proof_required");
    }
    // There is none of this name, and nobody looks.
    laptop.ask_by_device("AAAAAAAAAAAAAAAAAAAAAA").await.refused("device_proof_required");
    app.clock.advance(minutes(9));
    for _ in 0..60 {
        laptop.ask_by_device(&bound.name).await.refused("device_proof_required");
    }
    // Such a challenge is good, of whatever generation the session is; of an old one, too, and not for ever.
    let asked = laptop.ask_by_device(&bound.name).await;
    let (challenge, _) = challenged(&asked).expect("a challenge");
    asked.refused("device_proof_required");
    laptop.refresh_by_device(&bound.name, &bound.device.prove(&challenge)).await.ok();
    app.clock.advance(minutes(15));
    laptop.refresh_by_device(&bound.name, &bound.device.prove(&challenge)).await.refused("device_proof_required");
    laptop.renew(&bound).await.ok();
}

async fn without_the_database_the_binding_stays(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    app.lose_database().await;
    laptop.ask_by_device(&bound.name).await.refused("database_unavailable");
    let proof = bound.device.prove(&bound.challenge);
    laptop.refresh_by_device(&bound.name, &proof).await.refused("database_unavailable");
    app.clock.advance(minutes(11));
    assert!(matches!(laptop.refresh().await.status(), 503));
}

async fn a_session_without_a_name_is_no_session(database: Database) {
    let app = start(database).await;
    let browser = app.browser();
    browser.post("/api/auth/device/refresh").await.refused("invalid_device_proof");
    for name in ["", "x", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", "ÄÄÄÄÄÄÄÄÄÄÄ"] {
        browser.ask_by_device(name).await.refused("invalid_device_proof");
    }
    // As a token instead of a string.
    let call = browser.post("/api/auth/device/refresh").header("sec-secure-session-id", "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(call.await.ok()["continue"], false);
}

async fn writes_that_the_database_lost_are_adopted(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let bound = laptop.login_bound("ann@example.com").await;
    let renewed = laptop.refresh_by_device(&bound.name, &bound.device.prove(&bound.challenge)).await;
    let (challenge, _) = challenged(&renewed).expect("a challenge");
    renewed.ok();
    app.execute("UPDATE sessions SET generation = 1, confirmed_generation = 0").await;
    app.clock.advance(minutes(9));
    laptop.refresh_by_device(&bound.name, &bound.device.prove(&challenge)).await.ok();
    assert_eq!(app.number(GENERATION).await, 3);
    let audit = app.audit_of(app.id_of("ann@example.com").await).await;
    assert_eq!(audit.last().map(String::as_str), Some("generation_ahead"));
    // The binding itself was lost: the browser is told so, and its cookies are good as they were.
    app.execute("UPDATE sessions SET device_session = NULL, device_key = NULL, secret = secret").await;
    assert_eq!(laptop.ask_by_device(&bound.name).await.ok()["continue"], false);
}

/// The version before looks at the stored secret as it is: it finds no token of a bound session authentic.
async fn the_secret_of_a_bound_session_is_sealed(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let login = laptop.login("ann@example.com").header(BIND.0, BIND.1).await;
    let challenge = offered(&login).expect("an offer");
    login.ok();
    let before = app.bytes("sessions", "secret").await.remove(0);
    laptop.register_device(&Device::new().prove(&challenge)).await.ok();
    let after = app.bytes("sessions", "secret").await.remove(0);
    assert_eq!(after, before.iter().map(|byte| !byte).collect::<Vec<_>>());
    let key = |secret: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, secret);
    assert!(hmac::verify(&key(&after), b"x", hmac::sign(&key(&before), b"x").as_ref()).is_err());
}

async fn a_refresh_that_races_a_logout_revives_nothing(database: Database) {
    let app = start(database).await;
    let laptop = app.register("ann@example.com").await;
    let phone = app.browser();
    for _ in 0..5 {
        let bound = laptop.login_bound("ann@example.com").await;
        *phone.jar() = laptop.jar().clone();
        let proof = bound.device.prove(&bound.challenge);
        let tab = laptop.clone();
        let (refreshed, out) =
            tokio::join!(async { laptop.refresh_by_device(&bound.name, &proof).await.status() }, async {
                tab.logout().await.status()
            });
        assert_eq!((refreshed, out), (200, 200));
        laptop.me().await.refused(if laptop.jar().has_token() { "session_ended" } else { "not_authenticated" });
        assert_eq!(phone.refresh_by_device(&bound.name, &proof).await.ok()["continue"], false);
    }
}
