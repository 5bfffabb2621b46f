//! `SECOND_FACTOR=required`: POST /api/auth/login/passkeys/options and POST /api/auth/login/passkeys

use serde_json::{Value, json};

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, PASSWORD};
use crate::harness::passkey::{PRESENT, Passkey, SYNCED};
use crate::harness::time::minutes;
use crate::harness::tokens::claims;
use crate::harness::trace;

const ANN: &str = "ann@example.com";
const REQUIRED: (&str, &str) = ("SECOND_FACTOR", "required");

both! {
    a_passkey_is_the_first_factor_on_the_way_in,
    its_challenge_is_for_one_ticket_and_for_nothing_else,
    of_uses_at_once_exactly_one_works,
    what_can_be_set_up_is_told_with_the_ticket,
}

/// Somebody with an account, who is told that they need a factor.
async fn at_the_door(app: &TestApp) -> Browser {
    let browser = app.browser();
    browser.login(ANN).await.refused("second_factor_enrolment_required");
    trace::remember(&browser.cookie("login_ticket").expect("a ticket"));
    browser
}

fn remember(added: &Value) {
    for code in added["recovery_codes"].as_array().expect("codes") {
        trace::remember(code.as_str().expect("a code"));
    }
}

async fn a_passkey_is_the_first_factor_on_the_way_in(database: Database) {
    let app = TestApp::with(database, &[REQUIRED]).await;
    app.register(ANN).await;
    let laptop = at_the_door(&app).await;
    let options = laptop.enrolment_options().await.ok();
    assert_eq!(options["user"]["name"], ANN);
    let passkey = Passkey::of(&options);
    // Nobody was verified, or it is for another page: nothing has happened, and the ticket and the challenge are good still.
    let unsure = Passkey { flags: PRESENT | SYNCED, ..passkey.clone() };
    laptop.enrol_passkey(&unsure.attestation(&options), "Laptop").await.refused("invalid_passkey");
    let elsewhere = Passkey { origin: "https://evil.example".into(), ..passkey.clone() };
    laptop.enrol_passkey(&elsewhere.attestation(&options), "Laptop").await.refused("invalid_passkey");
    laptop.enrol_passkey(&passkey.attestation(&options), "").await.invalid(&[("name", "invalid")]);
    laptop.me().await.refused("not_authenticated");
    let answer = laptop.enrol_passkey(&passkey.attestation(&options), " Laptop ").await;
    let names: Vec<_> = answer.cookies().into_iter().map(|cookie| cookie.name.clone()).collect();
    assert_eq!(names, ["access_token", "session_hint", "refresh_token", "device", "recent_proof", "login_ticket"]);
    let added = answer.ok();
    remember(&added);
    assert_eq!(
        (&added["passkey"]["name"], added["recovery_codes"].as_array().map(Vec::len)),
        (&json!("Laptop"), Some(10))
    );
    assert_eq!(laptop.me().await.ok()["email"], ANN);
    assert_eq!(claims(&laptop.access_cookie())["amr"], json!(["pwd", "swk", "mfa"]));
    assert_eq!(laptop.cookie("login_ticket"), None);
    assert_eq!(
        app.audit_of(app.id_of(ANN).await).await,
        ["registered", "factor_added passkey", "login_succeeded passkey"]
    );
    // From now on as with everybody else: it signs in alone, the password is one of two, and the last factor stays.
    app.clock.advance(minutes(1));
    app.browser().sign_in(&passkey).await.ok();
    let problem = app.browser().login(ANN).await.refused("second_factor_required");
    assert_eq!(problem["methods"], json!(["recovery_code", "passkey"]));
    laptop.remove_passkey(&added["passkey"]["id"]).await.refused("last_factor");
}

