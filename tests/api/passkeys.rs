//! Passkeys: added, named and removed; signing in by one alone, as a second factor, and once more in a session

use http::Method;
use serde_json::{Value, json};

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;
use crate::harness::operations::Operation;
use crate::harness::passkey::{PRESENT, Passkey, SYNCED};
use crate::harness::time::minutes;
use crate::harness::tokens::claims;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

both! {
    a_passkey_alone_signs_in,
    beside_the_password_it_is_one_of_two,
    it_proves_once_more_who_asks,
    they_are_listed_named_and_removed,
    a_challenge_is_for_one_thing_one_person_and_ten_minutes,
    of_uses_at_once_exactly_one_works,
    a_counter_that_goes_back_locks_nobody_out,
    what_nobody_has_is_told_where_that_is_wanted_alone,
    an_id_that_is_taken_is_refused,
    an_account_has_at_most_twenty,
    an_operator_takes_them_away,
    where_everybody_needs_one_the_last_stays,
    they_are_for_one_domain,
    nothing_that_opens_anything_is_told_or_exported,
    an_answer_is_refused_in_which_anything_is_another,
}

async fn a_passkey_alone_signs_in(app: TestApp) {
    let phone = app.register_and_login(ANN).await;
    let laptop = app.browser();
    laptop.login(ANN).await.ok();
    let (passkey, added) = laptop.set_up_passkey("  Ann's laptop ").await;
    assert_eq!(added["recovery_codes"].as_array().map(Vec::len), Some(10));
    assert_eq!(added["passkey"]["name"], "Ann's laptop");
    assert_eq!((&added["passkey"]["synced"], &added["passkey"]["last_used_at"]), (&json!(true), &Value::Null));
    // The session that added it has proved both; the others are over.
    assert_eq!(claims(&laptop.access_cookie())["amr"], json!(["pwd", "swk", "mfa"]));
    phone.me().await.refused("session_revoked");
    // Another one is not the first: no codes.
    app.clock.advance(minutes(1));
    let (_, second) = laptop.set_up_passkey("Key").await;
    assert_eq!(second["recovery_codes"], Value::Null);

    app.clock.advance(minutes(1));
    let answer = phone.sign_in(&passkey).await;
    let names: Vec<_> = answer.cookies().into_iter().map(|cookie| cookie.name.clone()).collect();
    assert_eq!(names, ["access_token", "session_hint", "refresh_token", "device", "recent_proof"]);
    answer.ok();
    assert_eq!(phone.me().await.ok()["email"], ANN);
    let proved = claims(&phone.access_cookie());
    assert_eq!((&proved["amr"], &proved["auth_time"]), (&json!(["swk", "mfa"]), &json!(app.clock.now().seconds())));
    let listed = phone.factors().await.ok();
    assert_eq!(listed["passkeys"].as_array().map(Vec::len), Some(2));
    assert_ne!(listed["passkeys"][0]["last_used_at"], Value::Null);
    assert_eq!(
        app.audit_of(app.id_of(ANN).await).await,
        [
            "registered",
            "login_succeeded",
            "login_succeeded",
            "session_ended second_factor",
            "factor_added passkey",
            "factor_added passkey",
            "login_succeeded passkey"
        ]
    );
    // Nobody was verified: then it is one kind, and no sign-in.
    let unsure = Passkey { flags: PRESENT | SYNCED, ..passkey.clone() };
    app.browser().sign_in(&unsure).await.refused("incorrect_passkey");
    let id = app.id_of(ANN).await;
    app.operate(id, Operation::Disable, false).await;
    app.browser().sign_in(&passkey).await.refused("incorrect_passkey");
}

