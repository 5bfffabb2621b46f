//! POST /api/auth/login and /login/second-factor, of accounts with an authenticator app

use http::Method;
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;
use crate::harness::operations::Operation;
use crate::harness::time::{days, just_before, minutes};
use crate::harness::tokens::claims;

const ANN: &str = "ann@example.com";
const NEW: &str = "EvenMoreSecure456";

both! {
    whoever_has_an_app_logs_in_by_password_and_code,
    a_code_is_good_once_and_within_one_period_each_way,
    of_uses_at_once_exactly_one_works,
    a_ticket_opens_nothing_but_the_second_step_of_its_login,
    a_ticket_is_void_after_a_change_of_credentials_or_five_minutes,
    a_reset_removes_no_factor,
    few_wrong_codes_are_looked_at_and_a_known_browser_has_its_own,
    refusals_before_the_second_factor_are_the_same_for_all,
    a_recovery_code_is_good_once_in_the_place_of_a_code,
    whoever_is_logged_out_everywhere_needs_a_new_ticket,
    where_everybody_needs_one_it_is_set_up_on_the_way_in,
    what_is_sent_in_the_place_of_a_code_is_refused_by_its_field,
}

async fn whoever_has_an_app_logs_in_by_password_and_code(app: TestApp) {
    let phone = app.register_and_login(ANN).await;
    let laptop = app.browser();
    laptop.login(ANN).await.ok();
    let (authenticator, codes) = laptop.set_up_app(&app).await;
    assert_eq!(codes.len(), 10);
    // The session that set it up has proved both; the others have not, and are over.
    laptop.me().await.ok();
    let proved = claims(&laptop.access_cookie());
    assert_eq!(proved["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(proved["auth_time"], app.clock.now().seconds());
    phone.me().await.refused("session_revoked");
    phone.refresh().await.refused("session_revoked");

    let answer = phone.login(ANN).await;
    let cookies: Vec<_> = answer.cookies().into_iter().map(|cookie| (cookie.name.clone(), cookie.max_age())).collect();
    assert_eq!(cookies, [("login_ticket".to_owned(), Some(300))]);
    let problem = answer.refused("second_factor_required");
    assert_eq!(problem["methods"], json!(["totp", "recovery_code"]));
    phone.me().await.refused("session_revoked");
    let begun = app.number("SELECT count(*) FROM sessions WHERE ended_at IS NULL").await;
    let at = app.clock.now().seconds() + 30;
    phone.second_factor(&authenticator.next()).await.ok();
    assert_eq!(app.number("SELECT count(*) FROM sessions WHERE ended_at IS NULL").await, begun + 1);
    assert_eq!(phone.me().await.ok()["email"], ANN);
    assert_eq!(phone.cookie("login_ticket"), None);
    let proved = claims(&phone.access_cookie());
    assert_eq!((&proved["amr"], &proved["auth_time"]), (&json!(["pwd", "otp", "mfa"]), &json!(at)));
    // A refresh proves nothing.
    app.clock.advance(minutes(5));
    phone.refresh().await.ok();
    let refreshed = claims(&phone.access_cookie());
    assert_eq!((&refreshed["amr"], &refreshed["auth_time"]), (&proved["amr"], &proved["auth_time"]));
    assert_eq!(
        app.audit_of(app.id_of(ANN).await).await,
        [
            "registered",
            "login_succeeded",
            "login_succeeded",
            "session_ended second_factor",
            "factor_added totp",
            "login_succeeded totp"
        ]
    );
}

async fn a_code_is_good_once_and_within_one_period_each_way(app: TestApp) {
    let (_, authenticator, _) = app.with_app(ANN).await;
    let browser = app.browser();
    browser.half_login(ANN).await;
    // The one that confirmed it is used up.
    browser.second_factor(&authenticator.code_in(0)).await.refused("incorrect_second_factor");
    app.clock.advance(minutes(2));
    let code = authenticator.code_in(0);
    browser.second_factor(&format!(" {} {}", &code[..3], &code[3..])).await.ok();
    let later = app.browser();
    later.half_login(ANN).await;
    later.second_factor(&code).await.refused("incorrect_second_factor");
    // An older one, which would have been good, is not any more.
    later.second_factor(&authenticator.code_in(-1)).await.refused("incorrect_second_factor");
    later.second_factor(&authenticator.code_in(2)).await.refused("incorrect_second_factor");
    later.second_factor(&authenticator.code_in(1)).await.ok();
    app.clock.advance(minutes(15));
    let slow = app.browser();
    slow.half_login(ANN).await;
    slow.second_factor(&authenticator.code_in(-2)).await.refused("incorrect_second_factor");
    slow.second_factor(&authenticator.code_in(-1)).await.ok();
}

/// On two nodes, where there is a database that two can share.
async fn of_uses_at_once_exactly_one_works(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "100/1m")]).await;
    let other = match database {
        Database::Postgres => Some(app.another_node(&[]).await),
        Database::Sqlite => None,
    };
    let there = other.as_ref().unwrap_or(&app);
    let (_, authenticator, codes) = app.with_app(ANN).await;
    let live = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
    for round in 0..4 {
        let (one, two) = (app.browser(), app.browser());
        one.half_login(ANN).await;
        two.half_login(ANN).await;
        let before = app.number(live).await;
        let elsewhere = there.visit(&two);
        let (first, second) = match round {
            // One code, two tickets.
            0 | 1 => {
                let code = authenticator.next();
                tokio::join!(one.second_factor(&code), elsewhere.second_factor(&code))
            }
            // One recovery code, two tickets.
            2 => tokio::join!(one.recover(&codes[0]), elsewhere.recover(&codes[0])),
            // One ticket, two codes.
            _ => {
                app.clock.advance(minutes(2));
                let (now, next) = (authenticator.code_in(0), authenticator.code_in(1));
                let tab = there.visit(&one);
                tokio::join!(one.second_factor(&now), tab.second_factor(&next))
            }
        };
        let mut statuses = [first.status(), second.status()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "round {round}");
        assert_eq!(app.number(live).await, before + 1, "round {round}");
        app.clock.advance(minutes(16));
    }
}

