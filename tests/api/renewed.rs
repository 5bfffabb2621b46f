//! A right password is right, whatever becomes of its hash meanwhile: a login stores another one after an import, or where the cost was changed.

use std::future::IntoFuture as _;

use serde_json::json;

use crate::harness::answer::Answer;
use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Call, PASSWORD};

const ANN: &str = "ann@example.com";
const NEW: &str = "EvenMoreSecure456";
/// Of the password of everybody, as other settings made it: slow enough that something else happens before it was looked at.
const OLD: &str = "$2b$12$abcdefghijklmnopqrstuuo9c9JYu18Pa1U0pl0UOqUggg7HBAvEy";
/// Of the same, as these settings do.
const RENEWED: &str = "$2b$04$zyxwvutsrqponmlkjihgfemyCK8z8unWYUkDUz2AEE5x4Q3p/fQmy";
/// Of the new one.
const CHANGED: &str = "$2b$04$zyxwvutsrqponmlkjihgfeU9ds7sQ5VHEAoHOkWS.HtSjP/rnweCW";

both! {
    whatever_a_password_opens_it_opens_while_its_hash_is_renewed,
    a_code_beside_it_is_used_once,
    an_address_is_corrected_while_it_is_renewed,
    a_password_that_was_changed_meanwhile_is_wrong,
}

/// What stands in the only account's row, marked or not.
async fn put(app: &TestApp, hash: &str) {
    app.execute(&format!(
        "UPDATE users SET password_hash = CASE WHEN substr(password_hash, 1, 4) = 'mfa$' THEN 'mfa$' || '{hash}' ELSE '{hash}' END"
    ))
    .await;
}

/// Calls, and puts this in the place of the hash that is being looked at.
async fn while_it_becomes(app: &TestApp, hash: &str, call: Call) -> Answer {
    put(app, OLD).await;
    let service = app.service();
    let begun = || service.password.hashing.gauges().rounds_done;
    let before = begun();
    let call = tokio::spawn(call.into_future());
    while begun() == before {
        tokio::task::yield_now().await;
    }
    put(app, hash).await;
    call.await.unwrap()
}

async fn whatever_a_password_opens_it_opens_while_its_hash_is_renewed(app: TestApp) {
    let ann = app.register_and_login(ANN).await;
    while_it_becomes(&app, RENEWED, ann.reauthenticate(&json!({ "password": PASSWORD }))).await.ok();
    let change = json!({ "email": "new@example.com", "current_password": PASSWORD });
    while_it_becomes(&app, RENEWED, ann.post("/api/auth/email/change").json(&change)).await.is(202);
    assert_eq!(app.mail("new@example.com").await.kind, "email_change");
    while_it_becomes(&app, RENEWED, ann.login(ANN)).await.ok();
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    while_it_becomes(&app, RENEWED, ann.post("/api/auth/password").json(&change)).await.ok();
    ann.me().await.ok();
    app.browser().login(ANN).await.refused("incorrect_credentials");
    app.browser().login_with(ANN, NEW).await.ok();
}

async fn a_code_beside_it_is_used_once(app: TestApp) {
    let (ann, authenticator, _) = app.with_app(ANN).await;
    let both = json!({ "password": PASSWORD, "code": authenticator.code_in(1) });
    while_it_becomes(&app, RENEWED, ann.reauthenticate(&both)).await.ok();
    ann.reauthenticate(&both).await.refused("incorrect_code");
}

async fn an_address_is_corrected_while_it_is_renewed(database: Database) {
    let settings = [("EMAIL_VERIFICATION", "required"), ("VERIFY_URL", "https://app.example.com/verify")];
    let app = TestApp::with(database, &settings).await;
    app.put_account(ANN, OLD).await;
    let correct = json!({ "email": ANN, "password": PASSWORD, "new_email": "new@example.com" });
    while_it_becomes(&app, RENEWED, app.browser().post("/api/auth/email/correct").json(&correct)).await.is(202);
    assert_eq!(app.mail("new@example.com").await.kind, "verify");
}

async fn a_password_that_was_changed_meanwhile_is_wrong(app: TestApp) {
    let ann = app.register_and_login(ANN).await;
    let again = ann.reauthenticate(&json!({ "password": PASSWORD }));
    while_it_becomes(&app, CHANGED, again).await.refused("incorrect_current_password");
    let change = json!({ "email": "new@example.com", "current_password": PASSWORD });
    let change = ann.post("/api/auth/email/change").json(&change);
    while_it_becomes(&app, CHANGED, change).await.refused("incorrect_current_password");
    let change = json!({ "current_password": PASSWORD, "new_password": "AndAnotherOne789" });
    let change = ann.post("/api/auth/password").json(&change);
    while_it_becomes(&app, CHANGED, change).await.refused("incorrect_current_password");
    while_it_becomes(&app, CHANGED, ann.login(ANN)).await.refused("incorrect_credentials");
    let told = app.audit_of(app.id_of(ANN).await).await;
    let wrong = ["reauthentication_failed", "reauthentication_failed", "reauthentication_failed", "login_failed"];
    assert_eq!(told[told.len() - 4..], wrong);
    assert_eq!(app.hash_of(ANN).await, CHANGED);
}