async fn beside_the_password_it_is_one_of_two(app: TestApp) {
    let (_, passkey, added) = app.with_passkey(ANN).await;
    let browser = app.browser();
    // There is nothing to ask for before the password.
    browser.second_factor_options().await.refused("login_ticket_expired");
    let problem = browser.login(ANN).await.refused("second_factor_required");
    assert_eq!(problem["methods"], json!(["recovery_code", "passkey"]));
    let options = browser.second_factor_options().await.ok();
    assert_eq!(options["allowCredentials"].as_array().map(Vec::len), Some(1));
    assert_eq!(options["userVerification"], "preferred");
    // Whoever knows the password need not be verified once more.
    let touched = Passkey { flags: PRESENT | SYNCED, handle: None, ..passkey.clone() };
    browser.second_factor_passkey(&touched.assertion(&options)).await.ok();
    assert_eq!(claims(&browser.access_cookie())["amr"], json!(["pwd", "swk", "mfa"]));
    assert_eq!(browser.cookie("login_ticket"), None);

    // Another person's, or one for another page, proves nothing, and the ticket is good still.
    let (_, bobs, _) = app.with_passkey(BOB).await;
    let other = app.browser();
    other.half_login(ANN).await;
    let options = other.second_factor_options().await.ok();
    other.second_factor_passkey(&bobs.assertion(&options)).await.refused("incorrect_second_factor");
    let elsewhere = Passkey { origin: "https://evil.example".into(), ..passkey.clone() };
    other.second_factor_passkey(&elsewhere.assertion(&options)).await.refused("incorrect_second_factor");
    // A recovery code is in its place.
    other.recover(added["recovery_codes"][0].as_str().unwrap()).await.ok();
    assert_eq!(claims(&other.access_cookie())["amr"], json!(["pwd", "otp", "mfa"]));
    let audit = app.audit_of(app.id_of(ANN).await).await;
    assert_eq!(audit.iter().filter(|line| *line == "second_factor_failed passkey").count(), 2);
}

async fn it_proves_once_more_who_asks(app: TestApp) {
    let (browser, passkey, _) = app.with_passkey(ANN).await;
    app.clock.advance(minutes(11));
    let problem = browser.creation_options().await.refused("reauthentication_required");
    assert_eq!(problem["methods"], json!(["password", "recovery_code", "passkey"]));
    browser.reauthenticate(&json!({ "password": PASSWORD })).await.refused("reauthentication_required");
    // Nothing at all is refused by its field.
    browser.reauthenticate(&json!({})).await.refused("validation_failed");
    let unsure = Passkey { flags: PRESENT | SYNCED, ..passkey.clone() };
    browser.prove_by(&unsure).await.refused("reauthentication_required");
    browser.creation_options().await.refused("reauthentication_required");
    let options = browser.reproof_options().await.ok();
    assert_eq!(options["userVerification"], "required");
    let both = json!({ "password": PASSWORD, "passkey": unsure.assertion(&options) });
    browser.reauthenticate(&both).await.ok();
    browser.creation_options().await.ok();
    app.clock.advance(minutes(11));
    browser.prove_by(&passkey).await.ok();
    assert_eq!(claims(&browser.access_cookie())["amr"], json!(["swk", "mfa"]));
    // The password is changed with that, and the session that goes on has proved as much.
    let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
    browser.post("/api/auth/password").json(&change).await.ok();
    assert_eq!(claims(&browser.access_cookie())["amr"], json!(["pwd", "swk", "mfa"]));
    browser.me().await.ok();
    let nobodys = app.register_and_login(BOB).await;
    nobodys.reproof_options().await.refused("no_factor");
}

