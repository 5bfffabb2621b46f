//! What is asked for faster than the cores can bear while passwords are hashed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use doorward::api::middleware::Settings;
use doorward::platform::hashing::{Class, Subject};
use doorward::service::throttle::Pace;
use futures_util::FutureExt as _;

use crate::support::{Server, guarded, hashing, limits, settings};

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn while_something_is_hashed_a_flood_of_anything_is_answered_at_its_pace() {
    let pool = hashing();
    let pace = Arc::new(Pace::new(pool.clone()));
    let server = Server::with(&Settings { pace: Arc::clone(&pace), ..settings() }, limits());
    // From the same address, and more than it may ask at once.
    let flood = || {
        for _ in 0..1_000 {
            let _ = pace.keep(Some(IpAddr::V4(Ipv4Addr::LOCALHOST))).now_or_never();
        }
    };
    let was_held = async || {
        flood();
        let before = pace.held();
        assert_eq!(server.ask(HEALTH).await.status, 200);
        pace.held() > before
    };
    assert!(!was_held().await);
    let waits = pool.reserve(Class::Login, Subject::UNBOUNDED).unwrap();
    // A machine that stood still meanwhile let its turn come.
    guarded(async { while !was_held().await {} }).await;
    drop(waits);
    assert!(!was_held().await);
}
