//! Keys are changed under a running service, node by node, and nobody notices.

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::Browser;
use crate::harness::time::minutes;
use crate::support::postgres;

both! { a_single_process_may_be_given_a_secret_key_at_once, }

const OLD: &str = "the-old-key-of-two-nodes-8f2b11d0c3e5";
const NEW: &str = "the-new-key-of-two-nodes-51c99ae7b402";
const ROOT: &str = "the-root-of-two-nodes-e07d3f5b9a164c28";
const NEXT: &str = "the-next-root-of-two-nodes-6a41f8c2d79b";

type Settings = &'static [(&'static str, &'static str)];

/// Every step on one node and then on the other; before the last one, `REFRESH_TOKEN_TTL` passes.
async fn changed_node_by_node(steps: [Settings; 4]) {
    if postgres::shared().is_none() {
        return;
    }
    let mut one = TestApp::with(Database::Postgres, steps[0]).await;
    let mut other = one.another_node(steps[0]).await;
    let laptop = one.register_and_login("ann@example.com").await;
    for (number, step) in steps.into_iter().enumerate() {
        if number == 3 {
            // Somebody who comes every other day has the new key's tokens by then.
            for _ in 0..4 {
                one.clock.advance(minutes(2 * 24 * 60));
                one.visit(&laptop).refresh().await.ok();
            }
        }
        one = one.restart(step).await;
        works_on_both(&one, &other, &laptop).await;
        other = other.restart(step).await;
        works_on_both(&one, &other, &laptop).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_signing_key_is_the_root_it_is_changed_node_by_node() {
    changed_node_by_node([
        &[("JWT_SECRET_KEY", OLD)],
        &[("JWT_SECRET_KEY", OLD), ("JWT_SECRET_KEY_PREVIOUS", NEW)],
        &[("JWT_SECRET_KEY", NEW), ("JWT_SECRET_KEY_PREVIOUS", OLD)],
        &[("JWT_SECRET_KEY", NEW)],
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_key_is_introduced_node_by_node() {
    changed_node_by_node([
        &[("JWT_SECRET_KEY", OLD)],
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY_PREVIOUS", ROOT)],
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", ROOT), ("SECRET_KEY_PREVIOUS", OLD)],
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", ROOT)],
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_key_is_changed_node_by_node() {
    changed_node_by_node([
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", ROOT)],
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", ROOT), ("SECRET_KEY_PREVIOUS", NEXT)],
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", NEXT), ("SECRET_KEY_PREVIOUS", ROOT)],
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", NEXT)],
    ])
    .await;
}

/// Also by somebody who does not wait: with a root of its own no refresh token is made with the signing key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_secret_key_the_signing_key_is_changed_node_by_node() {
    let steps: [Settings; 4] = [
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", ROOT)],
        &[("JWT_SECRET_KEY", OLD), ("JWT_SECRET_KEY_PREVIOUS", NEW), ("SECRET_KEY", ROOT)],
        &[("JWT_SECRET_KEY", NEW), ("JWT_SECRET_KEY_PREVIOUS", OLD), ("SECRET_KEY", ROOT)],
        &[("JWT_SECRET_KEY", NEW), ("SECRET_KEY", ROOT)],
    ];
    changed_node_by_node(steps).await;
    if postgres::shared().is_none() {
        return;
    }
    let mut app = TestApp::with(Database::Postgres, steps[0]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    app = app.restart(steps[3]).await;
    app.visit(&laptop).refresh().await.ok();
    app.visit(&laptop).me().await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_secret_key_a_change_of_the_signing_key_forgets_no_attempt() {
    if postgres::shared().is_none() {
        return;
    }
    let limited = |key| [("JWT_SECRET_KEY", key), ("SECRET_KEY", ROOT), ("LOGIN_RATE_LIMIT", "2/1m")];
    let app = TestApp::with(Database::Postgres, &limited(OLD)).await;
    let laptop = app.register("ann@example.com").await;
    for _ in 0..2 {
        laptop.login("ann@example.com").await.ok();
    }
    let app = app.restart(&limited(NEW)).await;
    app.visit(&laptop).login("ann@example.com").await.refused("too_many_attempts");
}

/// What was made before keeps working, and is replaced by what the new root makes.
async fn a_single_process_may_be_given_a_secret_key_at_once(database: Database) {
    let mut app = TestApp::with(database, &[("JWT_SECRET_KEY", OLD)]).await;
    let laptop = app.register_and_login("ann@example.com").await;
    let before = laptop.refresh_cookie();
    for settings in [
        &[("JWT_SECRET_KEY", OLD), ("SECRET_KEY", ROOT)] as &[_],
        &[("JWT_SECRET_KEY", NEW), ("JWT_SECRET_KEY_PREVIOUS", OLD), ("SECRET_KEY", ROOT)],
        &[("JWT_SECRET_KEY", NEW), ("SECRET_KEY", NEXT), ("SECRET_KEY_PREVIOUS", ROOT)],
        &[("JWT_SECRET_KEY", NEW), ("SECRET_KEY", NEXT)],
    ] {
        app = app.restart(settings).await;
        app.clock.advance(minutes(2));
        let laptop = app.visit(&laptop);
        laptop.refresh().await.ok();
        laptop.me().await.ok();
        assert_ne!(laptop.refresh_cookie()[..8], before[..8], "it names another key");
    }
}

/// Refreshing and asking, here and there, with what either has signed.
async fn works_on_both(one: &TestApp, other: &TestApp, laptop: &Browser) {
    for [here, there] in [[one, other], [other, one]] {
        one.clock.advance(minutes(2));
        here.visit(laptop).refresh().await.ok();
        here.visit(laptop).me().await.ok();
        there.visit(laptop).me().await.ok();
        // A retry of the other tab gets the successor, signed with whatever key this node has.
        there.visit(laptop).refresh().await.ok();
        here.visit(laptop).me().await.ok();
    }
}