async fn its_challenge_is_for_one_ticket_and_for_nothing_else(database: Database) {
    let app = TestApp::with(database, &[REQUIRED]).await;
    app.register(ANN).await;
    // Without a ticket there is nothing to ask, and one for a second factor is none.
    app.browser().enrolment_options().await.refused("login_ticket_expired");
    let (laptop, other) = (at_the_door(&app).await, at_the_door(&app).await);
    let options = laptop.enrolment_options().await.ok();
    let made = Passkey::of(&options).attestation(&options);
    other.enrol_passkey(&made, "Theirs").await.refused("passkey_challenge_expired");
    // With the cookie of the challenge, too: it is of another ticket.
    let ceremony = laptop.cookie("passkey_ceremony").expect("a challenge");
    other.jar().set("passkey_ceremony", &ceremony);
    other.enrol_passkey(&made, "Theirs").await.refused("passkey_challenge_expired");
    // No session has asked for it, and nobody signs in by it.
    let session = app.browser();
    session.jar().set("passkey_ceremony", &ceremony);
    session.add_passkey(&made, "Theirs").await.refused("not_authenticated");
    // A ticket is good for five minutes, and for these credentials.
    app.clock.advance(minutes(5));
    laptop.enrol_passkey(&made, "Laptop").await.refused("login_ticket_expired");
    let (first, second) = (at_the_door(&app).await, at_the_door(&app).await);
    let (one, two) = (first.enrolment_options().await.ok(), second.enrolment_options().await.ok());
    remember(&first.enrol_passkey(&Passkey::of(&one).attestation(&one), "One").await.ok());
    second.enrol_passkey(&Passkey::of(&two).attestation(&two), "Two").await.refused("login_ticket_expired");
    second.enrolment_options().await.refused("login_ticket_expired");
    // The ticket of somebody who has one proves nothing here.
    let half = app.browser();
    half.half_login(ANN).await;
    half.enrolment_options().await.refused("login_ticket_expired");
    assert_eq!(app.count("passkeys").await, 1);
}

/// On two nodes, where there is a database that two can share.
async fn of_uses_at_once_exactly_one_works(database: Database) {
    let settings = [REQUIRED, ("LOGIN_RATE_LIMIT", "100/1m")];
    let app = TestApp::with(database, &settings).await;
    let node = match database {
        Database::Sqlite => None,
        Database::Postgres => Some(app.another_node(&settings).await),
    };
    app.register(ANN).await;
    let laptop = at_the_door(&app).await;
    let options = laptop.enrolment_options().await.ok();
    // One ticket and one challenge; and another passkey each time, so that nothing else tells them apart.
    let uses: Vec<_> = (0..5)
        .map(|number| {
            let tab = match &node {
                Some(node) if number % 2 == 1 => node.visit(&laptop),
                _ => laptop.clone(),
            };
            let made = Passkey::of(&options).attestation(&options);
            tokio::spawn(async move { tab.enrol_passkey(&made, "Laptop").await })
        })
        .collect();
    let mut statuses = Vec::new();
    for used in uses {
        let answer = used.await.unwrap();
        statuses.push(answer.status());
        if answer.status() == 200 {
            remember(&answer.ok());
        } else {
            answer.refused("login_ticket_expired");
        }
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401]);
    assert_eq!((app.count("passkeys").await, app.count("sessions").await), (1, 1));
}

async fn what_can_be_set_up_is_told_with_the_ticket(database: Database) {
    let list = "https://app.example.com,https://*.preview.example.com";
    let passkeys = ("PASSKEY_RP_ID", "example.com");
    let app = TestApp::with(database, &[REQUIRED, ("ALLOWED_ORIGINS", list), passkeys]).await;
    app.register(ANN).await;
    let methods = async |browser: &Browser, origin: Option<&str>, delivery: &str| {
        let body = json!({ "email": ANN, "password": PASSWORD, "token_delivery": delivery });
        let mut login = browser.post("/api/auth/login").json(&body);
        if let Some(origin) = origin {
            login = login.header("origin", origin).header("sec-fetch-site", "same-site");
        }
        login.await.refused("second_factor_enrolment_required")["methods"].clone()
    };
    let (page, preview) = ("https://app.example.com", "https://pr-7.preview.example.com");
    assert_eq!(methods(&app.browser(), Some(page), "cookies").await, json!(["totp", "passkey"]));
    // Not to who gets no cookies, nor on one of many pages.
    assert_eq!(methods(&app.browser(), None, "body").await, json!(["totp"]));
    let browser = app.browser();
    assert_eq!(methods(&browser, Some(preview), "cookies").await, json!(["totp"]));
    let options = browser.enrolment_options().header("origin", preview).header("sec-fetch-site", "same-site");
    options.await.refused("exact_origin_required");
    // Where there is no domain for them.
    let app = app.restart(&[REQUIRED, ("ALLOWED_ORIGINS", "https://a.example.com,https://b.example.net")]).await;
    let browser = app.browser();
    assert_eq!(methods(&browser, Some("https://a.example.com"), "cookies").await, json!(["totp"]));
    let options = browser.enrolment_options().header("origin", "https://a.example.com");
    options.header("sec-fetch-site", "same-site").await.refused("passkeys_unavailable");
}
