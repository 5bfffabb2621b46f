//! The first factor of an account, where mail is sent, and where an operator has taken the others away.

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::app::{Database, KEY, TestApp};
use crate::harness::authenticator::Authenticator;
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::passkey::Passkey;
use crate::harness::time::minutes;
use crate::harness::trace;
use crate::support::smtp::SmtpServer;
use doorward::service::{Client, operator};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const ROOT: &str = "another-root-of-the-tests-52c0b7d19e3f4a68";

both! {
    who_knows_the_password_alone_does_not_make_the_account_theirs,
    a_first_passkey_takes_the_code_too,
    the_mailed_code_is_good_once_for_one_account_and_an_hour,
    where_everybody_needs_a_factor_the_way_in_takes_the_code_too,
    a_passkey_takes_it_on_the_way_in,
    whoever_lost_their_factors_shows_again_that_they_read_the_mail,
    without_mail_an_operator_gives_the_code,
    an_address_of_their_own_does_not_help_who_knows_the_password,
    a_stranger_who_asks_for_mails_does_not_use_up_the_owners,
}

async fn sending(database: Database, server: &SmtpServer, more: &[(&str, &str)]) -> TestApp {
    let port = server.port().to_string();
    let mut settings = vec![
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", port.as_str()),
        ("SMTP_TLS", "none"),
        ("MAIL_FROM", "auth@example.com"),
        ("REGISTER_RATE_LIMIT", "off"),
    ];
    settings.extend(more);
    TestApp::with(database, &settings).await
}

/// The code of the last mail of so many with one to this address.
async fn mailed(app: &TestApp, server: &SmtpServer, to: &str, count: usize) -> String {
    app.all_sent().await;
    let codes: Vec<_> =
        server.got().into_iter().filter(|got| got.to == to).filter_map(|got| code_in(&got.text)).collect();
    assert_eq!(codes.len(), count, "{to}: {codes:?}");
    let code = codes.last().expect("a code").clone();
    trace::remember(&code);
    code
}

fn code_in(text: &str) -> Option<String> {
    let is_code = |line: &&str| line.len() == 9 && line.as_bytes()[4] == b'-' && !line.contains(' ');
    text.split("\r\n").find(is_code).map(str::to_owned)
}

/// An app that was shown, and whether it wants a code.
async fn shown(app: &TestApp, call: Call) -> (Authenticator, bool) {
    let shown = call.await.ok();
    let secret = shown["secret"].as_str().expect("a secret");
    (Authenticator::of(secret, &app.clock), shown["wants_enrolment_code"].as_bool().expect("whether"))
}

async fn confirm(browser: &Browser, app: &Authenticator, code: &str) -> Answer {
    let body = json!({ "code": app.code_in(0), "enrolment_code": code });
    browser.post("/api/auth/me/totp/confirm").json(&body).await
}

async fn who_knows_the_password_alone_does_not_make_the_account_theirs(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sending(database, &server, &[]).await;
    app.register(ANN).await;
    let thief = app.browser();
    thief.login(ANN).await.ok();
    let (theirs, wants) = shown(&app, thief.enrol()).await;
    assert!(wants);
    thief.confirm(&theirs.code_in(0)).await.refused("incorrect_enrolment_code");
    for guess in ["0000-0000", "", "no code at all", "000000"] {
        confirm(&thief, &theirs, guess).await.refused("incorrect_enrolment_code");
    }
    assert_eq!(thief.factors().await.ok()["totp"], json!(null));
    // Only the account's address has it: in no row, and no answer.
    let code = mailed(&app, &server, ANN, 1).await;
    let dump = app.dump().await;
    assert!(!dump.contains(&code) && !dump.contains(&code.replace('-', "")));
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await, 0);
    // Guesses are counted, as those of the app are.
    confirm(&thief, &theirs, "1111-1111").await.refused("incorrect_enrolment_code");
    confirm(&thief, &theirs, &code).await.refused("too_many_attempts");
    app.clock.advance(minutes(16));
    // Whoever reads it is the owner: the address is confirmed by that.
    let owner = app.browser();
    owner.login(ANN).await.ok();
    let (ours, _) = shown(&app, owner.enrol()).await;
    let again = mailed(&app, &server, ANN, 2).await;
    assert_eq!(again, code, "it is good still, and mailed once more");
    confirm(&owner, &ours, &format!(" {} ", code.to_uppercase().replace('-', " "))).await.ok();
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await, 1);
    let told = app.audit_of(app.id_of(ANN).await).await;
    let at = told.iter().position(|event| event == "email_verified").expect("it is in the audit");
    assert!(told[at..].contains(&"factor_added totp".to_owned()), "{told:?}");
    thief.me().await.refused("session_revoked");
    // Another app takes its place without: who asks has proved both.
    let (next, wants) = shown(&app, owner.enrol()).await;
    assert!(!wants);
    owner.confirm(&next.code_in(0)).await.ok();
    assert_eq!(mailed(&app, &server, ANN, 2).await, code);
}