async fn a_ticket_opens_nothing_but_the_second_step_of_its_login(app: TestApp) {
    let (laptop, authenticator, _) = app.with_app(ANN).await;
    let (bobs, bobs_app, _) = app.with_app("bob@example.com").await;
    let browser = app.browser();
    browser.half_login(ANN).await;
    let ticket = browser.cookie("login_ticket").unwrap();
    // Neither an access token, nor a refresh token, nor a recent proof.
    let thief = app.browser();
    thief.me().bearer(&ticket).await.refused("not_authenticated");
    thief.put_access_cookie(&ticket);
    thief.put_refresh_cookie(&ticket);
    thief.me().await.refused("not_authenticated");
    thief.refresh().await.refused("not_authenticated");
    laptop.jar().set("recent_proof", &ticket);
    laptop.enrol().await.refused("reauthentication_required");
    // Nor the other way round.
    for other in [laptop.access_cookie(), laptop.refresh_cookie(), "garbage".to_owned(), String::new()] {
        thief.jar().set("login_ticket", &other);
        thief.second_factor(&authenticator.code_in(1)).await.refused("login_ticket_expired");
    }
    // Nor for setting up another app.
    thief.jar().set("login_ticket", &ticket);
    thief.post("/api/auth/login/totp").await.refused("login_ticket_expired");
    // Another person's code is none.
    app.clock.advance(minutes(1));
    browser.second_factor(&bobs_app.code_in(0)).await.refused("incorrect_second_factor");
    bobs.me().await.ok();
    browser.second_factor(&authenticator.code_in(0)).await.ok();
    // It is used up with its first use.
    thief.jar().set("login_ticket", &ticket);
    thief.second_factor(&authenticator.code_in(1)).await.refused("login_ticket_expired");
    thief.me().await.refused("not_authenticated");
}