async fn they_are_listed_named_and_removed(app: TestApp) {
    let (browser, passkey, added) = app.with_passkey(ANN).await;
    let code = added["recovery_codes"][0].as_str().unwrap();
    app.clock.advance(minutes(1));
    let (key, second) = browser.set_up_passkey("Key").await;
    let (first, second) = (&added["passkey"]["id"], &second["passkey"]["id"]);
    let named = |id: &Value, name: &str| {
        let path = format!("/api/auth/me/passkeys/{}", id.as_str().unwrap());
        browser.call(Method::PATCH, &path).json(&json!({ "name": name }))
    };
    assert_eq!(named(first, "Blue").await.ok()["name"], "Blue");
    for bad in ["", "  ", "a\u{7}b", &"x".repeat(61)] {
        named(first, bad).await.refused("validation_failed");
    }
    named(&json!("Huk0zwUiSR4aN4igtFYDPg"), "Blue").await.refused("passkey_not_found");
    named(&json!("nonsense"), "Blue").await.refused("passkey_not_found");
    let listed = browser.factors().await.ok();
    let called: Vec<_> = listed["passkeys"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(called, ["Blue", "Key"]);
    assert_eq!((&listed["totp"], &listed["recovery_codes"]["left"]), (&Value::Null, &json!(10)));
    // Nobody touches another person's.
    let bob = app.register_and_login(BOB).await;
    bob.remove_passkey(first).await.refused("passkey_not_found");

    // Of two one goes: the other signs in, and the codes are good.
    browser.remove_passkey(first).await.is(204);
    browser.remove_passkey(first).await.refused("passkey_not_found");
    app.browser().sign_in(&passkey).await.refused("incorrect_passkey");
    app.browser().sign_in(&key).await.ok();
    let other = app.browser();
    other.half_login(ANN).await;
    // With the last one go the codes and the ticket, and the password is enough.
    browser.remove_passkey(second).await.is(204);
    other.recover(code).await.refused("login_ticket_expired");
    assert_eq!(browser.factors().await.ok()["recovery_codes"], Value::Null);
    other.login(ANN).await.ok();
    assert!(app.hash_of(ANN).await.starts_with("$2"));
}

async fn a_challenge_is_for_one_thing_one_person_and_ten_minutes(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "100/1m")]).await;
    let (browser, passkey, _) = app.with_passkey(ANN).await;
    let login = browser.passkey_options().await.ok();
    let reproof = browser.reproof_options().await.ok();
    let register = browser.creation_options().await.ok();
    let waiting = app.browser();
    waiting.half_login(ANN).await;
    let second = waiting.second_factor_options().await.ok();
    let again = |options: &Value| json!({ "passkey": passkey.assertion(options) });
    for wrong in [&login, &register] {
        browser.reauthenticate(&again(wrong)).await.refused("passkey_challenge_expired");
    }
    for wrong in [&reproof, &register] {
        browser.login_passkey(&passkey.assertion(wrong)).await.refused("passkey_challenge_expired");
    }
    let another = Passkey::of(&register);
    for wrong in [&login, &reproof] {
        browser.add_passkey(&another.attestation(wrong), "x").await.refused("passkey_challenge_expired");
    }
    // What this browser was not given is nothing to it, though it is authentic: nor in another session of the same person.
    waiting.login_passkey(&passkey.assertion(&login)).await.refused("passkey_challenge_expired");
    waiting.second_factor_passkey(&passkey.assertion(&login)).await.refused("passkey_challenge_expired");
    let held = browser.cookie("passkey_ceremony").unwrap();
    let elsewhere = app.browser();
    elsewhere.sign_in(&passkey).await.ok();
    elsewhere.jar().set("passkey_ceremony", &held);
    elsewhere.reauthenticate(&again(&reproof)).await.refused("passkey_challenge_expired");
    elsewhere.add_passkey(&another.attestation(&register), "x").await.refused("passkey_challenge_expired");
    // Of another ticket of the same person.
    let ticket = waiting.cookie("passkey_ceremony").unwrap();
    let next = app.browser();
    next.half_login(ANN).await;
    next.jar().set("passkey_ceremony", &ticket);
    next.second_factor_passkey(&passkey.assertion(&second)).await.refused("passkey_challenge_expired");
    // Each for what it is; and once.
    waiting.second_factor_passkey(&passkey.assertion(&second)).await.ok();
    browser.reauthenticate(&again(&reproof)).await.ok();
    browser.reauthenticate(&again(&reproof)).await.refused("passkey_challenge_expired");
    browser.add_passkey(&another.attestation(&register), "x").await.ok();
    browser.add_passkey(&Passkey::of(&register).attestation(&register), "x").await.refused("passkey_challenge_expired");

    let tab = app.browser();
    let early = tab.passkey_options().await.ok();
    app.clock.advance(minutes(10));
    tab.login_passkey(&passkey.assertion(&early)).await.refused("passkey_challenge_expired");
    // Four tabs hold theirs at once, the fifth pushes the first out.
    let mut tabs = Vec::new();
    for _ in 0..5 {
        app.clock.advance(std::time::Duration::from_secs(1));
        tabs.push(tab.passkey_options().await.ok());
    }
    tab.login_passkey(&passkey.assertion(&tabs[0])).await.refused("passkey_challenge_expired");
    for options in &tabs[1..] {
        tab.login_passkey(&passkey.assertion(options)).await.ok();
    }
}

