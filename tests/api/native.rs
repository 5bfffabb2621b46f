//! Clients without cookies: tokens in bodies

use http::Method;
use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::app::{Database, TestApp};
use crate::harness::authenticator::Authenticator;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::time::{hours, minutes};
use crate::harness::tokens::claims;
use crate::harness::{both, trace};

const ANN: &str = "ann@example.com";
const LOGIN: &str = "/api/auth/login";
const REFRESH: &str = "/api/auth/refresh";
const NEW: &str = "EvenMoreSecure456";

both! {
    an_app_logs_in_refreshes_and_logs_out,
    whatever_may_be_a_page_gets_no_token_in_a_body,
    neither_kind_converts,
    a_copied_refresh_token_ends_the_session,
    of_fifty_refreshes_at_once_one_rotates,
    wrong_passwords_are_counted_as_ever,
    a_second_factor_is_proved_with_the_ticket_of_the_body,
    an_app_is_set_up_on_the_way_in_with_the_ticket_of_the_body,
    who_has_just_proved_it_says_so_by_a_header,
    a_change_of_the_password_goes_on_in_the_same_way,
    what_is_asked_for_in_another_way_is_refused_by_its_field,
}

fn login(client: &Browser, email: &str) -> Call {
    client.post(LOGIN).json(&json!({ "email": email, "password": PASSWORD, "token_delivery": "body" }))
}

fn refresh(client: &Browser, token: &Value) -> Call {
    client.post(REFRESH).json(&json!({ "token_delivery": "body", "refresh_token": token }))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a token")
}

/// No cookie comes with it.
#[track_caller]
fn tokens(answer: Answer) -> Value {
    assert!(answer.cookies().is_empty());
    let body = answer.ok();
    for name in ["access_token", "refresh_token"] {
        trace::remember(text(&body[name]));
    }
    assert!(body["message"].is_string() && body["expires_in"].is_u64(), "{body}");
    body
}

async fn an_app_logs_in_refreshes_and_logs_out(app: TestApp) {
    app.register(ANN).await;
    let phone = app.browser();
    let first = tokens(login(&phone, ANN).await);
    assert_eq!((&first["message"], &first["expires_in"]), (&json!("Login successful"), &json!(3_600)));
    let me = phone.me().bearer(text(&first["access_token"])).await;
    assert_eq!(me.ok()["email"], ANN);
    phone.me().await.refused("not_authenticated");
    app.clock.advance(hours(2));
    phone.me().bearer(text(&first["access_token"])).await.refused("token_expired");
    let second = tokens(refresh(&phone, &first["refresh_token"]).await);
    assert_eq!(second["message"], "Token refreshed successfully");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    // A lost answer is given again.
    let again = tokens(refresh(&phone, &first["refresh_token"]).await);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    // No recent proof goes with a refresh.
    assert!(first["recent_proof"].is_string() && second.get("recent_proof").is_none());
    let access = text(&second["access_token"]);
    let listed = phone.get("/api/auth/sessions").bearer(access).await.ok();
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(1));
    phone.logout().bearer(access).await.ok();
    phone.me().bearer(access).await.refused("session_ended");
    refresh(&phone, &second["refresh_token"]).await.refused("session_ended");
    assert_eq!(
        app.audit_of(app.id_of(ANN).await).await,
        ["registered", "login_succeeded", "refresh_replayed", "logged_out logout"]
    );
}

