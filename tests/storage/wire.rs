//! The wire to PostgreSQL: it falls silent (its machine has lost power, or a firewall has forgotten the connection; nothing is closed, and
//! nothing ever answers), or a proxy stands there that accepts and closes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::config::database::{Database, Location};
use doorward::config::secret::Secret;
use doorward::domain::account::UserId;
use doorward::platform::clock::Clock;
use doorward::storage::{Store, account};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::common::{execute, postgres_settings};
use crate::support::postgres;
use crate::transactions::note;
use crate::trouble::idle_connections;

const CONNECTIONS: u32 = 3;

/// More than any call on the store may take, and less than a test may.
const FOREVER: Duration = Duration::from_secs(40);

/// Stands between the store and its database.
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Of the connections that there are when the first falls silent; later ones have a flag of their own.
    silent: Arc<AtomicBool>,
    /// Of those.
    later: Arc<AtomicBool>,
    /// Accepts, and closes.
    closes: AtomicBool,
    carriers: Mutex<Vec<AbortHandle>>,
}

impl Wire {
    /// To a database of its own, whose name it returns.
    pub async fn to_a_database() -> Option<(Self, String)> {
        let url = postgres::migrated_database().await?;
        let (_, address) = url.rsplit_once('@').unwrap();
        let (server, database) = address.split_once('/').unwrap();
        Some((Self::to(server.to_owned()).await, database.to_owned()))
    }

    async fn to(server: String) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self { address: door.local_addr().unwrap(), shared: Arc::default() };
        let shared = Arc::clone(&wire.shared);
        tokio::spawn(async move {
            loop {
                let (visitor, _) = door.accept().await.unwrap();
                if shared.closes.load(Ordering::SeqCst) {
                    continue;
                }
                let first = shared.silent.load(Ordering::SeqCst);
                let silent = Arc::clone(if first { &shared.later } else { &shared.silent });
                let server = TcpStream::connect(&server).await.unwrap();
                let ((from_visitor, to_visitor), (from_server, to_server)) =
                    (visitor.into_split(), server.into_split());
                shared.carriers.lock().unwrap().extend([
                    tokio::spawn(carry(from_visitor, to_server, Arc::clone(&silent))).abort_handle(),
                    tokio::spawn(carry(from_server, to_visitor, silent)).abort_handle(),
                ]);
            }
        });
        wire
    }

    /// From now on nothing comes through on the connections that there are.
    pub fn fall_silent(&self) {
        self.shared.silent.store(true, Ordering::SeqCst);
    }

    /// Nor on new ones.
    pub fn fall_silent_for_ever(&self) {
        self.shared.later.store(true, Ordering::SeqCst);
        self.fall_silent();
    }

    /// Closes all connections, and new ones as soon as they are accepted: the database behind a proxy is gone.
    pub fn close(&self) {
        self.shared.closes.store(true, Ordering::SeqCst);
        for carrier in self.shared.carriers.lock().unwrap().drain(..) {
            carrier.abort();
        }
    }

    /// The database is there again.
    pub fn open(&self) {
        self.shared.closes.store(false, Ordering::SeqCst);
    }
}

async fn carry(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    silent: Arc<AtomicBool>,
) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if silent.load(Ordering::SeqCst) {
            // Open, both of them, for as long as the test runs.
            std::future::pending::<()>().await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}

/// Of the database itself, past the wire.
fn settings_of(database: &str) -> Database {
    postgres_settings(&postgres::shared().unwrap().url(database))
}

/// A store of [`CONNECTIONS`] connections.
pub async fn store_through(wire: &Wire, database: &str) -> Store {
    let url = format!("postgres://{}@{}/{database}", postgres::SUPERUSER, wire.address);
    let settings = Database {
        location: Location::Postgres(Secret::new(url.into_bytes())),
        max_connections: CONNECTIONS,
        ..postgres_settings("")
    };
    Store::open(&settings, Clock::system()).await.unwrap()
}

/// Reads and writes, many at once: each is done, or not possible now.
async fn calls(store: &Store, count: u32) {
    let mut calls = JoinSet::new();
    for number in 0..count {
        let store = store.clone();
        calls.spawn(async move {
            if number % 2 == 0 { store.ping().await } else { store.write((), |tx, ()| Box::pin(note(tx, "?"))).await }
        });
    }
    ended(calls).await;
}

async fn ended(mut calls: JoinSet<Result<(), doorward::storage::Error>>) {
    while let Some(call) = timeout(FOREVER, calls.join_next()).await.expect("no call waits for ever") {
        if let Err(error) = call.unwrap() {
            assert!(error.is_unavailable(), "{error}");
        }
    }
}

/// Each of the pool's places has a connection that works.
async fn full_service(store: &Store) {
    let all = async {
        let mut all = Vec::new();
        while all.len() < CONNECTIONS as usize {
            all.extend(store.read().await);
        }
    };
    timeout(FOREVER, all).await.expect("no place of the pool is lost");
    store.write((), |tx, ()| Box::pin(note(tx, "it works again"))).await.unwrap();
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_silent_connection_costs_its_request_and_not_the_pool() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let store = store_through(&wire, &database).await;
    let mut busy = Vec::new();
    for _ in 0..CONNECTIONS {
        busy.push(store.read().await.unwrap());
    }

    wire.fall_silent();
    let mut asking = JoinSet::new();
    // One gives its connection back, the others ask on theirs; and there are those that wait for a connection.
    busy.truncate(CONNECTIONS as usize - 1);
    for mut tx in busy {
        asking.spawn(async move { account::by_id(&mut tx, UserId(1)).await.map(drop) });
    }
    calls(&store, 4 * CONNECTIONS).await;
    ended(asking).await;
    full_service(&store).await;
}

