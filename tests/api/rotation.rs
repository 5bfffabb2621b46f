//! Keys and algorithms of access tokens are changed under load, on two nodes, in either order: no honest request fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::RwLock;
use tokio::task::JoinSet;

use super::jwks::ROOT;
use crate::harness::app::{Database, KEY, TestApp};
use crate::harness::backend::Backend;
use crate::harness::browser::Browser;
use crate::support::postgres;

const P256: &str = include_str!("../data/keys/p256.pem");
const OTHER_P256: &str = include_str!("../data/keys/p256-sec1.pem");
const ED25519: &str = include_str!("../data/keys/ed25519.pem");
const NEXT: &str = "the-next-root-of-two-nodes-6a41f8c2d79b";
const PEOPLE: usize = 3;

type Settings<'s> = &'s [(&'s str, &'s str)];

/// What a load balancer leads to. A node that is being restarted is led to by nobody.
type Node = Arc<RwLock<Option<TestApp>>>;

struct Load {
    nodes: [Node; 2],
    done: AtomicBool,
    rounds: [AtomicUsize; PEOPLE],
    /// Whether all steps have public keys.
    is_public: bool,
}

/// Each step on one node after the other; meanwhile people ask and refresh on either, and a service beside verifies their tokens.
async fn changed_under_load(steps: &[Settings<'_>], is_public: bool) {
    if postgres::shared().is_none() {
        return;
    }
    let common = [("REFRESH_RATE_LIMIT", "off"), ("LOGIN_RATE_LIMIT", "off")];
    for order in [[0, 1], [1, 0]] {
        let one = TestApp::with(Database::Postgres, &[&common, steps[0]].concat()).await;
        let other = one.another_node(&[&common, steps[0]].concat()).await;
        let mut people = Vec::new();
        for person in 0..PEOPLE {
            people.push(one.register_and_login(&format!("ann{person}@example.com")).await);
        }
        let nodes = [one, other].map(|node| Arc::new(RwLock::new(Some(node))));
        let load = Arc::new(Load { nodes, done: AtomicBool::default(), rounds: Default::default(), is_public });
        let mut running = JoinSet::new();
        for (number, laptop) in people.into_iter().enumerate() {
            running.spawn(Arc::clone(&load).person(number, laptop));
        }
        load.everybody_goes_round().await;
        for step in &steps[1..] {
            for node in order {
                let mut node = load.nodes[node].write().await;
                let restarted = node.take().unwrap().restart(&[&common, *step].concat()).await;
                *node = Some(restarted);
                drop(node);
                load.everybody_goes_round().await;
            }
        }
        load.done.store(true, Ordering::Release);
        while let Some(person) = running.join_next().await {
            person.unwrap();
        }
    }
}

impl Load {
    async fn person(self: Arc<Self>, number: usize, laptop: Browser) {
        let mut backend = Backend::new();
        let mut turn = number;
        while !self.done.load(Ordering::Acquire) {
            turn += 1;
            let [here, there] = [turn % 2, (turn + 1) % 2];
            self.on(here, async |node| node.visit(&laptop).me().await.ok()).await;
            self.on(there, async |node| node.visit(&laptop).refresh().await.ok()).await;
            self.on(here, async |node| node.visit(&laptop).get("/api/auth/check").await.is(204)).await;
            if self.is_public {
                let token = laptop.access_cookie();
                let claims = self.on(there, async |node| backend.verify(node, &token).await).await;
                assert_eq!(claims.expect("a token that verifies")["sub"], (number + 1).to_string());
            }
            self.rounds[number].fetch_add(1, Ordering::AcqRel);
        }
    }

    /// On this node, or on the other while this one is being restarted.
    async fn on<T>(&self, wanted: usize, ask: impl AsyncFnOnce(&TestApp) -> T) -> T {
        let node = match self.nodes[wanted].try_read() {
            Ok(node) => node,
            Err(_) => self.nodes[1 - wanted].read().await,
        };
        ask(node.as_ref().unwrap()).await
    }

    /// Until everybody has been on both nodes with what either signs.
    async fn everybody_goes_round(&self) {
        let before: Vec<_> = self.rounds.iter().map(|rounds| rounds.load(Ordering::Acquire)).collect();
        for (rounds, before) in self.rounds.iter().zip(before) {
            for _ in 0..6_000 {
                if rounds.load(Ordering::Acquire) >= before + 2 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            assert!(rounds.load(Ordering::Acquire) >= before + 2, "somebody was stopped");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_given_key_is_changed() {
    let es256 = ("JWT_ALGORITHM", "ES256");
    let root = ("SECRET_KEY", ROOT);
    let steps: [Settings<'_>; 4] = [
        &[es256, root, ("JWT_PRIVATE_KEY", P256)],
        &[es256, root, ("JWT_PRIVATE_KEY", P256), ("JWT_PRIVATE_KEY_NEXT", OTHER_P256)],
        &[es256, root, ("JWT_PRIVATE_KEY", OTHER_P256), ("JWT_PRIVATE_KEY_PREVIOUS", P256)],
        &[es256, root, ("JWT_PRIVATE_KEY", OTHER_P256)],
    ];
    changed_under_load(&steps, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_of_a_derived_key_is_changed() {
    let es256 = ("JWT_ALGORITHM", "ES256");
    let steps: [Settings<'_>; 4] = [
        &[es256, ("SECRET_KEY", ROOT)],
        &[es256, ("SECRET_KEY", ROOT), ("SECRET_KEY_PREVIOUS", NEXT)],
        &[es256, ("SECRET_KEY", NEXT), ("SECRET_KEY_PREVIOUS", ROOT)],
        &[es256, ("SECRET_KEY", NEXT)],
    ];
    changed_under_load(&steps, true).await;
}

/// A service beside takes both kinds only by having both keys: it is changed first, and is not part of this.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_secret_gives_way_to_public_keys() {
    let (hs256, root) = (("JWT_SECRET_KEY", KEY), ("SECRET_KEY", ROOT));
    let steps: [Settings<'_>; 4] = [
        &[hs256, root],
        &[hs256, root, ("JWT_ALGORITHM_PREVIOUS", "ES256")],
        &[hs256, root, ("JWT_ALGORITHM", "ES256"), ("JWT_ALGORITHM_PREVIOUS", "HS256")],
        &[root, ("JWT_ALGORITHM", "ES256")],
    ];
    changed_under_load(&steps, false).await;
}

/// One kind a set: a service beside that verifies by itself has a gap, which docs/deployment.md states.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_kind_of_public_key_gives_way_to_another() {
    let root = ("SECRET_KEY", ROOT);
    let (es256, eddsa) = (("JWT_ALGORITHM", "ES256"), ("JWT_ALGORITHM", "EdDSA"));
    let steps: [Settings<'_>; 4] = [
        &[root, es256],
        &[root, es256, ("JWT_ALGORITHM_PREVIOUS", "EdDSA"), ("JWT_PRIVATE_KEY_NEXT", ED25519)],
        &[root, eddsa, ("JWT_ALGORITHM_PREVIOUS", "ES256"), ("JWT_PRIVATE_KEY", ED25519)],
        &[root, eddsa, ("JWT_PRIVATE_KEY", ED25519)],
    ];
    changed_under_load(&steps, false).await;
}