async fn whatever_may_be_a_page_gets_no_token_in_a_body(app: TestApp) {
    app.register(ANN).await;
    let phone = app.browser();
    let kept = tokens(login(&phone, ANN).await);
    let laptop = app.browser();
    laptop.login(ANN).await.ok();
    let port = app.address().port();
    let own = format!("http://localhost:{port}");
    let before = app.dump().await;
    let signs = [
        ("origin", own.as_str()),
        ("origin", "http://localhost:3000"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-user", "?1"),
        ("sec-fetch-storage-access", "active"),
        ("cookie", "access_token="),
        ("cookie", "refresh_token=x"),
        ("cookie", "session_hint=1"),
        ("cookie", "device=x"),
        ("cookie", "login_ticket=x"),
        ("cookie", "recent_proof=x"),
        ("cookie", "theme=dark; __Host-refresh_token=x"),
        ("cookie", "access_token_shop=x"),
    ];
    for (name, value) in signs {
        login(&phone, ANN).header(name, value).await.refused("token_delivery_refused");
        refresh(&phone, &kept["refresh_token"]).header(name, value).await.refused("token_delivery_refused");
        let access = text(&kept["access_token"]);
        let change = json!({ "current_password": PASSWORD, "new_password": NEW });
        let change = phone.post("/api/auth/password").bearer(access).json(&change).header(name, value);
        change.await.refused("token_delivery_refused");
        let proof = phone.post("/api/auth/reauthenticate").bearer(access).json(&json!({ "password": PASSWORD }));
        proof.header(name, value).await.refused("token_delivery_refused");
        let ticket = json!({ "code": "123456", "ticket": "x" });
        let second = phone.post("/api/auth/login/second-factor").json(&ticket).header(name, value);
        second.await.refused("token_delivery_refused");
    }
    for origin in ["null", "capacitor://localhost", "https://evil.example", "file://"] {
        login(&phone, ANN).header("origin", origin).await.refused("cross_site_request");
        let answer = login(&phone, ANN).header("origin", origin).header("sec-fetch-site", "none").await;
        answer.refused("token_delivery_refused");
    }
    // A right password is told nobody, either.
    let wrong = json!({ "email": ANN, "password": "WrongSecret1", "token_delivery": "body" });
    phone.post(LOGIN).json(&wrong).header("sec-fetch-site", "none").await.refused("token_delivery_refused");
    assert_eq!(app.dump().await, before);
    // Cookies of others are none of ours.
    tokens(login(&phone, ANN).header("cookie", "theme=dark; access_tokens=x").await);
}

async fn neither_kind_converts(app: TestApp) {
    let laptop = app.register_and_login(ANN).await;
    let phone = app.browser();
    let kept = tokens(login(&phone, ANN).await);
    let before = app.dump().await;
    let cookie = json!(laptop.refresh_cookie());
    refresh(&phone, &cookie).await.refused("not_authenticated");
    app.refresh_with(text(&kept["refresh_token"])).await.refused("not_authenticated");
    // Nor does it stand for a browser: at a login it replaces nothing, and tells nobody anything.
    let planted = app.browser();
    planted.put_refresh_cookie(text(&kept["refresh_token"]));
    let state = planted.get("/api/auth/state").await.ok();
    assert_eq!(state, json!({ "user": null, "refreshable": false }));
    planted.logout().await.ok();
    assert_eq!(app.dump().await, before);
    laptop.refresh().await.ok();
    tokens(refresh(&phone, &kept["refresh_token"]).await);
}

async fn a_copied_refresh_token_ends_the_session(app: TestApp) {
    app.register(ANN).await;
    let phone = app.browser();
    let first = tokens(login(&phone, ANN).await);
    let second = tokens(refresh(&phone, &first["refresh_token"]).await);
    app.clock.advance(minutes(5));
    let third = tokens(refresh(&phone, &second["refresh_token"]).await);
    app.clock.advance(minutes(5));
    refresh(&app.browser(), &first["refresh_token"]).await.refused("session_reuse_detected");
    refresh(&phone, &third["refresh_token"]).await.refused("session_reuse_detected");
    phone.me().bearer(text(&third["access_token"])).await.refused("session_reuse_detected");
}

async fn of_fifty_refreshes_at_once_one_rotates(app: TestApp) {
    app.register(ANN).await;
    let first = tokens(login(&app.browser(), ANN).await);
    app.clock.advance(minutes(30));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (client, token) = (app.browser(), first["refresh_token"].clone());
            tokio::spawn(async move { tokens(refresh(&client, &token).await)["refresh_token"].clone() })
        })
        .collect();
    let mut given = Vec::new();
    for call in calls {
        given.push(call.await.unwrap());
    }
    assert_ne!(given[0], first["refresh_token"]);
    given.dedup();
    assert_eq!(given.len(), 1, "one successor");
}

