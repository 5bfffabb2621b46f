//! Floods of what costs the service something and is refused: each is counted, and concerns nobody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::platform::hashing::{Class, Place, Subject};
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::{Browser, Call, PASSWORD};
use crate::harness::time::minutes;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

both! {
    forged_refresh_tokens_count_by_address,
    of_all_refresh_tokens_of_a_request_two_are_looked_at,
    who_meets_a_full_queue_gets_in_as_soon_as_there_is_room,
    what_hashes_nothing_does_not_wait_for_what_does,
    a_full_queue_comes_before_the_database,
    one_account_has_one_operation_in_the_queue,
    however_many_changes_of_one_password_come_at_once_they_wait_in_turn,
    a_network_has_one_limit_for_all_who_are_in_it,
}

/// The token with another MAC, each `number` another one.
fn forged(token: &str, number: u8) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bytes[last - 1] = number;
    URL_SAFE_NO_PAD.encode(bytes)
}

fn presenting<'a>(call: Call, tokens: impl IntoIterator<Item = &'a String>) -> Call {
    let pairs: Vec<_> = tokens.into_iter().map(|token| format!("refresh_token={token}")).collect();
    call.header("cookie", pairs.join("; "))
}

/// Takes every place in the queue that there is for logins, until they are dropped. Nothing runs, so that nothing changes it.
fn fill_the_queue(app: &TestApp) -> Vec<Place> {
    let pool = app.service().password.hashing.clone();
    std::iter::from_fn(|| pool.reserve(Class::Login, Subject::UNBOUNDED).ok()).collect()
}

async fn forged_refresh_tokens_count_by_address(app: TestApp) {
    let laptop = app.register_and_login(ANN).await;
    let phone = app.browser();
    phone.login(ANN).await.ok();
    let token = laptop.refresh_cookie();
    let sixteen: Vec<_> = (0..16).map(|number| forged(&token, number)).collect();
    // Sixty: two are looked at of each sixteen.
    for _ in 0..30 {
        presenting(laptop.refresh(), &sixteen).await.refused("not_authenticated");
        laptop.put_refresh_cookie(&token);
    }
    assert!(laptop.refresh().await.retry_after() <= 60);
    laptop.refresh().await.refused("too_many_attempts");
    // Its owner must not be told that nobody is logged in here any more.
    let told = laptop.logout().await;
    assert!(told.cookies().is_empty());
    told.refused("overloaded");
    assert_eq!(laptop.refresh_cookie(), token);
    // Who is logged in there still is, and so is everybody elsewhere.
    laptop.me().await.ok();
    phone.refresh().await.ok();
    app.refresh_with(&token).await.ok();
    phone.logout().await.ok();
    app.clock.advance(minutes(1));
    laptop.refresh().await.ok();
    laptop.logout().await.ok();
    laptop.me().await.refused("not_authenticated");
}

async fn of_all_refresh_tokens_of_a_request_two_are_looked_at(app: TestApp) {
    let laptop = app.register_and_login(ANN).await;
    let token = laptop.refresh_cookie();
    let [one, other] = [forged(&token, 1), forged(&token, 2)];
    // A token twice is one token; what is none of ours by its looks is none.
    let foreign = token.replacen(&token[..6], "AAAAAA", 1);
    presenting(laptop.refresh(), [&foreign, &one, &one, &token]).await.ok();
    presenting(laptop.refresh(), [&one, &other, &token]).await.refused("not_authenticated");
    presenting(laptop.logout(), [&one, &other, &token]).await.ok();
    app.refresh_with(&token).await.ok();
    presenting(laptop.logout(), [&one, &token, &other]).await.ok();
    app.refresh_with(&token).await.refused("session_ended");
}

async fn who_meets_a_full_queue_gets_in_as_soon_as_there_is_room(database: Database) {
    let app = TestApp::with(database, &[("HASH_QUEUE", "1s")]).await;
    let office = app.register_and_login(ANN).await;
    app.clock.advance(minutes(1));
    let filled = fill_the_queue(&app);
    let rounds = app.service().password.hashing.rounds_done();
    for number in 0..100 {
        office.login(&format!("somebody{number}@example.com")).await.refused("overloaded");
    }
    // What costs no hash is as before.
    office.me().await.ok();
    office.refresh().await.ok();
    drop(filled);
    // What was refused did not use up the limit of logins either.
    for _ in 0..5 {
        office.login(ANN).await.ok();
    }
    office.login(ANN).await.refused("too_many_attempts");
    assert_eq!(app.service().password.hashing.rounds_done() - rounds, 5 << 4, "five passwords were looked at");
}

/// Such as links of mails, which may be what keeps a thief out.
async fn what_hashes_nothing_does_not_wait_for_what_does(database: Database) {
    let app = TestApp::with(
        database,
        &[("HASH_QUEUE", "1s"), ("EMAIL_VERIFICATION", "required"), ("FACTOR_RECOVERY", "72h")],
    )
    .await;
    let pool = app.service().password.hashing.clone();
    let fill = |class| std::iter::from_fn(move || pool.reserve(class, Subject::UNBOUNDED).ok()).collect::<Vec<_>>();
    let filled = fill(Class::Other);
    let office = app.browser();
    let reset = json!({ "token": "A".repeat(43), "new_password": "EvenMoreSecure456" });
    office.post("/api/auth/password/reset").json(&reset).await.refused("overloaded");
    let cancel = json!({ "token": "A".repeat(43) });
    office.post("/api/auth/factor-recovery").json(&cancel).await.refused("invalid_or_expired_token");
    office.register(ANN).await.is(202);
    drop(filled);
    office.post("/api/auth/password/reset").json(&reset).await.refused("invalid_or_expired_token");
}

