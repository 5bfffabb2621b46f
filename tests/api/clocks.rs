//! Clocks that are wrong for a while: deadlines do not move back, nothing is deleted, and the start waits.

use doorward::service::maintenance::Maintenance;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::time::minutes;

both! {
    a_refresh_while_the_clock_is_behind_shortens_nothing,
    a_clock_that_was_far_ahead_for_a_moment_has_deleted_nothing,
}

const DAY: i64 = 86_400_000_000;

/// Sets the clock by so many days, back or forth: no time passes.
fn set_by(app: &TestApp, days: i64) {
    let now = app.clock.now().micros() + days * DAY;
    app.clock.set(doorward::domain::timestamp::Timestamp::from_micros(now));
}

async fn a_refresh_while_the_clock_is_behind_shortens_nothing(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let idle = "SELECT idle_expires_at FROM sessions";
    let before = app.number(idle).await;
    set_by(&app, -8);
    laptop.refresh().await.ok();
    assert_eq!(app.number(idle).await, before);
    set_by(&app, 8);
    app.clock.advance(minutes(2));
    laptop.refresh().await.ok();
    assert!(app.number(idle).await > before);
}

async fn a_clock_that_was_far_ahead_for_a_moment_has_deleted_nothing(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.browser().login("ann@example.com").await.ok();
    let (service, kept) = (app.service(), minutes(60 * 24 * 90));
    let mut maintenance = Maintenance::new(kept);
    let records = app.count("audit").await;
    assert!(records > 0);
    // Steady for long: it deletes.
    for look in 0..8 {
        assert_eq!(maintenance.round(&service).await.unwrap(), look >= 6);
        app.clock.advance(minutes(10));
    }
    set_by(&app, 100);
    assert!(!maintenance.round(&service).await.unwrap());
    // And a process that begins just then.
    assert!(!Maintenance::new(kept).round(&service).await.unwrap());
    set_by(&app, -100);
    assert!(!maintenance.round(&service).await.unwrap());
    assert_eq!((app.count("sessions").await, app.count("audit").await), (2, records));
    laptop.refresh().await.ok();
    // A hundred days that have passed are another thing, also for a session that the version before has made.
    app.execute("UPDATE sessions SET idle_day = NULL WHERE id = (SELECT id FROM sessions ORDER BY id LIMIT 1)").await;
    set_by(&app, 100);
    for _ in 0..8 {
        maintenance.round(&service).await.unwrap();
        app.clock.advance(minutes(10));
    }
    assert_eq!((app.count("sessions").await, app.count("audit").await), (0, 0));
}

/// Of two databases one is enough: who tells the time is the test's clock on both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_waits_for_a_clock_that_is_behind() {
    let app = TestApp::start(Database::Sqlite).await;
    let clock = app.clock.clone();
    let moment = (clock.now() + minutes(60)).to_string();
    let settings = [("SESSIONS_NOT_BEFORE", moment.as_str())];
    // No time passes by the clock that is to wait: it is set right.
    let (app, ()) = tokio::join!(app.restart(&settings), async { clock.set(clock.now() + minutes(60)) });
    app.register_and_login("ann@example.com").await;
}