async fn wrong_passwords_are_counted_as_ever(app: TestApp) {
    app.register(ANN).await;
    let thief = app.browser();
    for _ in 0..5 {
        let guess = json!({ "email": ANN, "password": "WrongSecret1", "token_delivery": "body" });
        thief.post(LOGIN).json(&guess).await.refused("incorrect_credentials");
    }
    login(&thief, ANN).await.refused("too_many_attempts");
    let forged = json!("A".repeat(84));
    refresh(&app.browser(), &forged).await.refused("not_authenticated");
    refresh(&app.browser(), &json!("")).await.refused("not_authenticated");
}

async fn a_second_factor_is_proved_with_the_ticket_of_the_body(app: TestApp) {
    let (_, authenticator, _) = app.with_app(ANN).await;
    let phone = app.browser();
    let answer = login(&phone, ANN).await;
    assert!(answer.cookies().is_empty());
    let problem = answer.refused("second_factor_required");
    let ticket = problem["ticket"].clone();
    let second = |code: &str, ticket: &Value| {
        phone.post("/api/auth/login/second-factor").json(&json!({ "code": code, "ticket": ticket }))
    };
    second("000000", &ticket).await.refused("incorrect_second_factor");
    second("000000", &json!("x")).await.refused("login_ticket_expired");
    app.clock.advance(minutes(1));
    let code = authenticator.next();
    let begun = tokens(second(&code, &ticket).await);
    assert_eq!(claims(text(&begun["access_token"]))["amr"], json!(["pwd", "otp", "mfa"]));
    second(&code, &ticket).await.refused("login_ticket_expired");
    tokens(refresh(&phone, &begun["refresh_token"]).await);
    // With a cookie the ticket is in a cookie alone.
    let laptop = app.browser();
    let answer = laptop.login(ANN).await;
    assert_eq!(answer.refused("second_factor_required").get("ticket"), None);
}

async fn an_app_is_set_up_on_the_way_in_with_the_ticket_of_the_body(database: Database) {
    let app = TestApp::with(database, &[("SECOND_FACTOR", "required")]).await;
    app.register(ANN).await;
    let phone = app.browser();
    let problem = login(&phone, ANN).await.refused("second_factor_enrolment_required");
    let ticket = &problem["ticket"];
    phone.post("/api/auth/login/totp").await.refused("login_ticket_expired");
    let shown = phone.post("/api/auth/login/totp").json(&json!({ "ticket": ticket })).await.ok();
    let authenticator = Authenticator::of(text(&shown["secret"]), &app.clock);
    let confirm = json!({ "code": authenticator.code_in(0), "ticket": ticket });
    let answer = phone.post("/api/auth/login/totp/confirm").json(&confirm).await;
    assert!(answer.cookies().is_empty());
    let begun = answer.ok();
    assert_eq!(begun["recovery_codes"].as_array().map(Vec::len), Some(10));
    phone.me().bearer(text(&begun["access_token"])).await.ok();
    tokens(refresh(&phone, &begun["refresh_token"]).await);
}

