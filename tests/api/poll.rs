//! What another process changes is noticed by construction: the poll for changes, step by step.

use doorward::service::session::{self, Follower};

use crate::harness::app::TestApp;
use crate::harness::both;
use crate::harness::time::{minutes, seconds};

both! {
    what_changes_while_a_look_is_under_way_is_not_overlooked,
    what_changed_while_nobody_could_look_is_found_afterwards,
    what_is_written_by_a_clock_that_was_set_back_is_found,
}

const ANN: &str = "ann@example.com";

/// The name that the service tells for the browser's person, from its memory where that counts.
async fn name(app: &TestApp, access: &str) -> Option<String> {
    let caller = session::authenticate(&app.service(), &[access.to_owned()], &[]).await.unwrap();
    caller.user.full_name.as_ref().map(|name| name.as_str().to_owned())
}

async fn rename(app: &TestApp, name: &str) {
    let now = app.clock.now().micros();
    app.execute(&format!("UPDATE users SET full_name = '{name}', updated_at = {now} WHERE email = '{ANN}'")).await;
}

/// A reader that comes between the begin of a look and its snapshot remembers what is out of date by the snapshot. Seen: for half a
/// minute, because the change was dated by the begin.
async fn what_changes_while_a_look_is_under_way_is_not_overlooked(app: TestApp) {
    let access = app.register_and_login(ANN).await.access_cookie();
    let (service, mut follower) = (app.service(), Follower::default());
    let mut revocations = service.store.revocations().await.unwrap();
    for number in 0..3 {
        // Until then it has all been read.
        app.clock.advance(minutes(1));
        let look = Follower::begin(&service, &mut revocations).await.unwrap();
        app.clock.advance(seconds(1));
        assert_ne!(name(&app, &access).await, Some(format!("Ann {number}")));
        app.clock.advance(seconds(1));
        rename(&app, &format!("Ann {number}")).await;
        app.clock.advance(seconds(1));
        follower.finish(&service, &mut revocations, look).await.unwrap();
        // As one would after a second, where nothing else has changed.
        let next = Follower::begin(&service, &mut revocations).await.unwrap();
        follower.finish(&service, &mut revocations, next).await.unwrap();
        assert_eq!(name(&app, &access).await, Some(format!("Ann {number}")));
    }
    revocations.close().await;
}

/// A look that fails, and then a silence that is longer than any overlap.
async fn what_changed_while_nobody_could_look_is_found_afterwards(app: TestApp) {
    let laptop = app.register_and_login(ANN).await;
    let (service, mut follower) = (app.service(), Follower::default());
    let mut revocations = service.store.revocations().await.unwrap();
    let look = Follower::begin(&service, &mut revocations).await.unwrap();
    follower.finish(&service, &mut revocations, look).await.unwrap();
    // It begins and comes to no end.
    app.clock.advance(seconds(1));
    let _ = Follower::begin(&service, &mut revocations).await.unwrap();
    app.clock.advance(seconds(1));
    rename(&app, "Ann").await;
    let _ = Follower::begin(&service, &mut revocations).await.unwrap();
    app.clock.advance(minutes(10));
    laptop.refresh().await.ok();
    let access = laptop.access_cookie();
    // Read just before the change of another process, while nobody looks.
    assert_eq!(name(&app, &access).await.as_deref(), Some("Ann"));
    rename(&app, "Ann Lee").await;
    app.clock.advance(seconds(25));
    // The connection was lost, too.
    revocations.close().await;
    let mut revocations = service.store.revocations().await.unwrap();
    let look = Follower::begin(&service, &mut revocations).await.unwrap();
    app.clock.advance(seconds(1));
    follower.finish(&service, &mut revocations, look).await.unwrap();
    assert_eq!(name(&app, &access).await.as_deref(), Some("Ann Lee"));
    revocations.close().await;
}

/// The database's clock is set back by an hour: what is written from then on has times that were read long ago. Seen: noticed only when
/// what was remembered had become too old.
async fn what_is_written_by_a_clock_that_was_set_back_is_found(app: TestApp) {
    let laptop = app.register_and_login(ANN).await;
    let (service, mut follower) = (app.service(), Follower::default());
    let mut revocations = service.store.revocations().await.unwrap();
    let look = Follower::begin(&service, &mut revocations).await.unwrap();
    follower.finish(&service, &mut revocations, look).await.unwrap();
    app.clock.advance(seconds(1));
    app.clock.set(app.clock.now() - minutes(60));
    // Access tokens from before are of the future now; what clients do then is refresh.
    laptop.refresh().await.ok();
    let access = laptop.access_cookie();
    assert_eq!(name(&app, &access).await, None);
    app.clock.advance(seconds(1));
    rename(&app, "Ann Lee").await;
    app.clock.advance(seconds(1));
    let look = Follower::begin(&service, &mut revocations).await.unwrap();
    follower.finish(&service, &mut revocations, look).await.unwrap();
    app.clock.advance(seconds(1));
    assert_eq!(name(&app, &access).await.as_deref(), Some("Ann Lee"));
    revocations.close().await;
}