/// Seen: the requests of ten seconds, one after the other, for as many connections as were idle.
#[tokio::test]
async fn idle_connections_that_are_silent_cost_no_request() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let store = store_through(&wire, &database).await;
    let mut busy = Vec::new();
    for _ in 0..CONNECTIONS {
        busy.push(store.read().await.unwrap());
    }
    drop(busy);
    idle_connections(&settings_of(&database), CONNECTIONS).await;
    wire.fall_silent();
    store.ping().await.unwrap();
    full_service(&store).await;
}

/// A commit whose answer never comes: the server has done it, and the connection is of no use.
#[tokio::test]
async fn a_commit_on_a_silent_wire_does_not_keep_its_place() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let store = store_through(&wire, &database).await;
    let wire = Arc::new(wire);
    let before_the_commit = Arc::clone(&wire);
    let written = store.write((), move |tx, ()| {
        let wire = Arc::clone(&before_the_commit);
        Box::pin(async move {
            note(tx, "nobody hears of it").await?;
            wire.fall_silent();
            Ok(())
        })
    });
    let error = timeout(FOREVER, written).await.expect("an answer").unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    full_service(&store).await;
    // Both places to write: none is held by the commit.
    let written = |store: Store| async move { store.write((), |tx, ()| Box::pin(note(tx, "?"))).await };
    let both = async { while tokio::try_join!(written(store.clone()), written(store.clone())).is_err() {} };
    timeout(FOREVER, both).await.expect("all places to write");
}

/// The same of a statement that commits itself, on a connection that nobody has asked whether it works.
#[tokio::test]
async fn a_statement_on_a_silent_wire_does_not_keep_its_place() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let store = store_through(&wire, &database).await;
    let alone = |store: Store| async move { store.write_one((), |tx, ()| Box::pin(note(tx, "?"))).await };
    alone(store.clone()).await.unwrap();
    let wire = Arc::new(wire);
    let before_the_statement = Arc::clone(&wire);
    let written = store.write_one((), move |tx, ()| {
        before_the_statement.fall_silent();
        Box::pin(note(tx, "nobody hears of it"))
    });
    let error = timeout(FOREVER, written).await.expect("an answer").unwrap_err();
    assert!(matches!(error, doorward::storage::Error::CommitsHang(_)), "{error}");
    full_service(&store).await;
    let both = async { while tokio::try_join!(alone(store.clone()), alone(store.clone())).is_err() {} };
    timeout(FOREVER, both).await.expect("all places to write");
}

/// Seen: a person's requests failed for ten seconds, since nobody would ever go on with the transaction that had locked the row.
#[tokio::test]
async fn what_a_silent_transaction_has_locked_is_free_again_when_its_request_was_given_up() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let person = "INSERT INTO users (email, password_hash, is_active, is_superuser, created_at, updated_at) \
                  VALUES ('ann@example.com', 'x', true, false, 0, 0)";
    let settings = settings_of(&database);
    execute(&settings, person).await;
    let (store, other) =
        (store_through(&wire, &database).await, Store::open(&settings, Clock::system()).await.unwrap());
    let wire = Arc::new(wire);
    let holding = Arc::clone(&wire);
    let given_up = store.write((), move |tx, ()| {
        let wire = Arc::clone(&holding);
        Box::pin(async move {
            assert!(account::lock(tx, UserId(1)).await?.is_some());
            wire.fall_silent();
            note(tx, "?").await
        })
    });
    assert!(given_up.await.unwrap_err().is_unavailable());
    let locked = other.write((), |tx, ()| Box::pin(async { account::lock(tx, UserId(1)).await.map(drop) }));
    locked.await.unwrap();
}

/// Seen: no answer for eight seconds, where a load balancer asks every two.
#[tokio::test]
async fn a_frozen_postgres_is_not_ready_and_that_is_told_before_a_query_gives_up() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let store = store_through(&wire, &database).await;
    store.check().await.unwrap();
    let mut tx = store.read().await.unwrap();
    wire.fall_silent_for_ever();
    tokio::select! {
        checked = store.check() => assert!(checked.unwrap_err().is_unavailable()),
        _ = account::by_id(&mut tx, UserId(1)) => panic!("readiness waited for a query"),
    }
}

/// Seen: errors of the protocol, answered with 500.
#[tokio::test]
async fn a_proxy_that_accepts_and_closes_is_a_database_that_does_not_answer() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let store = store_through(&wire, &database).await;
    for _ in 0..2 {
        full_service(&store).await;
        let mut tx = store.read().await.unwrap();
        wire.close();
        let error = account::by_id(&mut tx, UserId(1)).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        drop(tx);
        calls(&store, 4 * CONNECTIONS).await;
        assert!(store.check().await.unwrap_err().is_unavailable());
        wire.open();
    }
    full_service(&store).await;
}