async fn who_has_just_proved_it_says_so_by_a_header(app: TestApp) {
    app.register(ANN).await;
    // A session by cookies has its proof in a cookie alone.
    let laptop = app.browser();
    laptop.login(ANN).await.ok();
    let proof = laptop.cookie("recent_proof").expect("a proof");
    let bearer = app.browser().post("/api/auth/me/totp").bearer(&laptop.access_cookie());
    bearer.header("x-doorward-recent-proof", proof).await.refused("reauthentication_required");
    let phone = app.browser();
    let begun = tokens(login(&phone, ANN).await);
    let access = text(&begun["access_token"]);
    let enrol = || phone.post("/api/auth/me/totp").bearer(access);
    enrol().await.refused("reauthentication_required");
    enrol().header("x-doorward-recent-proof", text(&begun["recent_proof"])).await.ok();
    // Another session's proves nothing here, nor does a cookie.
    let other = tokens(login(&app.browser(), ANN).await);
    enrol().header("x-doorward-recent-proof", text(&other["recent_proof"])).await.refused("reauthentication_required");
    let cookie = format!("recent_proof={}", text(&begun["recent_proof"]));
    enrol().header("cookie", cookie).await.refused("reauthentication_required");
    app.clock.advance(minutes(10));
    enrol().header("x-doorward-recent-proof", text(&begun["recent_proof"])).await.refused("reauthentication_required");
    let prove = phone.post("/api/auth/reauthenticate").bearer(access).json(&json!({ "password": PASSWORD }));
    let answer = prove.await;
    assert!(answer.cookies().is_empty());
    let proved = answer.ok();
    assert_eq!(proved.get("refresh_token"), None);
    let fresh = || text(&proved["recent_proof"]);
    let call = phone.post("/api/auth/me/totp").bearer(text(&proved["access_token"]));
    let shown = call.header("x-doorward-recent-proof", fresh()).await.ok();
    let code = json!({ "code": Authenticator::of(text(&shown["secret"]), &app.clock).code_in(0) });
    let call = phone.post("/api/auth/me/totp/confirm").bearer(access).json(&code);
    let answer = call.header("x-doorward-recent-proof", fresh()).await;
    assert!(answer.cookies().is_empty());
    answer.ok();
    let refreshed = tokens(refresh(&phone, &begun["refresh_token"]).await);
    assert_eq!(claims(text(&refreshed["access_token"]))["amr"], json!(["pwd", "otp", "mfa"]));
}

async fn a_change_of_the_password_goes_on_in_the_same_way(app: TestApp) {
    let laptop = app.register_and_login(ANN).await;
    let phone = app.browser();
    let begun = tokens(login(&phone, ANN).await);
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    let call = phone.post("/api/auth/password").bearer(text(&begun["access_token"])).json(&change);
    let changed = tokens(call.await);
    laptop.me().await.refused("session_revoked");
    refresh(&phone, &begun["refresh_token"]).await.refused("session_revoked");
    let went_on = tokens(refresh(&phone, &changed["refresh_token"]).await);
    let access = text(&went_on["access_token"]);
    let leave = phone.call(Method::DELETE, "/api/auth/me").bearer(access).json(&json!({ "password": NEW }));
    leave.await.is(204);
}

async fn what_is_asked_for_in_another_way_is_refused_by_its_field(app: TestApp) {
    let client = app.browser();
    for (delivery, code) in [(json!("header"), "invalid"), (json!(1), "type"), (json!("Body"), "invalid")] {
        let body = json!({ "email": ANN, "password": PASSWORD, "token_delivery": delivery });
        client.post(LOGIN).json(&body).await.invalid(&[("token_delivery", code)]);
    }
    let refused = |body: Value| client.post(REFRESH).json(&body);
    refused(json!({ "token_delivery": "body" })).await.invalid(&[("refresh_token", "required")]);
    refused(json!({ "refresh_token": "x" })).await.invalid(&[("token_delivery", "required")]);
    refused(json!({ "token_delivery": "body", "refresh_token": 1 })).await.invalid(&[("refresh_token", "type")]);
    refused(json!({ "token_delivery": "body", "refresh_token": "x", "more": 1 })).await.invalid(&[("more", "unknown")]);
    // As cookies, by name: as if nothing was said.
    app.register(ANN).await;
    let login = json!({ "email": ANN, "password": PASSWORD, "token_delivery": "cookies" });
    assert_eq!(client.post(LOGIN).json(&login).await.ok(), json!({ "message": "Login successful" }));
    client.post(REFRESH).json(&json!({})).await.ok();
    client.post(REFRESH).json(&json!({ "token_delivery": "cookies" })).await.ok();
}
