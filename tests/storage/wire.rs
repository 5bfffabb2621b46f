//! The wire to PostgreSQL falls silent: its machine has lost power, or a firewall has forgotten the connection. Nothing is closed,
//! and nothing ever answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward::config::database::{Database, Location};
use doorward::config::secret::Secret;
use doorward::domain::account::UserId;
use doorward::platform::clock::Clock;
use doorward::storage::{Store, account};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::postgres_settings;
use crate::support::postgres;
use crate::transactions::note;

const CONNECTIONS: u32 = 3;

/// More than any call on the store may take, and less than a test may.
const FOREVER: Duration = Duration::from_secs(40);

/// Stands between the store and its database.
pub struct Wire {
    address: SocketAddr,
    /// Of the connections that there are when the first falls silent; later ones have a flag of their own.
    silent: Arc<AtomicBool>,
    /// Of those.
    later: Arc<AtomicBool>,
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
        let wire = Self { address: door.local_addr().unwrap(), silent: Arc::default(), later: Arc::default() };
        let (first, later) = (Arc::clone(&wire.silent), Arc::clone(&wire.later));
        tokio::spawn(async move {
            loop {
                let (visitor, _) = door.accept().await.unwrap();
                let silent = if first.load(Ordering::SeqCst) { Arc::clone(&later) } else { Arc::clone(&first) };
                let server = TcpStream::connect(&server).await.unwrap();
                let ((from_visitor, to_visitor), (from_server, to_server)) =
                    (visitor.into_split(), server.into_split());
                tokio::spawn(carry(from_visitor, to_server, Arc::clone(&silent)));
                tokio::spawn(carry(from_server, to_visitor, silent));
            }
        });
        wire
    }

    /// From now on nothing comes through on the connections that there are.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// Nor on new ones.
    pub fn fall_silent_for_ever(&self) {
        self.later.store(true, Ordering::SeqCst);
        self.fall_silent();
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

#[tokio::test]
async fn a_silent_connection_costs_its_request_and_not_the_pool() {
    let Some((wire, database)) = Wire::to_a_database().await else { return };
    let store = store_through(&wire, &database).await;
    let mut busy = Vec::new();
    for _ in 0..CONNECTIONS {
        busy.push(store.read().await.unwrap());
    }

    wire.fall_silent();
    let mut calls = JoinSet::new();
    // One gives its connection back, the others ask on theirs; and there are those that wait for a connection.
    busy.truncate(CONNECTIONS as usize - 1);
    for mut tx in busy {
        calls.spawn(async move { account::by_id(&mut tx, UserId(1)).await.map(drop) });
    }
    for number in 0..4 * CONNECTIONS {
        let store = store.clone();
        calls.spawn(async move {
            if number % 2 == 0 { store.ping().await } else { store.write((), |tx, ()| Box::pin(note(tx, "?"))).await }
        });
    }
    while let Some(call) = timeout(FOREVER, calls.join_next()).await.expect("no call waits for ever") {
        if let Err(error) = call.unwrap() {
            assert!(error.is_unavailable(), "{error}");
        }
    }

    // The server can be reached again: each of the pool's places has a connection that works.
    let all = async {
        let mut all = Vec::new();
        while all.len() < CONNECTIONS as usize {
            all.extend(store.read().await);
        }
    };
    timeout(FOREVER, all).await.expect("no place of the pool is lost");
    store.write((), |tx, ()| Box::pin(note(tx, "it works again"))).await.unwrap();
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