async fn a_first_passkey_takes_the_code_too(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sending(database, &server, &[]).await;
    let ann = app.register_and_login(ANN).await;
    let options = ann.creation_options().await.ok();
    let passkey = Passkey::of(&options).attestation(&options);
    ann.add_passkey(&passkey, "Phone").await.refused("incorrect_enrolment_code");
    let add = |code: &str| {
        let body = json!({ "credential": passkey, "name": "Phone", "enrolment_code": code });
        ann.post("/api/auth/me/passkeys").json(&body)
    };
    add("0000-0000").await.refused("incorrect_enrolment_code");
    assert_eq!(ann.factors().await.ok()["passkeys"], json!([]));
    // What the authenticator has made is good still.
    let code = mailed(&app, &server, ANN, 1).await;
    for code in add(&code).await.ok()["recovery_codes"].as_array().expect("codes") {
        trace::remember(code.as_str().expect("a code"));
    }
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await, 1);
    // Another factor takes none.
    ann.set_up_passkey("Key").await;
    let (totp, wants) = shown(&app, ann.enrol()).await;
    assert!(!wants);
    ann.confirm(&totp.code_in(0)).await.ok();
    mailed(&app, &server, ANN, 1).await;
}

async fn the_mailed_code_is_good_once_for_one_account_and_an_hour(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sending(database, &server, &[]).await;
    let (ann, bob) = (app.register_and_login(ANN).await, app.register_and_login(BOB).await);
    let (anns, _) = shown(&app, ann.enrol()).await;
    shown(&app, bob.enrol()).await;
    let (anns_code, bobs_code) = (mailed(&app, &server, ANN, 1).await, mailed(&app, &server, BOB, 1).await);
    confirm(&ann, &anns, &bobs_code).await.refused("incorrect_enrolment_code");
    // With a wrong code of the app nothing is used up.
    let wrong = json!({ "code": anns.wrong(), "enrolment_code": anns_code });
    ann.post("/api/auth/me/totp/confirm").json(&wrong).await.refused("incorrect_code");
    confirm(&ann, &anns, &anns_code).await.ok();
    ann.remove_app().await.is(204);
    let (next, wants) = shown(&app, ann.enrol()).await;
    assert!(wants);
    confirm(&ann, &next, &anns_code).await.refused("incorrect_enrolment_code");
    let second = mailed(&app, &server, ANN, 2).await;
    assert_ne!(second, anns_code);
    confirm(&ann, &next, &second).await.ok();
    // An hour later it is void, and another one is mailed.
    app.clock.advance(minutes(61));
    bob.login(BOB).await.ok();
    let (late, _) = shown(&app, bob.enrol()).await;
    confirm(&bob, &late, &bobs_code).await.refused("incorrect_enrolment_code");
    let code = mailed(&app, &server, BOB, 2).await;
    // So it is once the account has another address.
    let (service, me) = (app.service(), Client::operator());
    let new = doorward::domain::account::Email::parse("rob@example.com").unwrap();
    operator::set_email(&service, app.id_of(BOB).await, new, &me).await.unwrap();
    confirm(&bob, &late, &code).await.refused("incorrect_enrolment_code");
    let (last, _) = shown(&app, bob.enrol()).await;
    let code = mailed(&app, &server, "rob@example.com", 1).await;
    confirm(&bob, &last, &code).await.ok();
    let confirmed = "SELECT count(*) FROM users WHERE email = 'rob@example.com' AND email_verified_at IS NOT NULL";
    assert_eq!(app.number(confirmed).await, 1);
}

