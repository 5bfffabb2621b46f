//! What the audit keeps of each operation, and what it does not keep of who has left.

use doorward::domain::account::UserId;
use doorward::service::Client;
use doorward::service::operator;
use http::Method;
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;
use crate::harness::operations::Operation;

const NEW: &str = "EvenMoreSecure456";

both! {
    every_operation_of_a_person_leaves_its_record,
    every_operation_of_an_operator_leaves_its_record,
    what_the_service_does_by_itself_is_told_so,
    what_was_refused_leaves_no_record,
    of_who_has_left_the_audit_keeps_the_id_alone,
}

/// The records that have come since the last look.
async fn new(app: &TestApp, id: UserId, seen: &mut usize) -> Vec<String> {
    let all = app.audit_of(id).await;
    let new = all[*seen..].to_vec();
    *seen = all.len();
    new
}

async fn every_operation_of_a_person_leaves_its_record(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let id = app.id_of("ann@example.com").await;
    let mut seen = 0;
    assert_eq!(new(&app, id, &mut seen).await, ["registered", "login_succeeded"]);
    app.browser().login_with("ann@example.com", "WrongPass123").await.refused("incorrect_credentials");
    assert_eq!(new(&app, id, &mut seen).await, ["login_failed"]);
    laptop.call(Method::PATCH, "/api/auth/me").json(&json!({ "full_name": "Ann" })).await.ok();
    assert_eq!(new(&app, id, &mut seen).await, ["profile_changed"]);
    laptop.get("/api/auth/me/export").await.ok();
    assert_eq!(new(&app, id, &mut seen).await, ["data_exported"]);
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    laptop.post("/api/auth/password").json(&change).await.ok();
    let changed = ["session_ended password_changed", "password_changed", "login_succeeded"];
    assert_eq!(new(&app, id, &mut seen).await, changed);
    let phone = app.browser();
    phone.login_with("ann@example.com", NEW).await.ok();
    let sessions = phone.get("/api/auth/sessions").await.ok();
    let other = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    let other = format!("/api/auth/sessions/{}", other["id"].as_str().unwrap());
    phone.call(Method::DELETE, &other).await.is(204);
    assert_eq!(new(&app, id, &mut seen).await, ["login_succeeded", "logged_out logout"]);
    phone.post("/api/auth/logout-all").await.ok();
    assert_eq!(new(&app, id, &mut seen).await, ["session_ended logout_all"]);
    let token = app.reset_token("ann@example.com").await;
    let reset = json!({ "token": token, "new_password": PASSWORD });
    app.browser().post("/api/auth/password/reset").json(&reset).await.ok();
    assert_eq!(new(&app, id, &mut seen).await, ["reset_requested operator", "password_changed reset"]);
    let laptop = app.browser();
    laptop.login("ann@example.com").await.ok();
    laptop.logout().await.ok();
    assert_eq!(new(&app, id, &mut seen).await, ["login_succeeded", "logged_out logout"]);
}

async fn every_operation_of_an_operator_leaves_its_record(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    let (service, id) = (app.service(), app.id_of("ann@example.com").await);
    let hash =
        service.password.hashing.hash(doorward::domain::password::Password::parse(NEW.into()).unwrap()).await.unwrap();
    let mut seen = app.audit_of(id).await.len();
    for (change, expected) in [
        (Operation::MakeSuperuser, &["superuser_made operator"][..]),
        (Operation::LogOut, &["session_ended admin operator"]),
        (Operation::Disable, &["user_disabled operator"]),
        (Operation::Enable, &["user_enabled operator"]),
        (Operation::Unblock, &["user_unblocked operator"]),
        (Operation::SetPassword(hash), &["password_changed operator"]),
    ] {
        app.operate(id, change, true).await;
        assert_eq!(new(&app, id, &mut seen).await, expected);
    }
    ann.me().await.refused("session_revoked");
    operator::export(&service, id, &Client::operator()).await.unwrap().unwrap();
    assert_eq!(new(&app, id, &mut seen).await, ["data_exported operator"]);
    operator::erase(&service, id, &Client::operator(), true).await.unwrap();
    assert_eq!(app.audit_of(id).await.last().unwrap(), "user_deleted operator");
    assert!(operator::export(&service, id, &Client::operator()).await.unwrap().is_none());
}

async fn what_the_service_does_by_itself_is_told_so(database: Database) {
    let app = TestApp::with(database, &[("MAX_SESSIONS_PER_USER", "1")]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    let id = app.id_of("ann@example.com").await;
    app.browser().login("ann@example.com").await.ok();
    laptop.me().await.refused("session_revoked");
    let told = ["registered", "login_succeeded", "session_ended evicted service", "login_succeeded"];
    assert_eq!(app.audit_of(id).await, told);
}

async fn what_was_refused_leaves_no_record(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    let (service, id) = (app.service(), app.id_of("ann@example.com").await);
    app.operate(id, Operation::MakeSuperuser, false).await;
    let before = app.dump().await;
    let disabled = app.operate(id, Operation::Disable, false).await;
    let erased = operator::erase(&service, id, &Client::operator(), false).await.unwrap();
    assert_eq!([disabled, erased], [operator::Changed::LastSuperuser; 2]);
    let nobody = UserId(404);
    for change in [Operation::Disable, Operation::Enable, Operation::MakeSuperuser, Operation::LogOut] {
        let changed = app.operate(nobody, change, true).await;
        assert_eq!(changed, operator::Changed::Unknown);
    }
    ann.call(Method::PATCH, "/api/auth/me").json(&json!({ "full_name": 1 })).await.refused("validation_failed");
    let taken = app.browser().register("ann@example.com").await;
    taken.refused("email_unavailable");
    assert_eq!(app.dump().await, before);
}

async fn of_who_has_left_the_audit_keeps_the_id_alone(app: TestApp) {
    let agent = "Mozilla/5.0 (canary-agent)";
    let laptop = app.register("ann@example.com").await;
    laptop.login("ann@example.com").header("user-agent", agent).await.ok();
    laptop.call(Method::PATCH, "/api/auth/me").json(&json!({ "full_name": "Canary Lee" })).await.ok();
    app.browser().login_with("ann@example.com", "WrongPass123").header("user-agent", agent).await.is(401);
    app.reset_token("ann@example.com").await;
    let id = app.id_of("ann@example.com").await;
    let before = app.dump().await;
    assert!(before.contains("canary-agent") && before.contains("198.18.0."), "{before}");
    let leave = laptop.call(Method::DELETE, "/api/auth/me").header("user-agent", agent);
    leave.json(&json!({ "password": PASSWORD })).await.is(204);

    let after = app.dump().await;
    for told in ["ann@", "canary", "Canary", "198.18.0.", "$2b$"] {
        assert!(!after.contains(told), "{told} in {after}");
    }
    let events = ["registered", "login_succeeded", "profile_changed", "login_failed", "reset_requested operator"];
    assert_eq!(app.audit_of(id).await, [&events[..], &["session_ended", "user_deleted"]].concat());
}