/// On two nodes, where there is a database that two can share.
async fn of_uses_at_once_exactly_one_works(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "100/1m")]).await;
    let other = match database {
        Database::Postgres => Some(app.another_node(&[("LOGIN_RATE_LIMIT", "100/1m")]).await),
        Database::Sqlite => None,
    };
    let there = other.as_ref().unwrap_or(&app);
    let (laptop, passkey, _) = app.with_passkey(ANN).await;
    let live = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
    for round in 0..6 {
        let one = app.browser();
        let tab = there.visit(&one);
        let before = app.number(live).await;
        let (first, second, new) = match round {
            0..3 => {
                let options = one.passkey_options().await.ok();
                let answer = passkey.assertion(&options);
                let (first, second) = tokio::join!(one.login_passkey(&answer), tab.login_passkey(&answer));
                (first, second, 1)
            }
            3 | 4 => {
                one.half_login(ANN).await;
                let options = one.second_factor_options().await.ok();
                let answer = passkey.assertion(&options);
                let (first, second) =
                    tokio::join!(one.second_factor_passkey(&answer), tab.second_factor_passkey(&answer));
                (first, second, 1)
            }
            _ => {
                let options = laptop.creation_options().await.ok();
                let (mine, other) = (Passkey::of(&options), Passkey::of(&options));
                let elsewhere = there.visit(&laptop);
                let (mine, other) = (mine.attestation(&options), other.attestation(&options));
                let (first, second) =
                    tokio::join!(laptop.add_passkey(&mine, "one"), elsewhere.add_passkey(&other, "two"));
                (first, second, 0)
            }
        };
        let statuses = [first.status(), second.status()];
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "round {round}: {statuses:?}");
        assert!(statuses.iter().all(|status| *status < 500), "round {round}: {statuses:?}");
        assert_eq!(app.number(live).await, before + new, "round {round}");
    }
    assert_eq!(app.count("passkeys").await, 2);
}

async fn a_counter_that_goes_back_locks_nobody_out(app: TestApp) {
    let (_, passkey, _) = app.with_passkey(ANN).await;
    let id = app.id_of(ANN).await;
    let told = async || app.audit_of(id).await.iter().filter(|line| *line == "passkey_counter_back").count();
    for (count, back) in [(0, 0), (5, 0), (6, 0), (6, 1), (3, 2), (0, 3), (7, 3)] {
        app.browser().sign_in(&Passkey { count, ..passkey.clone() }).await.ok();
        assert_eq!(told().await, back, "{count}");
    }
}

async fn what_nobody_has_is_told_where_that_is_wanted_alone(database: Database) {
    let app = TestApp::with(database, &[("PASSKEY_TELL_UNKNOWN", "on")]).await;
    let (browser, passkey, added) = app.with_passkey(ANN).await;
    let stranger = Passkey { id: vec![9; 32], ..passkey.clone() };
    app.browser().sign_in(&stranger).await.refused("unknown_passkey");
    // A page that was given no challenge learns nothing.
    app.browser()
        .login_passkey(&stranger.assertion(&json!({ "challenge": "AAAA" })))
        .await
        .refused("passkey_challenge_expired");
    let id = app.id_of(ANN).await;
    app.operate(id, Operation::Disable, false).await;
    app.browser().sign_in(&passkey).await.refused("incorrect_passkey");
    app.operate(id, Operation::Enable, false).await;
    browser.login(ANN).await.refused("second_factor_required");
    browser.sign_in(&passkey).await.ok();
    browser.remove_passkey(&added["passkey"]["id"]).await.is(204);
    app.browser().sign_in(&passkey).await.refused("unknown_passkey");
    // Whoever erases the account leaves none.
    let (bob, bobs, _) = app.with_passkey(BOB).await;
    bob.call(Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD })).await.is(204);
    app.browser().sign_in(&bobs).await.refused("unknown_passkey");
    assert_eq!((app.count("passkeys").await, app.count("passkey_users").await), (0, 1));
    let app = app.restart(&[]).await;
    app.browser().sign_in(&bobs).await.refused("incorrect_passkey");
}

async fn an_id_that_is_taken_is_refused(app: TestApp) {
    let (ann, passkey, added) = app.with_passkey(ANN).await;
    let bob = app.register_and_login(BOB).await;
    for browser in [&bob, &ann] {
        let options = browser.creation_options().await.ok();
        let copy = Passkey { id: passkey.id.clone(), ..Passkey::of(&options) };
        browser.add_passkey(&copy.attestation(&options), "copy").await.refused("invalid_passkey");
    }
    // Nothing has become of the one that is there.
    assert_eq!(app.count("passkeys").await, 1);
    let listed = ann.factors().await.ok();
    assert_eq!(listed["passkeys"][0]["id"], added["passkey"]["id"]);
    app.browser().sign_in(&passkey).await.ok();
    assert_eq!(bob.factors().await.ok()["passkeys"], json!([]));
    bob.login(BOB).await.ok();
}