async fn where_everybody_needs_a_factor_the_way_in_takes_the_code_too(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sending(database, &server, &[("SECOND_FACTOR", "required")]).await;
    let (ann, thief) = (app.register(ANN).await, app.browser());
    for browser in [&ann, &thief] {
        browser.login(ANN).await.refused("second_factor_enrolment_required");
    }
    let confirm = async |browser: &Browser, app: &Authenticator, code: Option<&str>| {
        let mut body = json!({ "code": app.code_in(0) });
        if let Some(code) = code {
            body["enrolment_code"] = json!(code);
        }
        browser.post("/api/auth/login/totp/confirm").json(&body).await
    };
    let (theirs, wants) = shown(&app, thief.post("/api/auth/login/totp")).await;
    assert!(wants);
    for code in [None, Some("0000-0000"), Some("nonsense")] {
        confirm(&thief, &theirs, code).await.refused("incorrect_enrolment_code");
    }
    thief.me().await.refused("not_authenticated");
    let (ours, _) = shown(&app, ann.post("/api/auth/login/totp")).await;
    let code = mailed(&app, &server, ANN, 2).await;
    confirm(&ann, &ours, Some(&code)).await.ok();
    ann.me().await.ok();
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await, 1);
}

async fn a_passkey_takes_it_on_the_way_in(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sending(database, &server, &[("SECOND_FACTOR", "required")]).await;
    let (ann, thief) = (app.register(ANN).await, app.browser());
    for browser in [&ann, &thief] {
        browser.login(ANN).await.refused("second_factor_enrolment_required");
    }
    let options = thief.enrolment_options().await.ok();
    let theirs = Passkey::of(&options).attestation(&options);
    thief.enrol_passkey(&theirs, "Theirs").await.refused("incorrect_enrolment_code");
    let add = |browser: &Browser, passkey: &Value, code: &str| {
        let body = json!({ "credential": passkey, "name": "Phone", "enrolment_code": code });
        browser.post("/api/auth/login/passkeys").json(&body)
    };
    // Guesses are counted with those of codes of an app; who types in none guesses nothing.
    for guess in ["0000-0000", "1111-1111", "2222-2222", "", "nonsense"] {
        thief.enrol_passkey(&theirs, "Theirs").await.refused("incorrect_enrolment_code");
        add(&thief, &theirs, guess).await.refused("incorrect_enrolment_code");
    }
    add(&thief, &theirs, "3333-3333").await.refused("too_many_attempts");
    thief.me().await.refused("not_authenticated");
    app.clock.advance(minutes(16));
    ann.login(ANN).await.refused("second_factor_enrolment_required");
    let options = ann.enrolment_options().await.ok();
    let ours = Passkey::of(&options).attestation(&options);
    let code = mailed(&app, &server, ANN, 2).await;
    // What the authenticator has made is good still.
    ann.enrol_passkey(&ours, "Phone").await.refused("incorrect_enrolment_code");
    for code in add(&ann, &ours, &code).await.ok()["recovery_codes"].as_array().expect("codes") {
        trace::remember(code.as_str().expect("a code"));
    }
    ann.me().await.ok();
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await, 1);
}

async fn whoever_lost_their_factors_shows_again_that_they_read_the_mail(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sending(database, &server, &[]).await;
    let ann = app.register_and_login(ANN).await;
    let (lost, _) = shown(&app, ann.enrol()).await;
    confirm(&ann, &lost, &mailed(&app, &server, ANN, 1).await).await.ok();
    let (service, id, me) = (app.service(), app.id_of(ANN).await, Client::operator());
    let (_, code) = operator::reset_factors(&service, id, &me).await.unwrap();
    assert!(code.is_none(), "the mail has it");
    ann.login(ANN).await.ok();
    let (next, wants) = shown(&app, ann.enrol()).await;
    assert!(wants);
    ann.confirm(&next.code_in(0)).await.refused("incorrect_enrolment_code");
    confirm(&ann, &next, &mailed(&app, &server, ANN, 2).await).await.ok();
}

