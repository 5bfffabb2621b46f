//! /api/auth/me/factors, /me/totp, /me/recovery-codes and POST /reauthenticate

use http::Method;
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::authenticator::Authenticator;
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::forms::forms;
use crate::harness::time::{just_before, minutes};
use crate::harness::tokens::claims;
use doorward::service::{Client, operator};

const ANN: &str = "ann@example.com";
const NEW: &str = "EvenMoreSecure456";

both! {
    an_app_counts_once_a_code_of_it_was_given_in_the_same_session,
    another_app_takes_the_place_of_the_first,
    without_an_app_the_password_is_enough_again,
    what_a_stolen_session_must_not_be_enough_for_wants_a_recent_proof,
    a_copied_proof_is_not_lifted_by_the_owners_next_one,
    whoever_has_a_factor_changes_nothing_by_password_alone,
    a_password_change_keeps_what_was_proved_and_the_end,
    wrong_codes_in_a_session_are_counted_too,
    the_owner_is_told_of_everything,
    everything_is_exported_and_erased_but_what_it_is_proved_by,
    secrets_are_stored_sealed_and_carried_over_a_change_of_keys,
    an_operator_looks_and_takes_away,
}

async fn an_app_counts_once_a_code_of_it_was_given_in_the_same_session(app: TestApp) {
    let laptop = app.register_and_login(ANN).await;
    assert_eq!(laptop.factors().await.ok(), json!({ "totp": null, "recovery_codes": null, "passkeys": [] }));
    laptop.confirm("123456").await.refused("nothing_to_confirm");
    let shown = laptop.enrol().await.ok();
    let secret = shown["secret"].as_str().unwrap();
    assert_eq!(
        shown["otpauth_url"],
        format!("otpauth://totp/Doorward:ann%40example.com?secret={secret}&issuer=Doorward")
    );
    assert!(shown["qr_code"].as_str().unwrap().starts_with("data:image/svg+xml;base64,"));
    let authenticator = Authenticator::of(secret, &app.clock);
    // Nothing is wanted yet.
    let phone = app.browser();
    phone.login(ANN).await.ok();
    phone.confirm(&authenticator.code_in(0)).await.refused("nothing_to_confirm");
    laptop.confirm(&authenticator.wrong()).await.refused("incorrect_code");
    app.clock.advance(just_before(minutes(10)));
    laptop.reauthenticate(&json!({ "password": PASSWORD })).await.ok();
    app.clock.advance(minutes(1));
    laptop.confirm(&authenticator.code_in(0)).await.refused("nothing_to_confirm");
    // Each has a secret of its own, and the last one counts.
    let old = Authenticator::of(laptop.enrol().await.ok()["secret"].as_str().unwrap(), &app.clock);
    let new = Authenticator::of(laptop.enrol().await.ok()["secret"].as_str().unwrap(), &app.clock);
    laptop.confirm(&old.code_in(0)).await.refused("incorrect_code");
    laptop.confirm(&new.code_in(0)).await.ok();
    laptop.confirm(&new.code_in(1)).await.refused("nothing_to_confirm");
    let now = app.clock.now().to_string();
    assert_eq!(
        laptop.factors().await.ok(),
        json!({ "totp": { "since": now, "last_used_at": now }, "recovery_codes": { "made_at": now, "left": 10 }, "passkeys": [] })
    );
    phone.me().await.refused("session_revoked");
}

async fn another_app_takes_the_place_of_the_first(app: TestApp) {
    let (laptop, old, codes) = app.with_app(ANN).await;
    let phone = app.browser();
    phone.full_login(ANN, &old.next()).await;
    let (new, none) = laptop.set_up_app(&app).await;
    assert!(none.is_empty(), "the recovery codes are as they were");
    phone.me().await.ok();
    let tablet = app.browser();
    tablet.half_login(ANN).await;
    app.clock.advance(minutes(1));
    tablet.second_factor(&old.code_in(0)).await.refused("incorrect_second_factor");
    tablet.second_factor(&new.code_in(0)).await.ok();
    let other = app.browser();
    other.half_login(ANN).await;
    other.recover(&codes[0]).await.ok();
}

