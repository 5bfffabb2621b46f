//! Logins under attack: of one account, from many addresses, through many nodes, with more work than there are cores.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::harness::answer::Answer;
use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;
use crate::harness::operations::Operation;
use crate::harness::time::{minutes, seconds};
use crate::support::postgres;

both! {
    an_hour_of_guessing_does_not_keep_the_owner_out,
    fifty_forged_headers_are_one_address,
    a_whole_ipv6_network_is_one_address,
    while_all_threads_hash_everything_else_is_answered,
    an_account_that_was_unblocked_is_counted_anew,
}

const ANN: &str = "ann@example.com";

/// Somebody guesses, from this address.
async fn guess(app: &TestApp, email: &str, address: &str) -> Answer {
    let guess = json!({ "email": email, "password": "WrongPass123" });
    app.browser().post("/api/auth/login").json(&guess).header("x-forwarded-for", address).await
}

async fn an_hour_of_guessing_does_not_keep_the_owner_out(app: TestApp) {
    const HOUR: u64 = 3_600;
    const STEP: u64 = 10;
    let laptop = app.register_and_login(ANN).await;
    let mut admitted = 0;
    for second in (0..HOUR).step_by(usize::try_from(STEP).unwrap()) {
        // A hundred addresses in turn, none of them more often than its own limit allows.
        for attempt in 0..4 {
            let number = (second / STEP * 4 + attempt) % 100;
            let address = Ipv4Addr::new(203, 0, 113, u8::try_from(number).unwrap()).to_string();
            let answer = guess(&app, ANN, &address).await;
            admitted += u64::from(answer.status() == 401);
            assert!(answer.status() == 401 || answer.code() == "too_many_attempts", "{}", answer.status());
        }
        if second % 600 == 300 {
            // The browser that is known, at home and somewhere else, at the first try; also after a logout.
            laptop.login(ANN).await.ok();
            laptop.logout().await.ok();
            laptop.login(ANN).header("x-forwarded-for", "192.0.2.77").await.ok();
        }
        app.clock.advance(seconds(STEP));
    }
    // ACCOUNT_RATE_LIMIT at once, and one every 30 seconds.
    assert!(admitted <= 20 + HOUR / 30, "{admitted} guesses");
    assert!(admitted >= HOUR / 30, "the stranger never paused");
    // A new browser may have to wait: the stated limit. It is the same wherever it comes from: nobody learns from where the owner
    // logs in.
    while guess(&app, ANN, "203.0.113.200").await.status() == 401 {}
    for elsewhere in ["100.64.0.1", "192.0.2.77", "198.18.0.1"] {
        app.browser().login(ANN).header("x-forwarded-for", elsewhere).await.refused("too_many_attempts");
    }
    // Who has a browser that is known for another account is a stranger here.
    let eve = app.register_and_login("eve@example.com").await;
    eve.login_with(ANN, "WrongPass123").await.refused("too_many_attempts");
    // The owner's own browser pays for its own mistakes, and for nobody else's.
    app.clock.advance(minutes(15));
    for number in 0..20_u8 {
        let from = Ipv4Addr::new(100, 64, 1, number).to_string();
        let wrong = laptop.login_with(ANN, "WrongPass123").header("x-forwarded-for", from);
        wrong.await.refused("incorrect_credentials");
    }
    laptop.login(ANN).header("x-forwarded-for", "100.64.2.1").await.refused("too_many_attempts");
}

async fn fifty_forged_headers_are_one_address(database: Database) {
    let app = TestApp::with(database, &[("TRUSTED_PROXIES", "none")]).await;
    let mut admitted = 0;
    for number in 0..50_u8 {
        let body = json!({ "email": format!("somebody{number}@example.com"), "password": PASSWORD });
        let address = Ipv4Addr::new(203, 0, 113, number).to_string();
        let call = app.browser().post("/api/auth/login").json(&body);
        let call = match number % 5 {
            0 => call.header("x-forwarded-for", &address),
            1 => call.header("x-forwarded-for", format!("{address}, 127.0.0.1, ::1")),
            2 => call.header("x-real-ip", &address),
            3 => call.header("forwarded", format!("for={address};proto=https")),
            _ => call.header("x-client-ip", &address).header("true-client-ip", &address),
        };
        admitted += u32::from(call.await.status() == 401);
    }
    assert_eq!(admitted, 5);
}

async fn a_whole_ipv6_network_is_one_address(app: TestApp) {
    let mut admitted = 0;
    for number in 0..50 {
        let address = format!("2001:db8:7:7:{number:x}::{number:x}");
        admitted += u32::from(guess(&app, &format!("somebody{number}@example.com"), &address).await.status() == 401);
    }
    assert_eq!(admitted, 5);
}