async fn a_ticket_is_void_after_a_change_of_credentials_or_five_minutes(app: TestApp) {
    let (laptop, authenticator, codes) = app.with_app(ANN).await;
    let id = app.id_of(ANN).await;
    let late = app.browser();
    late.half_login(ANN).await;
    app.clock.advance(just_before(minutes(5)));
    let code = authenticator.code_in(0);
    let just = late.clone();
    app.clock.advance(minutes(1));
    just.second_factor(&code).await.refused("login_ticket_expired");

    let waiting = app.browser();
    waiting.half_login(ANN).await;
    laptop.prove_again(&authenticator).await;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    laptop.post("/api/auth/password").json(&change).await.ok();
    waiting.second_factor(&authenticator.next()).await.refused("login_ticket_expired");

    waiting.login_with(ANN, NEW).await.refused("second_factor_required");
    app.operate(id, Operation::Disable, false).await;
    waiting.second_factor(&authenticator.next()).await.refused("login_ticket_expired");
    waiting.login_with(ANN, NEW).await.refused("incorrect_credentials");
    app.operate(id, Operation::Enable, false).await;
    waiting.second_factor(&authenticator.next()).await.refused("login_ticket_expired");

    // A factor less, or another one.
    waiting.login_with(ANN, NEW).await.refused("second_factor_required");
    let other = app.browser();
    other.login_with(ANN, NEW).await.refused("second_factor_required");
    other.recover(&codes[0]).await.ok();
    other.remove_app().await.is(204);
    waiting.second_factor(&authenticator.next()).await.refused("login_ticket_expired");
    waiting.login_with(ANN, NEW).await.ok();
}

async fn a_reset_removes_no_factor(database: Database) {
    let app = TestApp::start(database).await;
    let (_, authenticator, _) = app.with_app(ANN).await;
    let token = app.reset_token(ANN).await;
    let browser = app.browser();
    let reset = json!({ "token": token, "new_password": NEW });
    browser.post("/api/auth/password/reset").json(&reset).await.ok();
    browser.login_with(ANN, NEW).await.refused("second_factor_required");
    browser.second_factor(&authenticator.next()).await.ok();
    // An operator's new password does neither.
    let hash = doorward::domain::password::PasswordHash::new(app.hash_of(ANN).await.replace("mfa$", ""));
    app.operate(app.id_of(ANN).await, Operation::SetPassword(hash), false).await;
    app.browser().login_with(ANN, NEW).await.refused("second_factor_required");
    // The version before can't read what is stored of the password, and refuses it.
    let marked = app.hash_of(ANN).await;
    assert!(marked.starts_with("mfa$$2b$04$"), "{marked}");
    // Nor does it take the mark away, where it may stand beside this one.
    if database == Database::Postgres {
        app.execute(&format!("UPDATE users SET password_hash = '{}'", marked.replace("mfa$", ""))).await;
        assert_eq!(app.hash_of(ANN).await, marked);
    }
}

async fn few_wrong_codes_are_looked_at_and_a_known_browser_has_its_own(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "1000/1m")]).await;
    let (laptop, authenticator, codes) = app.with_app(ANN).await;
    let thief = app.browser();
    thief.half_login(ANN).await;
    for _ in 0..5 {
        thief.second_factor(&authenticator.wrong()).await.refused("incorrect_second_factor");
    }
    // From now on not even the right one is looked at, nor a recovery code, wherever it comes from.
    app.clock.advance(minutes(1));
    thief.second_factor(&authenticator.code_in(0)).await.refused("too_many_attempts");
    let elsewhere = app.browser();
    elsewhere.half_login(ANN).await;
    let refused = elsewhere.recover(&codes[0]).await;
    assert_eq!(refused.retry_after(), 14 * 60);
    refused.refused("too_many_attempts");
    // The owner's browser is known, and has not guessed.
    laptop.full_login(ANN, &authenticator.code_in(0)).await;
    // Twenty a day.
    let mut wrong = 5;
    for _ in 0..6 {
        app.clock.advance(minutes(15));
        thief.half_login(ANN).await;
        for _ in 0..5 {
            let answer = thief.second_factor(&authenticator.wrong()).await;
            wrong += i32::from(answer.status() == 401);
        }
    }
    assert_eq!(wrong, 20);
    app.clock.advance(days(1));
    thief.half_login(ANN).await;
    thief.second_factor(&authenticator.wrong()).await.refused("incorrect_second_factor");
    // An operator forgives.
    for _ in 0..4 {
        thief.second_factor(&authenticator.wrong()).await.refused("incorrect_second_factor");
    }
    thief.second_factor(&authenticator.code_in(0)).await.refused("too_many_attempts");
    app.operate(app.id_of(ANN).await, Operation::Unblock, false).await;
    if database == Database::Sqlite {
        // What a server learns a second later.
        let email = doorward::domain::account::Email::parse(ANN).unwrap();
        let names = app.service().limits.names.of(email.as_str().as_bytes());
        app.service().limits.counters.unblock(names, app.clock.now());
        thief.half_login(ANN).await;
        thief.second_factor(&authenticator.next()).await.ok();
    }
}