async fn without_an_app_the_password_is_enough_again(app: TestApp) {
    let (laptop, authenticator, codes) = app.with_app(ANN).await;
    laptop.remove_app().await.is(204);
    assert_eq!(laptop.factors().await.ok(), json!({ "totp": null, "recovery_codes": null, "passkeys": [] }));
    laptop.remove_app().await.is(204);
    laptop.new_recovery_codes().await.refused("no_factor");
    let phone = app.browser();
    phone.login(ANN).await.ok();
    assert_eq!(claims(&phone.access_cookie())["amr"], json!(["pwd"]));
    assert!(app.hash_of(ANN).await.starts_with("$2b$04$"));
    assert_eq!((app.count("totp").await, app.count("recovery_codes").await), (0, 0));
    // And with one again, nothing from before is good.
    let (new, _) = laptop.set_up_app(&app).await;
    app.clock.advance(minutes(1));
    phone.half_login(ANN).await;
    phone.recover(&codes[0]).await.refused("incorrect_second_factor");
    phone.second_factor(&authenticator.code_in(0)).await.refused("incorrect_second_factor");
    phone.second_factor(&new.code_in(0)).await.ok();
}

async fn what_a_stolen_session_must_not_be_enough_for_wants_a_recent_proof(app: TestApp) {
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    let code = json!({ "code": "123456" });
    let wanted: [fn(&Browser) -> Call; 3] = [Browser::enrol, Browser::remove_app, Browser::new_recovery_codes];
    app.clock.advance(minutes(10));
    for call in wanted {
        let problem = call(&laptop).await.refused("reauthentication_required");
        assert_eq!(problem["methods"], json!(["password", "totp", "recovery_code"]));
    }
    laptop.post("/api/auth/me/totp/confirm").json(&code).await.refused("reauthentication_required");
    // A refresh proves nothing.
    laptop.refresh().await.ok();
    laptop.enrol().await.refused("reauthentication_required");
    // Half of it does not either.
    let half = laptop.reauthenticate(&json!({ "password": PASSWORD })).await.refused("reauthentication_required");
    assert_eq!(half["methods"], json!(["totp", "recovery_code"]));
    let again = |password: &str, code: &str| laptop.reauthenticate(&json!({ "password": password, "code": code }));
    again("WrongCanary123", &authenticator.code_in(0)).await.refused("incorrect_current_password");
    again(PASSWORD, &authenticator.wrong()).await.refused("incorrect_code");
    laptop.enrol().await.refused("reauthentication_required");
    let before = claims(&laptop.access_cookie());
    again(PASSWORD, &authenticator.code_in(0)).await.ok();
    let after = claims(&laptop.access_cookie());
    assert_eq!((&after["sid"], &after["amr"]), (&before["sid"], &before["amr"]));
    assert_eq!(after["auth_time"], app.clock.now().seconds());
    // A code is good once, also here.
    again(PASSWORD, &authenticator.code_in(0)).await.refused("incorrect_code");
    laptop.enrol().await.ok();
    app.clock.advance(just_before(minutes(10)));
    laptop.new_recovery_codes().await.ok();
    app.clock.advance(minutes(1));
    laptop.new_recovery_codes().await.refused("reauthentication_required");
}

async fn a_copied_proof_is_not_lifted_by_the_owners_next_one(app: TestApp) {
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    let thief = app.browser();
    let copied = laptop.cookie("recent_proof").unwrap();
    app.clock.advance(minutes(11));
    laptop.prove_again(&authenticator).await;
    thief.put_access_cookie(&laptop.access_cookie());
    // Without any, with an old one, and with another session's.
    thief.new_recovery_codes().await.refused("reauthentication_required");
    thief.jar().set("recent_proof", &copied);
    thief.new_recovery_codes().await.refused("reauthentication_required");
    let phone = app.browser();
    phone.full_login(ANN, &authenticator.next()).await;
    thief.jar().set("recent_proof", &phone.cookie("recent_proof").unwrap());
    thief.new_recovery_codes().await.refused("reauthentication_required");
    phone.new_recovery_codes().await.ok();
    laptop.new_recovery_codes().await.ok();
}

