//! GET /api/auth/state, and how answers name the session and the person that they are about.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::both;
use crate::harness::browser::{Browser, PASSWORD};
use crate::harness::time::{days, hours, minutes};

both! {
    tells_who_is_logged_in_and_never_refuses,
    tells_whether_a_refresh_would_help,
    answers_name_their_session,
    what_a_page_sends_for_somebody_else_is_not_done,
}

async fn state(browser: &Browser) -> Value {
    browser.get("/api/auth/state").await.ok()
}

async fn tells_who_is_logged_in_and_never_refuses(app: TestApp) {
    let nobody = json!({ "user": null, "refreshable": false });
    assert_eq!(state(&app.browser()).await, nobody);
    let laptop = app.register_and_login("ann@example.com").await;
    assert_eq!(state(&laptop).await, json!({ "user": laptop.me().await.ok(), "refreshable": false }));
    laptop.logout().await.ok();
    assert_eq!(state(&laptop).await, nobody);
    let garbage = app.browser();
    garbage.put_access_cookie("garbage");
    garbage.put_refresh_cookie("garbage");
    assert_eq!(state(&garbage).await, nobody);
}

async fn tells_whether_a_refresh_would_help(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let copy = app.browser();
    copy.put_refresh_cookie(&laptop.refresh_cookie());
    let before = app.dump().await;
    assert_eq!(state(&copy).await, json!({ "user": null, "refreshable": true }));
    app.clock.advance(hours(2));
    assert_eq!(state(&laptop).await, json!({ "user": null, "refreshable": true }));
    assert_eq!(app.dump().await, before, "it changes nothing");
    laptop.refresh().await.ok();
    app.clock.advance(minutes(5));
    laptop.refresh().await.ok();
    // Two generations old: a refresh would be a reuse.
    assert_eq!(state(&copy).await, json!({ "user": null, "refreshable": false }));
    laptop.me().await.ok();
    app.clock.advance(days(8));
    assert_eq!(state(&laptop).await, json!({ "user": null, "refreshable": false }));
}

async fn answers_name_their_session(app: TestApp) {
    const NAME: &str = "x-doorward-session";
    let laptop = app.register("ann@example.com").await;
    let login = laptop.login("ann@example.com").await;
    let name = login.header(NAME).unwrap().to_owned();
    assert_eq!(name.len(), 22);
    for answer in [laptop.me().await, laptop.refresh().await, laptop.get("/api/auth/sessions").await] {
        assert_eq!(answer.header(NAME), Some(name.as_str()));
    }
    assert_eq!(laptop.get("/api/auth/state").await.header(NAME), Some(name.as_str()));
    // It is no session id: nobody can ask with it.
    let id = laptop.get("/api/auth/sessions").await.ok()["sessions"][0]["id"].clone();
    assert_ne!(id, name.as_str());
    let phone = app.browser();
    let other = phone.login("ann@example.com").await;
    assert_ne!(other.header(NAME), Some(name.as_str()));
    // The answers that say why it is over name it too; those that know of none name none.
    let (access, copy) = (laptop.access_cookie(), app.browser());
    laptop.logout().await.ok();
    assert_eq!(copy.me().bearer(&access).await.header(NAME), Some(name.as_str()));
    assert_eq!(copy.me().await.header(NAME), None);
    assert_eq!(copy.get("/api/auth/state").await.header(NAME), None);
}

/// Seen: the first tab renamed the person who had logged in on the second.
async fn what_a_page_sends_for_somebody_else_is_not_done(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let ann = laptop.me().await.ok()["id"].to_string();
    app.register("bob@example.com").await;
    laptop.login("bob@example.com").await.ok();
    let bob = laptop.me().await.ok()["id"].to_string();
    let session = laptop.get("/api/auth/sessions").await.ok()["sessions"][0]["id"].as_str().unwrap().to_owned();
    let calls = || {
        let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
        [
            laptop.call(http::Method::PATCH, "/api/auth/me").json(&json!({ "full_name": "Ann" })),
            laptop.post("/api/auth/password").json(&change),
            laptop.call(http::Method::DELETE, &format!("/api/auth/sessions/{session}")),
            laptop.post("/api/auth/logout-all"),
            laptop.call(http::Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD })),
        ]
    };
    let before = app.dump().await;
    for shown in [ann.as_str(), "", "0", "1e0", "somebody"] {
        for call in calls() {
            call.header("x-doorward-user", shown).await.refused("other_user");
        }
    }
    assert_eq!(app.dump().await, before, "nothing was done");
    let rename = laptop.call(http::Method::PATCH, "/api/auth/me").json(&json!({ "full_name": "Bob" }));
    assert_eq!(rename.header("x-doorward-user", &bob).await.ok()["full_name"], "Bob");
    // What only reads is not concerned.
    laptop.me().header("x-doorward-user", &ann).await.ok();
}