/// Rounds and queries: an account with a factor is refused as all others are, until its password is right.
async fn refusals_before_the_second_factor_are_the_same_for_all(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "off")]).await;
    app.with_app(ANN).await;
    app.with_app("off@example.com").await;
    app.disable("off@example.com").await;
    app.register("bob@example.com").await;
    let rounds = || app.service().password.hashing.rounds_done();
    let mut seen = Vec::new();
    for (email, password) in [
        (ANN, "WrongCanary123"),
        ("bob@example.com", "WrongCanary123"),
        ("nobody@example.com", "WrongCanary123"),
        ("off@example.com", PASSWORD),
    ] {
        let (before, browser) = (rounds(), app.browser());
        let answer = browser.login_with(email, password).await;
        assert!(answer.cookies().is_empty());
        let problem = answer.refused("incorrect_credentials");
        seen.push((rounds() - before, problem));
    }
    for other in &seen[1..] {
        assert_eq!(other, &seen[0]);
    }
    assert!(seen[0].0 > 0);
}

async fn a_recovery_code_is_good_once_in_the_place_of_a_code(app: TestApp) {
    let (_, authenticator, codes) = app.with_app(ANN).await;
    let left = "SELECT count(*) FROM recovery_codes WHERE used_at IS NULL";
    for (number, code) in codes.iter().enumerate() {
        app.clock.advance(minutes(1));
        let browser = app.browser();
        browser.half_login(ANN).await;
        let typed = if number % 2 == 0 { code.clone() } else { code.to_uppercase().replace('-', " ") };
        let message = browser.recover(&typed).await.ok()["message"].as_str().unwrap().to_owned();
        let few = 10 - number - 1;
        assert_eq!(message.contains("recovery codes left"), few < 3, "{few}: {message}");
        let again = app.browser();
        if number == 9 {
            assert_eq!(again.login(ANN).await.refused("second_factor_required")["methods"], json!(["totp"]));
        } else {
            again.half_login(ANN).await;
        }
        again.recover(code).await.refused("incorrect_second_factor");
        assert_eq!(app.number(left).await, i64::try_from(few).unwrap());
        app.clock.advance(minutes(5 * 60));
    }
    let browser = app.browser();
    browser.full_login(ANN, &authenticator.next()).await;
    let factors = browser.factors().await.ok();
    assert_eq!(factors["recovery_codes"]["left"], 0);
    let made = browser.new_recovery_codes().await.ok();
    let made = made["recovery_codes"].as_array().unwrap();
    assert_eq!(made.len(), 10);
    app.clock.advance(minutes(60 * 24));
    let other = app.browser();
    other.half_login(ANN).await;
    other.recover(&codes[0]).await.refused("incorrect_second_factor");
    other.recover(made[0].as_str().unwrap()).await.ok();
}

