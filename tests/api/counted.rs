//! What the service does for requests that must not tell which addresses have accounts: the same rounds of bcrypt and the same statements,
//! whoever has the address. How long they take is measured by `bench/timing`.

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::time::minutes;
use crate::harness::{both, statements};

const WRONG: &str = "WrongCanary123";
const CONFIRMED: &str = "confirmed@example.com";
const UNCONFIRMED: &str = "unconfirmed@example.com";
const DISABLED: &str = "disabled@example.com";
const NOBODY: &str = "nobody@example.com";
const OF_NOBODY_EVER: &str = "no address";

both! {
    a_login_that_is_refused_costs_the_same_whoever_has_the_address,
    a_login_to_an_unconfirmed_account_costs_the_same_until_the_password_is_right,
    a_correction_costs_the_same_whoever_has_either_address,
    what_anybody_may_ask_for_costs_the_same_whoever_has_the_address,
    a_change_of_address_costs_the_same_whoever_has_it,
}

/// What was done for one request.
#[derive(Debug, PartialEq)]
struct Work {
    status: u16,
    rounds: u64,
    statements: Vec<String>,
}

async fn work(app: &TestApp, call: Call) -> Work {
    // What follows the request before this one is done.
    app.all_sent().await;
    let rounds = app.service().password.hashing.rounds_done();
    let (answer, statements) = statements::of(call).await;
    let rounds = app.service().password.hashing.rounds_done() - rounds;
    Work { status: answer.status(), rounds, statements }
}

/// One account of each kind.
async fn of_all_kinds(database: Database, verification: &str) -> TestApp {
    let settings = [("LOGIN_RATE_LIMIT", "off"), ("REGISTER_RATE_LIMIT", "off"), ("ACCOUNT_RATE_LIMIT", "off")];
    let app = TestApp::with(database, &[&settings[..], &[("EMAIL_VERIFICATION", verification)]].concat()).await;
    for email in [CONFIRMED, UNCONFIRMED, DISABLED] {
        app.import(email, PASSWORD).await;
    }
    app.execute(&format!("UPDATE users SET email_verified_at = 1 WHERE email = '{CONFIRMED}'")).await;
    app.disable(DISABLED).await;
    app
}

fn log_in(browser: &Browser, email: &str, password: &str) -> Call {
    browser.login_with(email, password)
}

fn correct(browser: &Browser, email: &str, password: &str, new: &str) -> Call {
    let correction = json!({ "email": email, "password": password, "new_email": new });
    browser.post("/api/auth/email/correct").json(&correction)
}

async fn a_login_that_is_refused_costs_the_same_whoever_has_the_address(database: Database) {
    for verification in ["off", "required"] {
        let app = of_all_kinds(database, verification).await;
        let usual = work(&app, log_in(&app.browser(), CONFIRMED, WRONG)).await;
        assert!(usual.status == 401 && usual.rounds == 16 && !usual.statements.is_empty(), "{usual:?}");
        for (email, password) in [(UNCONFIRMED, WRONG), (DISABLED, WRONG), (DISABLED, PASSWORD), (NOBODY, PASSWORD)] {
            assert_eq!(work(&app, log_in(&app.browser(), email, password)).await, usual, "{verification}: {email}");
        }
        let odd = work(&app, log_in(&app.browser(), OF_NOBODY_EVER, PASSWORD)).await;
        assert_eq!((odd.status, odd.rounds), (401, usual.rounds));
    }
}

async fn a_login_to_an_unconfirmed_account_costs_the_same_until_the_password_is_right(database: Database) {
    let app = of_all_kinds(database, "required").await;
    // The sixth is over the account's budget of mails.
    let first = work(&app, log_in(&app.browser(), UNCONFIRMED, PASSWORD)).await;
    assert_eq!((first.status, first.rounds), (403, 16));
    for _ in 0..5 {
        let again = work(&app, log_in(&app.browser(), UNCONFIRMED, PASSWORD)).await;
        assert_eq!((again.status, again.rounds), (403, 16));
    }
    assert_eq!(app.mails(UNCONFIRMED).await.len(), 5);
    let right = work(&app, log_in(&app.browser(), CONFIRMED, PASSWORD)).await;
    assert_eq!((right.status, right.rounds), (200, 16));
}

async fn a_correction_costs_the_same_whoever_has_either_address(database: Database) {
    let app = of_all_kinds(database, "required").await;
    let usual = work(&app, correct(&app.browser(), CONFIRMED, WRONG, "new@example.com")).await;
    assert!(usual.status == 401 && usual.rounds == 16 && !usual.statements.is_empty(), "{usual:?}");
    for (email, password) in [(UNCONFIRMED, WRONG), (DISABLED, WRONG), (DISABLED, PASSWORD), (NOBODY, PASSWORD)] {
        for new in ["new@example.com", CONFIRMED] {
            let seen = work(&app, correct(&app.browser(), email, password, new)).await;
            assert_eq!(seen, usual, "{email} to {new}");
        }
    }
    // With the right password: as a login that is refused, for a login would say the same.
    let login = work(&app, log_in(&app.browser(), NOBODY, PASSWORD)).await;
    assert_eq!(login, usual);
    let free = work(&app, correct(&app.browser(), UNCONFIRMED, PASSWORD, "free@example.com")).await;
    // Of notices within an hour one is sent.
    app.clock.advance(minutes(61));
    let taken = work(&app, correct(&app.browser(), UNCONFIRMED, PASSWORD, CONFIRMED)).await;
    assert_eq!((free.status, free.rounds), (202, 16));
    assert_eq!(free, taken);
}

async fn what_anybody_may_ask_for_costs_the_same_whoever_has_the_address(database: Database) {
    let app = of_all_kinds(database, "required").await;
    for path in ["/api/auth/password/forgot", "/api/auth/register"] {
        let ask = |email: &str| {
            let body = if path.ends_with("forgot") {
                json!({ "email": email })
            } else {
                json!({ "email": email, "password": PASSWORD })
            };
            app.browser().post(path).json(&body)
        };
        let usual = work(&app, ask(CONFIRMED)).await;
        assert!(usual.status == 202 && usual.rounds == 0 && !usual.statements.is_empty(), "{usual:?}");
        // The last ones are over the budget of mails.
        for email in [UNCONFIRMED, DISABLED, NOBODY, CONFIRMED, CONFIRMED, CONFIRMED, CONFIRMED, CONFIRMED] {
            assert_eq!(work(&app, ask(email)).await, usual, "{path}: {email}");
        }
    }
}

async fn a_change_of_address_costs_the_same_whoever_has_it(database: Database) {
    let app = of_all_kinds(database, "on").await;
    let ann = app.browser();
    ann.login(CONFIRMED).await.ok();
    let change =
        |email: &str| ann.post("/api/auth/email/change").json(&json!({ "email": email, "current_password": PASSWORD }));
    let mut seen = Vec::new();
    for email in [NOBODY, UNCONFIRMED, DISABLED, "free@example.com"] {
        // Of notices within an hour one is sent. The session is remembered.
        app.clock.advance(minutes(61));
        ann.refresh().await.ok();
        ann.me().await.ok();
        seen.push(work(&app, change(email)).await);
    }
    assert!(seen[0].status == 202 && seen[0].rounds == 16 && !seen[0].statements.is_empty(), "{seen:#?}");
    assert!(seen.iter().all(|work| *work == seen[0]), "{seen:#?}");
}