async fn without_mail_an_operator_gives_the_code(app: TestApp) {
    // Nobody could be mailed one, so that the first of all takes none.
    let (ann, _, _) = app.with_app(ANN).await;
    let (service, id, me) = (app.service(), app.id_of(ANN).await, Client::operator());
    let bobs = app.register_and_login(BOB).await;
    let (_, none) = operator::reset_factors(&service, app.id_of(BOB).await, &me).await.unwrap();
    assert!(none.is_none(), "whoever has no factor is left in peace");
    assert!(!shown(&app, bobs.enrol()).await.1);

    let (_, old) = operator::reset_factors(&service, id, &me).await.unwrap();
    let old = old.expect("a code").reveal();
    // It was lost: there is another, and the first is void.
    let (_, code) = operator::reset_factors(&service, id, &me).await.unwrap();
    let code = code.expect("a code").reveal();
    for code in [&old, &code] {
        trace::remember(code);
        let dump = app.dump().await;
        assert!(!dump.contains(code) && !dump.contains(&code.replace('-', "")));
    }
    ann.login(ANN).await.ok();
    let (next, wants) = shown(&app, ann.enrol()).await;
    assert!(wants);
    ann.confirm(&next.code_in(0)).await.refused("incorrect_enrolment_code");
    confirm(&ann, &next, &old).await.refused("incorrect_enrolment_code");
    // It does not grow old, and outlives a change of the server's key.
    app.clock.advance(minutes(24 * 60));
    let app = app.restart(&[("SECRET_KEY", ROOT), ("SECRET_KEY_PREVIOUS", KEY)]).await;
    let ann = app.visit(&ann);
    ann.login(ANN).await.ok();
    let (next, _) = shown(&app, ann.enrol()).await;
    confirm(&ann, &next, &code).await.ok();
    assert_eq!(
        app.number("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await,
        0,
        "no mail was read"
    );
    // Once.
    ann.remove_app().await.is(204);
    let (next, wants) = shown(&app, ann.enrol()).await;
    assert!(!wants);
    ann.confirm(&next.code_in(0)).await.ok();
}

async fn an_address_of_their_own_does_not_help_who_knows_the_password(database: Database) {
    const EVE: &str = "eve@example.com";
    let server = SmtpServer::start(&[]);
    let app = sending(database, &server, &[("EMAIL_CHANGE_URL", "https://app.example.com/email")]).await;
    app.register(ANN).await;
    let (service, me) = (app.service(), Client::operator());
    operator::confirm_email(&service, app.id_of(ANN).await, &me).await.unwrap();
    let thief = app.browser();
    thief.login(ANN).await.ok();
    let change = json!({ "email": EVE, "current_password": PASSWORD });
    thief.post("/api/auth/email/change").json(&change).await.is(202);
    let token_to = async |to: &str, name: &str| {
        app.all_sent().await;
        let mail = server.got().into_iter().rfind(|got| got.to == to && got.text.contains(name)).expect("a link");
        let (_, rest) = mail.text.split_once(name).expect("a token");
        let token = rest.lines().next().expect("a line").to_owned();
        trace::remember(&token);
        token
    };
    let confirm_change = json!({ "token": token_to(EVE, "#token=").await });
    thief.post("/api/auth/email/change/confirm").json(&confirm_change).await.ok();
    // The code goes to who may take the account back.
    let (theirs, wants) = shown(&app, thief.enrol()).await;
    assert!(wants);
    let code = mailed(&app, &server, ANN, 1).await;
    assert!(server.got().iter().all(|got| got.to != EVE || code_in(&got.text).is_none()));
    thief.confirm(&theirs.code_in(0)).await.refused("incorrect_enrolment_code");
    // Who does so has an account without a factor.
    let restore = json!({ "token": token_to(ANN, "#restore=").await, "new_password": "EvenMoreSecure456" });
    let ann = app.browser();
    ann.post("/api/auth/email/restore").json(&restore).await.ok();
    ann.login_with(ANN, "EvenMoreSecure456").await.ok();
    let (ours, _) = shown(&app, ann.enrol()).await;
    confirm(&ann, &ours, &code).await.ok();
    thief.me().await.refused("session_revoked");
}

async fn a_stranger_who_asks_for_mails_does_not_use_up_the_owners(database: Database) {
    let server = SmtpServer::start(&[]);
    let app =
        sending(database, &server, &[("MAIL_RATE_LIMIT", "2/1d"), ("RESET_URL", "https://app.example.com/r")]).await;
    let ann = app.register_and_login(ANN).await;
    for _ in 0..3 {
        app.browser().post("/api/auth/password/forgot").json(&json!({ "email": ANN })).await.is(202);
    }
    for count in [1, 2, 2] {
        ann.enrol().await.ok();
        mailed(&app, &server, ANN, count).await;
    }
}