async fn whoever_is_logged_out_everywhere_needs_a_new_ticket(app: TestApp) {
    let (_, authenticator, codes) = app.with_app(ANN).await;
    let browser = app.browser();
    browser.half_login(ANN).await;
    app.clock.advance(minutes(1));
    let now = app.clock.now().to_string();
    let app = app.restart(&[("SESSIONS_NOT_BEFORE", &now)]).await;
    let browser = app.visit(&browser);
    browser.second_factor(&authenticator.code_in(0)).await.refused("login_ticket_expired");
    browser.login(ANN).await.refused("second_factor_required");
    // Somebody may have had a copy of the database: the recovery codes from before are void too.
    browser.recover(&codes[0]).await.refused("incorrect_second_factor");
    browser.second_factor(&authenticator.code_in(0)).await.ok();
}

async fn where_everybody_needs_one_it_is_set_up_on_the_way_in(database: Database) {
    let app = TestApp::start(database).await;
    let laptop = app.register_and_login(ANN).await;
    let (bobs, bobs_app, _) = app.with_app("bob@example.com").await;
    let app = app.restart(&[("SECOND_FACTOR", "required")]).await;
    let (laptop, bobs) = (app.visit(&laptop), app.visit(&bobs));
    // Who has none is out; who has one is in.
    laptop.me().await.refused("session_revoked");
    laptop.refresh().await.refused("session_revoked");
    bobs.me().await.ok();
    bobs.refresh().await.ok();
    laptop.login_with(ANN, "WrongCanary123").await.refused("incorrect_credentials");
    laptop.login(ANN).await.refused("second_factor_enrolment_required");
    laptop.me().await.refused("session_revoked");
    // The ticket is for setting one up, not for proving one.
    laptop.second_factor("123456").await.refused("login_ticket_expired");
    let shown = laptop.post("/api/auth/login/totp").await.ok();
    let authenticator = crate::harness::authenticator::Authenticator::of(shown["secret"].as_str().unwrap(), &app.clock);
    let confirm = |code: &str| laptop.post("/api/auth/login/totp/confirm").json(&json!({ "code": code }));
    confirm(&authenticator.wrong()).await.refused("incorrect_second_factor");
    // What was shown to one ticket another does not confirm.
    let thief = app.browser();
    thief.login(ANN).await.refused("second_factor_enrolment_required");
    let steal = thief.post("/api/auth/login/totp/confirm").json(&json!({ "code": authenticator.code_in(0) }));
    steal.await.refused("login_ticket_expired");
    let confirmed = confirm(&authenticator.code_in(0)).await.ok();
    assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
    laptop.me().await.ok();
    assert_eq!(claims(&laptop.access_cookie())["amr"], json!(["pwd", "otp", "mfa"]));
    // From now on as with everybody else; and the last factor stays.
    thief.post("/api/auth/login/totp").await.refused("login_ticket_expired");
    laptop.remove_app().await.refused("last_factor");
    let phone = app.browser();
    phone.full_login(ANN, &authenticator.next()).await;
    bobs.reauthenticate(&json!({ "password": PASSWORD, "code": bobs_app.next() })).await.ok();
    bobs.set_up_app(&app).await;
}

async fn what_is_sent_in_the_place_of_a_code_is_refused_by_its_field(app: TestApp) {
    let (_, authenticator, codes) = app.with_app(ANN).await;
    let browser = app.browser();
    browser.half_login(ANN).await;
    let send = |body: serde_json::Value| browser.post("/api/auth/login/second-factor").json(&body);
    send(json!({})).await.invalid(&[("code", "required")]);
    send(json!({ "code": 287_082 })).await.invalid(&[("code", "type")]);
    send(json!({ "code": "287082", "recovery_code": codes[0] })).await.invalid(&[("recovery_code", "invalid")]);
    send(json!({ "code": "287082", "otp": "1" })).await.invalid(&[("otp", "unknown")]);
    for code in ["", "12345", "abcdef", "１２３４５６"] {
        send(json!({ "code": code })).await.refused("incorrect_second_factor");
    }
    browser.call(Method::GET, "/api/auth/login/second-factor").await.refused("method_not_allowed");
    let other = app.browser();
    other.second_factor(&authenticator.next()).await.refused("login_ticket_expired");
}