async fn while_all_threads_hash_everything_else_is_answered(database: Database) {
    // One is far less than the queue holds, and all are far more, on faster and slower machines too.
    let settings = [("BCRYPT_COST", "9"), ("HASH_THREADS", "1"), ("HASH_QUEUE", "1s")];
    let app = TestApp::with(database, &settings).await;
    let laptop = app.register_and_login(ANN).await;
    let address = |number: u8| Ipv4Addr::new(203, 0, 113, number).to_string();
    let guesses = (0..250).map(|number| {
        let body = json!({ "email": format!("somebody{number}@example.com"), "password": PASSWORD });
        let call = app.browser().post("/api/auth/login").json(&body).header("x-forwarded-for", address(number));
        tokio::spawn(call.into_future())
    });
    let guesses: Vec<_> = guesses.collect();
    while app.service().password.hashing.gauges().refused == 0 {
        tokio::task::yield_now().await;
    }
    // The queue is full.
    laptop.me().await.ok();
    laptop.refresh().await.ok();
    laptop.get("/api/auth/health").await.ok();
    laptop.get("/health").await.ok();
    let mut refused = None;
    for (number, guess) in (0..).zip(guesses) {
        let answer = guess.await.unwrap();
        if answer.status() == 503 {
            assert!(answer.retry_after() >= 1);
            answer.refused("overloaded");
            refused = Some(number);
        } else {
            answer.refused("incorrect_credentials");
        }
    }
    // What was refused for want of time does not count against the address.
    let address = address(refused.expect("more than a second's work"));
    for _ in 0..5 {
        app.browser().login(ANN).header("x-forwarded-for", &address).await.ok();
    }
}

async fn an_account_that_was_unblocked_is_counted_anew(database: Database) {
    let app = TestApp::with(database, &[("ACCOUNT_RATE_LIMIT", "2/15m"), ("LOGIN_RATE_LIMIT", "off")]).await;
    app.register(ANN).await;
    let guess_from =
        async |number: u8| guess(&app, ANN, &Ipv4Addr::new(203, 0, 113, number).to_string()).await.status();
    assert_eq!([guess_from(1).await, guess_from(2).await, guess_from(3).await], [401, 401, 429]);
    app.clock.advance(seconds(1));
    let id = app.id_of(ANN).await;
    app.operate(id, Operation::Unblock, false).await;
    // The server hears of it as of a change by another process.
    while guess_from(4).await == 429 {
        tokio::task::yield_now().await;
    }
    // Only what was counted until then is forgiven, however often the change is told.
    app.clock.advance(minutes(1));
    assert_eq!([guess_from(5).await, guess_from(6).await], [401, 429]);
    assert_eq!(app.audit_of(id).await.last().map(String::as_str), Some("login_failed"));
    assert!(app.audit_of(id).await.contains(&"user_unblocked operator".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_of_an_address_holds_across_nodes() {
    if postgres::shared().is_none() {
        return;
    }
    let one = TestApp::start(Database::Postgres).await;
    let other = one.another_node(&[]).await;
    let rounds = || one.service().password.hashing.rounds_done() + other.service().password.hashing.rounds_done();
    for (address, admitted) in [("203.0.113.7", 5), ("2001:db8::7", 5)] {
        let before = rounds();
        let guesses = (0..100).map(|number| {
            let app = if number % 2 == 0 { &one } else { &other };
            let body = json!({ "email": format!("somebody{number}@example.com"), "password": PASSWORD });
            let call = app.browser().post("/api/auth/login").json(&body).header("x-forwarded-for", address);
            tokio::spawn(call.into_future())
        });
        let mut tried = 0;
        for guess in guesses.collect::<Vec<_>>() {
            tried += u64::from(guess.await.unwrap().status() == 401);
        }
        assert_eq!(tried, admitted, "{address}");
        // At cost 4 each: what was refused never reached bcrypt.
        assert_eq!(rounds() - before, admitted << 4, "{address}");
    }
    // An address that is known to be blocked is refused without the database.
    other.lose_database().await;
    guess(&other, ANN, "203.0.113.7").await.refused("too_many_attempts");
    guess(&other, ANN, "203.0.113.8").await.refused("database_unavailable");
    // A minute later it may try again, here and there together as often as before.
    one.clock.advance(minutes(1));
    let other = one.another_node(&[]).await;
    for app in [&one, &other, &one, &other, &one] {
        guess(app, ANN, "203.0.113.7").await.refused("incorrect_credentials");
    }
    guess(&other, ANN, "203.0.113.7").await.refused("too_many_attempts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_failures_of_an_account_are_counted_across_nodes() {
    if postgres::shared().is_none() {
        return;
    }
    let settings = [("ACCOUNT_RATE_LIMIT", "4/15m")];
    let one = TestApp::with(Database::Postgres, &settings).await;
    let other = one.another_node(&settings).await;
    one.register(ANN).await;
    // Successes are given back, wherever.
    for number in 0..12_u8 {
        let app = if number % 2 == 0 { &one } else { &other };
        let address = Ipv4Addr::new(192, 0, number, 1).to_string();
        app.browser().login(ANN).header("x-forwarded-for", address).await.ok();
    }
    one.clock.advance(minutes(1));
    for number in 0..4_u8 {
        let app = if number % 2 == 0 { &one } else { &other };
        let address = Ipv4Addr::new(203, 0, 113, number).to_string();
        guess(app, ANN, &address).await.refused("incorrect_credentials");
    }
    for app in [&one, &other] {
        guess(app, ANN, "203.0.113.99").await.refused("too_many_attempts");
    }
    // Nothing that is shared tells whom it is about: names are keyed hashes.
    let names = one.bytes("throttle", "key").await;
    assert!(names.len() > 10 && names.iter().all(|name| name.len() == 16), "{names:?}");
}
