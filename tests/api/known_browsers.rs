//! The device cookie: whose browser an account has been used with is not kept out by strangers who attack the account.

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::Browser;
use crate::harness::time::minutes;

const ANN: &str = "ann@example.com";
const EVE: &str = "eve@example.com";
const KEY: &str = "the-first-root-of-all-cookies-4c1d9e07";
const NEXT: &str = "the-other-root-of-all-cookies-b83f52a6";

type Settings = [(&'static str, &'static str); 4];

both! {
    only_a_cookie_that_was_made_for_the_account_is_counted_apart,
    a_change_of_the_key_forgets_no_browser,
}

fn settings(key: &'static str, previous: &'static str) -> Settings {
    [
        ("LOGIN_RATE_LIMIT", "off"),
        ("ACCOUNT_RATE_LIMIT", "2/15m"),
        ("SECRET_KEY", key),
        // An empty value is none.
        ("SECRET_KEY_PREVIOUS", previous),
    ]
}

/// Strangers guess until they have to wait.
async fn attack(app: &TestApp) {
    for number in 0..3_u8 {
        let guess = json!({ "email": ANN, "password": "WrongPass123" });
        let guess = app.browser().post("/api/auth/login").json(&guess);
        let answer = guess.header("x-forwarded-for", format!("203.0.113.{number}")).await;
        answer.refused(if number < 2 { "incorrect_credentials" } else { "too_many_attempts" });
    }
}

fn device(browser: &Browser) -> String {
    browser.jar().get("device").expect("a device cookie").to_owned()
}

/// A new browser with this device cookie.
fn with_device(app: &TestApp, device: &str) -> Browser {
    let browser = app.browser();
    browser.jar().set("device", device);
    browser
}

async fn only_a_cookie_that_was_made_for_the_account_is_counted_apart(database: Database) {
    let app = TestApp::with(database, &settings(KEY, "")).await;
    let laptop = app.register_and_login(ANN).await;
    let eve = app.register_and_login(EVE).await;
    let elsewhere = TestApp::with(database, &settings(NEXT, "")).await;
    let foreign = elsewhere.register_and_login(ANN).await;
    attack(&app).await;
    let own = device(&laptop);
    let bent = |at: usize| {
        let other = if own.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &own[..at], &own[at + 1..])
    };
    // Version, key, device, account and MAC; cut, longer, nothing, another's, another server's.
    let mut wrong: Vec<String> = [0, 4, 20, 40, own.len() - 2].map(bent).into();
    wrong.extend([
        own[..own.len() - 4].to_owned(),
        format!("{own}AAAA"),
        String::new(),
        device(&eve),
        device(&foreign),
    ]);
    for wrong in wrong {
        with_device(&app, &wrong).login(ANN).await.refused("too_many_attempts");
    }
    // The right one is counted apart, wherever it is: two wrong guesses of its own.
    for code in ["incorrect_credentials", "incorrect_credentials", "too_many_attempts"] {
        with_device(&app, &own).login_with(ANN, "WrongPass123").await.refused(code);
    }
    // A browser that brings two is known by the right one of them.
    let phone = app.register_and_login("bob@example.com").await;
    app.clock.advance(minutes(15));
    attack(&app).await;
    let both = format!("device={}; device={own}", device(&phone));
    app.browser().login(ANN).header("cookie", both).await.ok();
}

async fn a_change_of_the_key_forgets_no_browser(database: Database) {
    let app = TestApp::with(database, &settings(KEY, "")).await;
    let (laptop, phone) = (app.register_and_login(ANN).await, app.browser());
    phone.login(ANN).await.ok();
    let app = app.restart(&settings(NEXT, KEY)).await;
    let laptop = app.visit(&laptop);
    attack(&app).await;
    let before = device(&laptop);
    laptop.login(ANN).await.ok();
    // It has the new key's now, of the same browser and with nothing lost.
    assert_ne!(device(&laptop), before);
    let app = app.restart(&settings(NEXT, "")).await;
    app.clock.advance(minutes(15));
    attack(&app).await;
    app.visit(&laptop).login(ANN).await.ok();
    // One that was not used meanwhile is a stranger's.
    app.visit(&phone).login(ANN).await.refused("too_many_attempts");
}
