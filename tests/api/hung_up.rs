//! Callers who hang up before they have their answer.

use doorward::platform::hashing::{Class, Gauges, Pending, Place, Subject, Verified};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;

const ANN: &str = "ann@example.com";
/// So that a hash takes long enough to hang up meanwhile.
const COST: u32 = 10;

both! {
    a_guess_that_is_looked_at_is_in_the_audit,
    a_guess_that_still_waits_is_never_looked_at,
}

async fn with_slow_hashes(database: Database) -> TestApp {
    TestApp::with(database, &[("BCRYPT_COST", &COST.to_string()), ("HASH_QUEUE", "7s")]).await
}

fn gauges(app: &TestApp) -> Gauges {
    app.service().password.hashing.gauges()
}

/// Sends a request and reads nothing. Dropping the connection is hanging up.
async fn ask(app: &TestApp, path: &str, token: &str, body: &Value) -> TcpStream {
    let mut connection = TcpStream::connect(app.address()).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST /api/auth/{path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nX-Forwarded-For: 203.0.113.7\r\nContent-Length: {}\r\n\r\n",
        app.address().port(),
        body.len(),
    );
    connection.write_all((head + &body).as_bytes()).await.unwrap();
    connection
}

async fn a_guess_that_is_looked_at_is_in_the_audit(database: Database) {
    let app = with_slow_hashes(database).await;
    let laptop = app.register_and_login(ANN).await;
    let login = json!({ "email": ANN, "password": "WrongPass123" });
    let change = json!({ "current_password": "WrongPass123", "new_password": "EvenMoreSecure456" });
    for (path, body, event) in [("login", login, "login_failed"), ("password", change, "reauthentication_failed")] {
        let before = gauges(&app).rounds_done;
        let connection = ask(&app, path, &laptop.access_cookie(), &body).await;
        while gauges(&app).rounds_done == before {
            tokio::task::yield_now().await;
        }
        drop(connection);
        app.until(&format!("SELECT count(*) FROM audit WHERE event = '{event}'"), 1).await;
        // The hash that would have followed a right password was not made.
        assert_eq!(gauges(&app).rounds_done - before, 1 << COST, "{path}");
    }
    laptop.me().await.ok();
}

async fn a_guess_that_still_waits_is_never_looked_at(database: Database) {
    let app = with_slow_hashes(database).await;
    let laptop = app.register_and_login(ANN).await;
    let login = json!({ "email": ANN, "password": PASSWORD });
    let change = json!({ "current_password": PASSWORD, "new_password": "EvenMoreSecure456" });
    for (path, body, class, places) in [("login", login, Class::Login, 1), ("password", change, Class::Other, 2)] {
        let rounds = gauges(&app).rounds_done;
        let in_front = keep_busy(&app, class);
        let (before, records) = (gauges(&app), app.count("audit").await);
        let connection = ask(&app, path, &laptop.access_cookie(), &body).await;
        let begun = || usize::try_from((gauges(&app).rounds_done - rounds) >> COST).unwrap();
        while gauges(&app).waiting + begun() < in_front.len() + places {
            assert_eq!(gauges(&app).refused, before.refused, "{path}: there is room");
            tokio::task::yield_now().await;
        }
        drop(connection);
        let expected = in_front.len();
        for pending in in_front {
            pending.await.unwrap();
        }
        while gauges(&app).running + gauges(&app).waiting > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(begun(), expected, "{path}: only what was in front");
        assert_eq!(gauges(&app).abandoned - before.abandoned, places as u64, "{path}");
        assert_eq!(app.count("audit").await, records, "{path}");
    }
    laptop.me().await.ok();
    app.browser().login(ANN).await.ok();
}

/// Passwords that are looked at before whatever comes now: 48 at most, and on a slow machine half of those that there is room for.
fn keep_busy(app: &TestApp, class: Class) -> Vec<Pending<Verified>> {
    let pool = app.service().password.hashing.clone();
    let one = |_| pool.reserve(class, Subject::UNBOUNDED).ok().map(Place::verify_nobody);
    let mut in_front: Vec<_> = (0..96).map_while(one).collect();
    in_front.truncate(in_front.len().div_ceil(2));
    in_front
}