async fn whoever_has_a_factor_changes_nothing_by_password_alone(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "100/1m")]).await;
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    let calls: [fn(&Browser) -> Call; 4] = [
        |browser| browser.get("/api/auth/me/export"),
        |browser| {
            let body = json!({ "email": "new@example.com", "current_password": PASSWORD });
            browser.post("/api/auth/email/change").json(&body)
        },
        |browser| {
            let body = json!({ "current_password": PASSWORD, "new_password": NEW });
            browser.post("/api/auth/password").json(&body)
        },
        |browser| browser.call(Method::DELETE, "/api/auth/me").json(&json!({ "password": NEW })),
    ];
    app.clock.advance(minutes(11));
    for call in calls {
        call(&laptop).await.refused("reauthentication_required");
    }
    laptop.prove_again(&authenticator).await;
    calls[0](&laptop).await.ok();
    calls[1](&laptop).await.is(202);
    calls[2](&laptop).await.ok();
    // The new session has not proved anything just now.
    calls[3](&laptop).await.refused("reauthentication_required");
    let proof = json!({ "password": NEW, "code": authenticator.next() });
    laptop.reauthenticate(&proof).await.ok();
    calls[3](&laptop).await.is(204);
    assert_eq!((app.count("totp").await, app.count("recovery_codes").await), (0, 0));
}

async fn a_password_change_keeps_what_was_proved_and_the_end(app: TestApp) {
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    let ends = "SELECT expires_at FROM sessions WHERE ended_at IS NULL";
    let (end, proved) = (app.number(ends).await, claims(&laptop.access_cookie())["auth_time"].clone());
    app.clock.advance(minutes(5));
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    laptop.post("/api/auth/password").json(&change).await.ok();
    let after = claims(&laptop.access_cookie());
    assert_eq!((&after["amr"], &after["auth_time"]), (&json!(["pwd", "otp", "mfa"]), &proved));
    assert_eq!(app.number(ends).await, end);
    app.browser().login_with(ANN, NEW).await.refused("second_factor_required");
    let phone = app.browser();
    phone.login_with(ANN, NEW).await.refused("second_factor_required");
    phone.second_factor(&authenticator.next()).await.ok();
}

async fn wrong_codes_in_a_session_are_counted_too(app: TestApp) {
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    let again = |code: &str| laptop.reauthenticate(&json!({ "password": PASSWORD, "code": code }));
    for _ in 0..5 {
        again(&authenticator.wrong()).await.refused("incorrect_code");
    }
    again(&authenticator.next()).await.refused("too_many_attempts");
    laptop.enrol().await.ok();
    laptop.confirm(&authenticator.wrong()).await.refused("too_many_attempts");
    let failed = app.audit_of(app.id_of(ANN).await).await;
    assert_eq!(failed.iter().filter(|event| *event == "second_factor_failed").count(), 5);
}

async fn the_owner_is_told_of_everything(app: TestApp) {
    let kinds = async || app.mails(ANN).await.into_iter().map(|mail| mail.kind).collect::<Vec<_>>();
    let (laptop, authenticator, codes) = app.with_app(ANN).await;
    assert_eq!(kinds().await, ["factor_added"]);
    let thief = app.browser();
    thief.half_login(ANN).await;
    thief.second_factor(&authenticator.wrong()).await.refused("incorrect_second_factor");
    thief.second_factor(&authenticator.wrong()).await.refused("incorrect_second_factor");
    assert_eq!(kinds().await, ["wrong_code"], "once a day");
    app.clock.advance(minutes(2 * 60));
    laptop.half_login(ANN).await;
    laptop.recover(&codes[0]).await.ok();
    assert_eq!(kinds().await, ["recovery_code_used"]);
    laptop.new_recovery_codes().await.ok();
    assert_eq!(kinds().await, ["recovery_codes_made"]);
    laptop.remove_app().await.is(204);
    assert_eq!(kinds().await, ["factor_removed"]);
    let events = app.audit_of(app.id_of(ANN).await).await;
    let told: Vec<_> = events.iter().filter(|event| event.contains("factor") || event.contains("recovery")).collect();
    assert_eq!(
        told,
        [
            "factor_added totp",
            "second_factor_failed",
            "second_factor_failed",
            "login_succeeded recovery_code",
            "recovery_code_used",
            "recovery_codes_made",
            "factor_removed totp"
        ]
    );
    // Also what follows within the hour: it may be somebody else's.
    laptop.set_up_app(&app).await;
    laptop.set_up_app(&app).await;
    assert_eq!(kinds().await, ["factor_added", "factor_added"]);
    for _ in 0..2 {
        laptop.new_recovery_codes().await.ok();
    }
    assert_eq!(kinds().await, ["recovery_codes_made", "recovery_codes_made"]);
}