/// Otherwise the answer, and its time, would tell what is stored of whom; and a flood would cost transactions.
async fn a_full_queue_comes_before_the_database(database: Database) {
    let app = TestApp::start(database).await;
    app.register(ANN).await;
    let filled = fill_the_queue(&app);
    app.lose_database().await;
    for email in [ANN, "nobody@example.com"] {
        app.browser().login(email).await.refused("overloaded");
    }
    drop(filled);
    app.browser().login(ANN).await.refused("database_unavailable");
}

fn change(browser: &Browser, current: &str) -> Call {
    let change = json!({ "current_password": current, "new_password": "EvenMoreSecure456" });
    browser.post("/api/auth/password").json(&change)
}

async fn one_account_has_one_operation_in_the_queue(app: TestApp) {
    let (ann, bob) = (app.register_and_login(ANN).await, app.register_and_login(BOB).await);
    let (pool, rounds) = (app.service().password.hashing.clone(), app.service().password.hashing.rounds_done());
    // Something that Ann's session asked for waits.
    let name = app.service().limits.names.of(ANN.as_bytes());
    let waits = pool.reserve(Class::Other, Subject::bounded(name, 1)).unwrap();
    let leave = ann.call(http::Method::DELETE, "/api/auth/me").json(&json!({ "password": PASSWORD }));
    for call in [change(&ann, PASSWORD), leave] {
        call.await.refused("overloaded");
    }
    assert_eq!(pool.rounds_done(), rounds);
    // Not so for whoever merely types her email, and for others.
    app.browser().login(ANN).await.ok();
    change(&bob, PASSWORD).await.ok();
    drop(waits);
    change(&ann, PASSWORD).await.ok();
    // A verification and a hash of each change, and the login.
    assert_eq!(pool.rounds_done() - rounds, 5 << 4);
}

async fn however_many_changes_of_one_password_come_at_once_they_wait_in_turn(database: Database) {
    let settings = [("BCRYPT_COST", "10"), ("HASH_QUEUE", "7s"), ("PASSWORD_CHANGE_RATE_LIMIT", "20/1h")];
    let app = TestApp::with(database, &settings).await;
    let ann = app.register_and_login(ANN).await;
    let pool = app.service().password.hashing.clone();
    let calls = (0..20_u8).map(|number| {
        let call = change(&ann, "WrongPass123").header("x-forwarded-for", format!("203.0.113.{number}"));
        tokio::spawn(call.into_future())
    });
    let calls: Vec<_> = calls.collect();
    while !calls.iter().all(tokio::task::JoinHandle::is_finished) {
        let gauges = pool.gauges();
        // One is verified; the place of the hash that would follow waits.
        assert!(gauges.waiting + gauges.running <= 2, "{gauges:?}");
        tokio::task::yield_now().await;
    }
    let mut looked_at = 0;
    for call in calls {
        let answer = call.await.unwrap();
        if answer.status() == 503 {
            answer.refused("overloaded");
        } else {
            answer.refused("incorrect_current_password");
            looked_at += 1;
        }
    }
    // How many of them came while another one waited is chance.
    assert!(looked_at >= 1);
    assert_eq!(app.number("SELECT count(*) FROM audit WHERE event = 'reauthentication_failed'").await, looked_at);
    app.browser().login(ANN).await.ok();
}

async fn a_network_has_one_limit_for_all_who_are_in_it(database: Database) {
    let settings = [
        ("LOGIN_RATE_LIMIT_NETWORKS", "203.0.113.0/24:7/1m,2001:db8::/32:7/1m"),
        ("LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS", "203.0.113.0/24:2/1m"),
    ];
    let app = TestApp::with(database, &settings).await;
    let tried = async |addresses: Vec<String>| {
        let mut admitted = 0;
        for (number, address) in addresses.into_iter().enumerate() {
            let email = format!("somebody{number}@example.com");
            let answer = app.browser().login(&email).header("x-forwarded-for", address).await;
            admitted += u32::from(answer.status() == 401);
            assert!(answer.status() == 401 || answer.code() == "too_many_attempts", "{}", answer.status());
        }
        admitted
    };
    // One address has its own limit, and who is refused by it takes nothing of the network's.
    assert_eq!(tried(vec!["203.0.113.1".to_owned(); 10]).await, 2);
    assert_eq!(tried((2..40).map(|number| format!("203.0.113.{number}")).collect()).await, 5);
    assert_eq!(tried((0..40).map(|number| format!("2001:db8:{number:x}::1")).collect()).await, 7);
    // Whoever is not in it has the limit that everybody has.
    assert_eq!(tried(vec!["203.0.114.1".to_owned(); 10]).await, 5);
    app.clock.advance(minutes(1));
    assert_eq!(tried((2..40).map(|number| format!("203.0.113.{number}")).collect()).await, 7);
}
