//! Rows that another version of Doorward has written on the same database: words that this one does not know, and values that it can't
//! read.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::app::{KEY, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, PASSWORD};
use crate::harness::time::{minutes, seconds};
use crate::harness::tokens;

both! {
    an_unknown_end_reason_is_an_end_like_others,
    an_unknown_end_reason_is_noticed_by_the_look_for_revocations,
    a_change_that_cannot_be_read_hides_no_other,
    an_unknown_event_is_shown_as_it_is_stored,
    a_row_that_cannot_be_read_is_left_out_of_an_export,
    what_the_version_before_did_not_write_is_not_missed,
    a_reset_link_of_the_version_before_works_once,
    an_access_token_of_the_version_before_is_taken,
}

/// The sessions of everybody end, for a reason of which this version knows nothing.
async fn end_all(app: &TestApp) {
    let now = app.clock.now().micros();
    app.execute(&format!("UPDATE sessions SET ended_at = {now}, end_reason = 'moved_country' WHERE ended_at IS NULL"))
        .await;
}

/// Waits until what this node remembers of the session is overruled. Time stands still, so that nothing else can do it.
async fn until_refused(browser: &Browser, code: &str) {
    for _ in 0..1_000 {
        let answer = browser.me().await;
        if answer.status() != 200 {
            answer.refused(code);
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the end was never noticed");
}

async fn export(browser: &Browser) -> Value {
    browser.get("/api/auth/me/export").await.ok()
}

async fn an_unknown_end_reason_is_an_end_like_others(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    laptop.me().await.ok();
    end_all(&app).await;
    app.clock.advance(seconds(2));
    laptop.me().await.refused("session_revoked");
    laptop.refresh().await.refused("session_revoked");
    // Neither the old cookies nor the old row are in the way of anything.
    laptop.login("ann@example.com").await.ok();
    laptop.me().await.ok();
    assert_eq!(laptop.get("/api/auth/sessions").await.ok()["sessions"].as_array().unwrap().len(), 1);
    let export = export(&laptop).await;
    let reasons: Vec<_> = export["sessions"].as_array().unwrap().iter().map(|row| &row["end_reason"]).collect();
    assert_eq!(reasons, [&json!("moved_country"), &Value::Null]);
    let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
    laptop.post("/api/auth/password").json(&change).await.ok();
    laptop.logout().await.ok();
}

async fn an_unknown_end_reason_is_noticed_by_the_look_for_revocations(app: TestApp) {
    let (ann, bob) = (app.register_and_login("ann@example.com").await, app.register_and_login("bob@example.com").await);
    ann.me().await.ok();
    bob.me().await.ok();
    end_all(&app).await;
    until_refused(&ann, "session_revoked").await;
    until_refused(&bob, "session_revoked").await;
}

async fn a_change_that_cannot_be_read_hides_no_other(app: TestApp) {
    app.register("bob@example.com").await;
    let ann = app.register_and_login("ann@example.com").await;
    ann.me().await.ok();
    let now = app.clock.now().micros();
    app.execute(&format!(
        "UPDATE users SET email = 'bob', unblocked_at = {now}, updated_at = {now} WHERE email = 'bob@example.com'"
    ))
    .await;
    end_all(&app).await;
    until_refused(&ann, "session_revoked").await;
    // The look went to its end: a new session is believed without a query.
    ann.login("ann@example.com").await.ok();
    ann.me().await.ok();
}

async fn an_unknown_event_is_shown_as_it_is_stored(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let (id, now) = (app.id_of("ann@example.com").await, app.clock.now().micros());
    app.execute(&format!("INSERT INTO audit (at, event, user_id) VALUES ({now}, 'passkey_added', {id})")).await;
    let export = export(&laptop).await;
    let events: Vec<_> = export["audit"].as_array().unwrap().iter().map(|record| &record["event"]).collect();
    assert_eq!(events, ["registered", "login_succeeded", "passkey_added", "data_exported"]);
}

async fn a_row_that_cannot_be_read_is_left_out_of_an_export(app: TestApp) {
    let phone = app.register_and_login("ann@example.com").await;
    phone.logout().await.ok();
    app.execute("UPDATE sessions SET client_ip = 'the moon'").await;
    app.execute("UPDATE audit SET ip = 'the moon' WHERE event <> 'registered'").await;
    let laptop = app.browser();
    laptop.login("ann@example.com").await.ok();
    let export = export(&laptop).await;
    let current: Vec<_> = export["sessions"].as_array().unwrap().iter().map(|row| &row["session"]["current"]).collect();
    assert_eq!(current, [true]);
    let events: Vec<_> = export["audit"].as_array().unwrap().iter().map(|record| &record["event"]).collect();
    assert_eq!(events, ["registered", "login_succeeded", "data_exported"]);
}

async fn what_the_version_before_did_not_write_is_not_missed(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.execute("UPDATE sessions SET amr = NULL, proved_at = NULL").await;
    app.execute("UPDATE audit SET actor = NULL").await;
    app.execute("UPDATE audit SET detail = 'operator' WHERE event = 'registered'").await;
    app.clock.advance(minutes(1));
    laptop.refresh().await.ok();
    laptop.me().await.ok();
    let proofs = |export: &Value| {
        let session = |row: &Value| (row["amr"].clone(), row["proved_at"].clone());
        export["sessions"].as_array().unwrap().iter().map(session).collect::<Vec<_>>()
    };
    let before = export(&laptop).await;
    assert_eq!(proofs(&before), [(json!([]), Value::Null)]);
    let actors: Vec<_> = before["audit"].as_array().unwrap().iter().map(|record| &record["actor"]).collect();
    assert_eq!(actors, ["operator", "person", "person"]);

    // A new session knows how it began, and keeps it.
    let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
    laptop.post("/api/auth/password").json(&change).await.ok();
    let proved_at = app.clock.now().to_string();
    app.clock.advance(minutes(1));
    laptop.refresh().await.ok();
    app.clock.advance(minutes(1));
    let phone = app.browser();
    phone.login_with("ann@example.com", "EvenMoreSecure456").await.ok();
    let expected = [proved_at, app.clock.now().to_string()].map(|at| (json!(["pwd"]), json!(at)));
    assert_eq!(proofs(&export(&laptop).await)[1..], expected);
}

async fn a_reset_link_of_the_version_before_works_once(app: TestApp) {
    app.register("ann@example.com").await;
    let token = app.reset_token("ann@example.com").await;
    app.execute("INSERT INTO password_resets SELECT user_id, hash, expires_at FROM one_time_tokens").await;
    app.execute("DELETE FROM one_time_tokens").await;
    let reset = json!({ "token": token, "new_password": "EvenMoreSecure456" });
    app.browser().post("/api/auth/password/reset").json(&reset).await.ok();
    app.browser().post("/api/auth/password/reset").json(&reset).await.refused("invalid_or_expired_token");
    app.browser().login_with("ann@example.com", "EvenMoreSecure456").await.ok();
}

/// It said nothing of `nbf` and `client_id`, and that it was made when it was.
async fn an_access_token_of_the_version_before_is_taken(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let (header, mut claims) = (tokens::header(&laptop.access_cookie()), tokens::claims(&laptop.access_cookie()));
    for name in ["nbf", "client_id"] {
        claims.as_object_mut().unwrap().remove(name).expect(name);
    }
    claims["iat"] = json!(app.clock.now().seconds());
    let token = tokens::sign(&header, &claims, KEY.as_bytes());
    for _ in 0..2 {
        app.browser().me().bearer(&token).await.ok();
    }
    app.clock.advance(minutes(61));
    app.browser().me().bearer(&token).await.refused("token_expired");
}