async fn everything_is_exported_and_erased_but_what_it_is_proved_by(app: TestApp) {
    let (laptop, authenticator, codes) = app.with_app(ANN).await;
    let ticket = {
        let phone = app.browser();
        phone.half_login(ANN).await;
        phone.cookie("login_ticket").unwrap()
    };
    let shown = laptop.enrol().await.ok();
    let export = laptop.get("/api/auth/me/export").await.ok();
    assert_eq!(export["factors"], laptop.factors().await.ok());
    assert_eq!(export["factors"]["recovery_codes"]["left"], 10);
    let (text, dump) = (export.to_string(), app.dump().await);
    let mut secrets =
        vec![shown["secret"].as_str().unwrap().to_owned(), ticket, laptop.cookie("recent_proof").unwrap()];
    secrets.extend(codes.iter().cloned());
    secrets.extend(codes.iter().map(|code| code.replace('-', "")));
    let mut bytes: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.clone().into_bytes()).collect();
    bytes.push(authenticator.key().to_vec());
    for secret in bytes {
        for form in forms(&secret) {
            assert!(!text.contains(&form) && !dump.contains(&form), "{form}");
        }
    }
    laptop.call(Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD })).await.is(204);
    for table in ["totp", "totp_pending", "recovery_codes"] {
        assert_eq!(app.count(table).await, 0, "{table}");
    }
}

async fn secrets_are_stored_sealed_and_carried_over_a_change_of_keys(database: Database) {
    const ROOT: &str = "another-root-of-the-tests-52c0b7d19e3f4a68";
    let app = TestApp::start(database).await;
    let (_, authenticator, _) = app.with_app(ANN).await;
    let before = app.bytes("totp", "secret").await;
    let keys = app.bytes("totp", "key_id").await;
    // Without the key that it was, the service does not start; with it nobody notices, and what was sealed is sealed anew.
    let app = app.restart(&[("SECRET_KEY", ROOT), ("SECRET_KEY_PREVIOUS", crate::harness::app::KEY)]).await;
    let hex = keys[0].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let old = match database {
        Database::Sqlite => format!("SELECT count(*) FROM totp WHERE key_id = x'{hex}'"),
        Database::Postgres => format!("SELECT count(*) FROM totp WHERE key_id = '\\x{hex}'"),
    };
    app.until(&old, 0).await;
    assert_ne!(app.bytes("totp", "secret").await, before);
    let browser = app.browser();
    browser.full_login(ANN, &authenticator.next()).await;
    // Now the old one may go.
    let app = app.restart(&[("SECRET_KEY", ROOT)]).await;
    let browser = app.browser();
    browser.full_login(ANN, &authenticator.next()).await;
    // A row of another key, or another person's: not "wrong code", and never "no factor".
    app.execute("UPDATE totp SET secret = (SELECT hash FROM recovery_codes LIMIT 1)").await;
    let browser = app.browser();
    browser.half_login(ANN).await;
    browser.second_factor(&authenticator.next()).await.refused("factor_unavailable");
}

async fn an_operator_looks_and_takes_away(app: TestApp) {
    let (laptop, _, codes) = app.with_app(ANN).await;
    let (service, id, me) = (app.service(), app.id_of(ANN).await, Client::operator());
    let listed = operator::factors(&service, id).await.unwrap();
    assert_eq!(listed.totp.unwrap().since, app.clock.now());
    assert_eq!(listed.recovery_codes, Some((app.clock.now(), 10)));
    app.mails(ANN).await;
    operator::reset_factors(&service, id, &me).await.unwrap();
    laptop.me().await.refused("session_revoked");
    assert_eq!(app.mail(ANN).await.kind, "factor_removed");
    laptop.login(ANN).await.ok();
    // An account without one is left in peace.
    operator::reset_factors(&service, id, &me).await.unwrap();
    laptop.me().await.ok();
    assert!(app.mails(ANN).await.is_empty());
    let events = app.audit_of(id).await;
    assert_eq!(events.iter().filter(|event| *event == "factor_removed totp operator").count(), 1, "{events:?}");
    assert_eq!(codes.len(), 10);
}