async fn an_account_has_at_most_twenty(app: TestApp) {
    let (browser, _, _) = app.with_passkey(ANN).await;
    let waiting = browser.creation_options().await.ok();
    for number in 2..=20 {
        browser.set_up_passkey(&format!("number {number}")).await;
    }
    browser.creation_options().await.refused("too_many_passkeys");
    // Nor by a challenge from before, which four others have pushed out, or which was kept.
    browser.add_passkey(&Passkey::of(&waiting).attestation(&waiting), "x").await.refused("passkey_challenge_expired");
    assert_eq!(app.count("passkeys").await, 20);
}

async fn an_operator_takes_them_away(app: TestApp) {
    let (browser, passkey, _) = app.with_passkey(ANN).await;
    let id = app.id_of(ANN).await;
    let service = app.service();
    let client = doorward::service::Client::operator();
    let listed = doorward::service::operator::factors(&service, id).await.unwrap();
    assert_eq!(listed.passkeys.len(), 1);
    doorward::service::operator::reset_factors(&service, id, &client).await.unwrap();
    browser.me().await.refused("session_revoked");
    app.browser().sign_in(&passkey).await.refused("incorrect_passkey");
    app.browser().login(ANN).await.ok();
    let audit = app.audit_of(id).await;
    assert!(audit.contains(&"factor_removed 1 passkeys operator".to_owned()), "{audit:?}");
}

async fn where_everybody_needs_one_the_last_stays(database: Database) {
    let app = TestApp::start(database).await;
    let (_, passkey, added) = app.with_passkey(ANN).await;
    let app = app.restart(&[("SECOND_FACTOR", "required")]).await;
    let browser = app.browser();
    browser.sign_in(&passkey).await.ok();
    browser.me().await.ok();
    browser.remove_passkey(&added["passkey"]["id"]).await.refused("last_factor");
    let (key, _) = browser.set_up_passkey("Key").await;
    browser.remove_passkey(&added["passkey"]["id"]).await.is(204);
    app.browser().sign_in(&key).await.ok();
    // An app is a factor, too.
    let other = app.browser();
    other.sign_in(&key).await.ok();
    let (authenticator, codes) = other.set_up_app(&app).await;
    assert!(codes.is_empty());
    other.remove_app().await.is(204);
    other.half_login(ANN).await;
    other.second_factor(&authenticator.next()).await.refused("incorrect_second_factor");
}

async fn they_are_for_one_domain(database: Database) {
    let pages =
        [("PASSKEY_RP_ID", "example.com"), ("ALLOWED_ORIGINS", "https://app.example.com,https://*.pr.example.com")];
    let app = TestApp::with(database, &pages).await;
    let browser = app.register_and_login(ANN).await;
    let options = browser.creation_options().await.ok();
    assert_eq!((&options["rp"]["id"], &options["rp"]["name"]), (&json!("example.com"), &json!("Doorward")));
    let made = Passkey::of(&options);
    for origin in
        ["https://pr-7.pr.example.com", "https://example.com", "http://app.example.com", "https://app.example.com:8443"]
    {
        let elsewhere = Passkey { origin: origin.into(), ..made.clone() };
        browser.add_passkey(&elsewhere.attestation(&options), "x").await.refused("invalid_passkey");
    }
    let passkey = Passkey { origin: "https://app.example.com".into(), ..made };
    browser.add_passkey(&passkey.attestation(&options), "x").await.ok();
    app.browser().sign_in(&passkey).await.ok();
    // Another domain is one under which nobody has a passkey, and an account with a factor that it can't use there.
    let settings = [("PASSKEY_RP_ID_CHANGED", "on")];
    let app = app.restart(&settings).await;
    app.browser().sign_in(&passkey).await.refused("incorrect_passkey");
    let here = Passkey { rp_id: "localhost".into(), origin: "http://localhost:5173".into(), ..passkey };
    app.browser().sign_in(&here).await.refused("incorrect_passkey");
    let browser = app.browser();
    browser.half_login(ANN).await;
    browser.second_factor_options().await.refused("no_factor");
    // Where there is no domain there are none.
    let off = [("ALLOWED_ORIGINS", "https://app.example.com"), ("PASSKEY_RP_ID_CHANGED", "on")];
    let app = app.restart(&off).await;
    app.browser().passkey_options().await.refused("passkeys_unavailable");
    app.browser().login_passkey(&here.assertion(&json!({ "challenge": "AAAA" }))).await.refused("passkeys_unavailable");
}

