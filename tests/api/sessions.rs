//! GET /api/auth/sessions, DELETE /api/auth/sessions/{id}, POST /api/auth/logout-all

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::both;
use crate::harness::browser::{Browser, Call};
use crate::harness::time::minutes;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

both! {
    a_person_sees_where_they_are_logged_in,
    one_session_is_ended_and_the_others_stay,
    ending_the_asking_session_logs_out,
    nobody_ends_the_session_of_another_person,
    logging_out_everywhere_may_keep_the_asking_session,
}

fn list(browser: &Browser) -> Call {
    browser.get("/api/auth/sessions")
}

fn end(browser: &Browser, id: &Value) -> Call {
    browser.call(http::Method::DELETE, &format!("/api/auth/sessions/{}", id.as_str().unwrap()))
}

/// A person on a laptop and a telephone, the laptop used last.
async fn two_devices(app: &TestApp) -> (Browser, Browser) {
    let phone = app.register_and_login("ann@example.com").await;
    app.clock.advance(minutes(1));
    let laptop = app.browser();
    laptop.login("ann@example.com").header("user-agent", FIREFOX).await.ok();
    (laptop, phone)
}

async fn a_person_sees_where_they_are_logged_in(app: TestApp) {
    let (laptop, phone) = two_devices(&app).await;
    app.clock.advance(minutes(5));
    let listed = list(&laptop).await.ok();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["device"], &sessions[0]["current"]), (&"Firefox on Linux".into(), &true.into()));
    assert_eq!((&sessions[1]["device"], &sessions[1]["current"]), (&"Unknown device".into(), &false.into()));
    // The asking session was used now: a thief must not learn when the owner refreshes.
    assert_eq!(sessions[0]["last_used_at"], app.clock.now().to_string());
    assert_eq!(list(&phone).await.ok()["sessions"][0]["last_used_at"], app.clock.now().to_string());
    assert_ne!(sessions[0]["ip"], sessions[1]["ip"]);
}

async fn one_session_is_ended_and_the_others_stay(app: TestApp) {
    let (laptop, phone) = two_devices(&app).await;
    let id = list(&laptop).await.ok()["sessions"][1]["id"].clone();
    end(&laptop, &id).await.is(204);
    phone.me().await.refused("session_ended");
    phone.refresh().await.refused("session_ended");
    laptop.me().await.ok();
    end(&laptop, &id).await.refused("session_not_found");
    end(&laptop, &json!("not-an-id")).await.refused("session_not_found");
}

async fn ending_the_asking_session_logs_out(app: TestApp) {
    let (laptop, phone) = two_devices(&app).await;
    let id = list(&laptop).await.ok()["sessions"][0]["id"].clone();
    end(&laptop, &id).await.is(204);
    assert!(!laptop.jar().has_token(), "both cookies are cleared");
    phone.me().await.ok();
}

async fn nobody_ends_the_session_of_another_person(app: TestApp) {
    let ann = app.register_and_login("ann@example.com").await;
    let bob = app.register_and_login("bob@example.com").await;
    let id = list(&ann).await.ok()["sessions"][0]["id"].clone();
    end(&bob, &id).await.refused("session_not_found");
    ann.me().await.ok();
}

async fn logging_out_everywhere_may_keep_the_asking_session(app: TestApp) {
    let (laptop, phone) = two_devices(&app).await;
    let everywhere = json!({ "message": "Logged out everywhere" });
    let keep = laptop.post("/api/auth/logout-all").json(&json!({ "keep_current": true }));
    assert_eq!(keep.await.ok(), everywhere);
    phone.me().await.refused("session_revoked");
    laptop.me().await.ok();
    // The body may be left out.
    assert_eq!(laptop.post("/api/auth/logout-all").await.ok(), everywhere);
    assert!(!laptop.jar().has_token(), "both cookies are cleared");
}