async fn nothing_that_opens_anything_is_told_or_exported(app: TestApp) {
    let (browser, passkey, _) = app.with_passkey(ANN).await;
    app.browser().sign_in(&passkey).await.ok();
    let export = browser.get("/api/auth/me/export").await.ok();
    assert_eq!(export["factors"]["passkeys"][0]["name"], "My phone");
    let text = export.to_string();
    let handle = crate::harness::passkey::encode(passkey.handle.as_ref().unwrap());
    for secret in [crate::harness::passkey::encode(&passkey.id), handle] {
        assert!(!text.contains(&secret));
        assert!(!browser.factors().await.ok().to_string().contains(&secret));
    }
}

/// What stands in the place of a part: of another type, empty, no base64url, padded, other bytes; or nothing at all.
fn bent(answer: &Value, part: &str) -> Vec<Value> {
    let stand_ins = [
        Value::Null,
        json!(7),
        json!(""),
        json!("!!!!"),
        json!("QUFBQUFBQUFBQUFBQUFBQQ=="),
        json!("QUFBQUFBQUFBQUFBQUFBQQ"),
        json!([]),
        json!({}),
    ];
    let mut all: Vec<_> = stand_ins.into_iter().collect();
    if let Some(text) = answer.pointer(part).and_then(Value::as_str) {
        all.extend([json!(&text[1..]), json!(format!("{text}AAAA")), json!(text.to_uppercase())]);
    }
    let change = |value: Value| {
        let mut changed = answer.clone();
        *changed.pointer_mut(part).unwrap() = value;
        changed
    };
    let mut changed: Vec<_> = all.into_iter().map(change).collect();
    let (parent, name) = part.rsplit_once('/').unwrap();
    let mut without = answer.clone();
    without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    changed.push(without);
    changed
}

async fn an_answer_is_refused_in_which_anything_is_another(database: Database) {
    let limits = [("LOGIN_RATE_LIMIT", "1000/1m"), ("PROFILE_RATE_LIMIT", "1000/1h"), ("PASSKEY_TELL_UNKNOWN", "on")];
    let app = TestApp::with(database, &limits).await;
    let (browser, passkey, _) = app.with_passkey(ANN).await;
    let options = browser.creation_options().await.ok();
    let new = Passkey::of(&options);
    let attestation = new.attestation(&options);
    for part in ["/id", "/rawId", "/type", "/response", "/response/clientDataJSON", "/response/attestationObject"] {
        for changed in bent(&attestation, part) {
            let answer = browser.add_passkey(&changed, "x").await;
            assert!([409, 422].contains(&answer.status()), "{part} {changed}: {}", answer.status());
        }
    }
    for none in [Value::Null, json!("x"), json!([attestation.clone()]), json!(1)] {
        browser.add_passkey(&none, "x").await.refused("validation_failed");
    }
    // What browsers add is ignored, as deep as JSON is read.
    let mut more = attestation.clone();
    more["later"] = serde_json::from_str(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap();
    more["response"]["transports"] = json!(["internal", 7, "Ünsinn", "x".repeat(33)]);
    browser.add_passkey(&more, "x").await.ok();

    let asking = app.browser();
    let options = asking.passkey_options().await.ok();
    let assertion = passkey.assertion(&options);
    let parts =
        ["clientDataJSON", "authenticatorData", "signature", "userHandle"].map(|part| format!("/response/{part}"));
    let parts = ["/id", "/rawId", "/type", "/response"].into_iter().map(str::to_owned).chain(parts);
    for part in parts {
        for changed in bent(&assertion, &part) {
            let answer = asking.login_passkey(&changed).await;
            assert!([401, 409, 422].contains(&answer.status()), "{part} {changed}: {}", answer.status());
        }
    }
    assert_eq!(asking.cookie("access_token"), None);
    // None of that has used the challenge up.
    asking.login_passkey(&assertion).await.ok();
}
