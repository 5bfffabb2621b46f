//! A real PostgreSQL in trouble: frozen, in part or as a whole; crashed; waiting for a standby that is gone; read-only.

use std::time::Duration;

use doorward::config::database::{Database, Location};
use doorward::domain::timestamp::Timestamp;
use doorward::platform::clock::Clock;
use doorward::storage::{Error, OPEN_FOR, Store};
use sqlx::{Connection as _, Executor as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::{Test, postgres_settings, texts};
use crate::support::postgres::{self, Cluster, Signal};
use crate::transactions::note;

/// More than any trouble may last after its end, and less than a test may.
const FOREVER: Duration = Duration::from_secs(40);

/// A cluster that nobody else is on, and a store on it that has four connections.
struct Patient {
    cluster: Cluster,
    test: Test,
}

impl Patient {
    async fn admitted() -> Option<Self> {
        let cluster = Cluster::start(&postgres::programs()?, &["fsync=off", "max_connections=30"]);
        let url = cluster.create_database("").await;
        let test = Test::open(postgres_settings(&url), None).await;
        Some(Self { cluster, test })
    }

    fn store(&self) -> Store {
        self.test.store.clone()
    }

    /// The processes of the server that serve the store's connections, once it has all of them.
    async fn backends(&self) -> Vec<u32> {
        let mut all = Vec::new();
        for _ in 0..self.test.settings.max_connections {
            all.push(self.test.store.read().await.unwrap());
        }
        drop(all);
        idle_connections(&self.test.settings, self.test.settings.max_connections).await
    }

    async fn ask<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, sql: &str) -> Vec<T> {
        self.test.texts(sql).await.iter().map(|text| text.parse().unwrap()).collect()
    }

    async fn recovers(&self) {
        let store = self.store();
        let recovered = async {
            while store.check().await.is_err() {}
            write(store.clone()).await.unwrap();
        };
        timeout(FOREVER, recovered).await.expect("it recovers by itself");
    }
}

/// The server's processes of the store's connections, once so many are idle.
pub async fn idle_connections(settings: &Database, count: u32) -> Vec<u32> {
    let sql = "SELECT pid::text FROM pg_stat_activity \
               WHERE application_name = 'doorward' AND datname = current_database() AND state = 'idle'";
    loop {
        let idle: Vec<u32> = texts(settings, sql).await.iter().map(|text| text.parse().unwrap()).collect();
        if idle.len() == count as usize {
            return idle;
        }
    }
}

async fn write(store: Store) -> Result<(), Error> {
    store.write((), |tx, ()| Box::pin(note(tx, "?"))).await
}

/// By a statement that commits itself.
async fn write_one(store: Store) -> Result<(), Error> {
    store.write_one((), |tx, ()| Box::pin(note(tx, "?"))).await
}

async fn all(
    store: &Store,
    count: u32,
    call: impl AsyncFn(Store) -> Result<(), Error> + Copy,
) -> Vec<Result<(), Error>> {
    futures_util::future::join_all((0..count).map(|_| call(store.clone()))).await
}

#[tokio::test]
async fn a_frozen_server_is_told_of_before_a_write_gives_up() {
    let Some(patient) = Patient::admitted().await else { return };
    patient.recovers().await;
    patient.cluster.signal(Signal::Freeze);
    for _ in 0..2 {
        // Its own limit is a second and a half; how late a busy machine keeps it nobody can say.
        tokio::select! {
            biased;
            checked = patient.test.store.check() => assert!(checked.unwrap_err().is_unavailable()),
            _ = write(patient.store()) => panic!("readiness waited for a write"),
        }
    }
    let calls = [write(patient.store()).await, patient.test.store.ping().await];
    patient.cluster.signal(Signal::Thaw);
    assert!(calls.iter().all(|call| call.as_ref().is_err_and(Error::is_unavailable)), "{calls:?}");
    patient.recovers().await;
}

#[tokio::test]
async fn frozen_backends_cost_no_request_of_others() {
    let Some(patient) = Patient::admitted().await else { return };
    let backends = patient.backends().await;
    assert_eq!(backends.len(), 4);
    for backend in &backends[..2] {
        postgres::signal(*backend, Signal::Freeze);
    }
    let outcomes = all(&patient.test.store, 20, async |store: Store| store.ping().await).await;
    let written = all(&patient.test.store, 20, write).await;
    for backend in &backends[..2] {
        postgres::signal(*backend, Signal::Thaw);
    }
    assert!(outcomes.iter().chain(&written).all(Result::is_ok), "{outcomes:?} {written:?}");
    patient.recovers().await;
}

#[tokio::test]
async fn a_crash_is_answered_as_a_database_that_does_not_answer() {
    let Some(patient) = Patient::admitted().await else { return };
    let backends = patient.backends().await;
    let mut calls = JoinSet::new();
    for number in 0..40 {
        let store = patient.store();
        calls.spawn(async move {
            match number % 3 {
                0 => store.ping().await,
                1 => write(store).await,
                _ => write_one(store).await,
            }
        });
    }
    // All others of the server end with it, and it recovers.
    postgres::signal(backends[0], Signal::Kill);
    while let Some(call) = calls.join_next().await {
        if let Err(error) = call.unwrap() {
            assert!(error.is_unavailable(), "{error}");
        }
    }
    patient.recovers().await;
}

/// Seen: each write left a connection behind on the server, until there was room for none, and nobody could read either.
#[tokio::test]
async fn a_synchronous_standby_that_is_gone_costs_writes_alone_and_no_more_connections() {
    let Some(patient) = Patient::admitted().await else { return };
    patient.recovers().await;
    patient.cluster.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'gone'").await;
    patient.cluster.execute("postgres", "SELECT pg_reload_conf()").await;
    while patient.ask::<String>("SHOW synchronous_standby_names").await != ["gone"] {}

    let store = patient.store();
    let mut writes = JoinSet::new();
    for _ in 0..6 {
        writes.spawn(write(store.clone()));
        writes.spawn(write_one(store.clone()));
    }
    // Reads go on.
    while !writes.is_empty() {
        store.ping().await.unwrap();
        while let Some(written) = writes.try_join_next() {
            let error = written.unwrap().unwrap_err();
            assert!(error.is_unavailable(), "{error}");
        }
        tokio::task::yield_now().await;
    }
    // All three places to write hang. Whatever comes now is refused, and readiness says why.
    for _ in 0..20 {
        assert!(matches!(write(store.clone()).await, Err(Error::CommitsHang(_))));
        assert!(matches!(write_one(store.clone()).await, Err(Error::CommitsHang(_))));
        store.ping().await.unwrap();
    }
    assert!(matches!(store.check().await, Err(Error::CommitsHang(_))));
    let waiting =
        "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'doorward'";
    assert_eq!(patient.ask::<u32>(waiting).await, [3]);

    patient.cluster.execute("postgres", "ALTER SYSTEM RESET synchronous_standby_names").await;
    patient.cluster.execute("postgres", "SELECT pg_reload_conf()").await;
    patient.recovers().await;
    // What hung was done later, and its places are free.
    assert!(all(&store, 20, write).await.iter().all(Result::is_ok));
    assert_eq!(patient.ask::<u32>(waiting).await, [0]);
    let connections = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'doorward'";
    assert!(patient.ask::<u32>(connections).await[0] <= 4);
}

/// One that is written by somebody who has frozen is not waited for, and does not tell that writes are done.
#[tokio::test]
async fn readiness_does_not_rely_on_the_heartbeats_row() {
    let Some(test) = Test::postgres().await else { return };
    let Location::Postgres(url) = &test.settings.location else { unreachable!() };
    let mut frozen = crate::common::postgres(url).await;
    frozen.execute("BEGIN; UPDATE heartbeat SET at = 7").await.unwrap();
    let position = "SELECT pg_current_wal_insert_lsn()::text";
    let before = test.texts(position).await;
    test.store.check().await.unwrap();
    assert_ne!(test.texts(position).await, before, "nothing was written");
    frozen.close().await.unwrap();
}

#[tokio::test]
async fn a_heartbeat_that_somebody_has_deleted_is_made_again() {
    for test in [Some(Test::sqlite().await), Test::postgres().await].into_iter().flatten() {
        test.execute("DELETE FROM heartbeat").await;
        test.store.check().await.unwrap();
        assert_eq!(test.texts("SELECT CAST(id AS TEXT) FROM heartbeat").await, ["1"]);
    }
}

#[tokio::test]
async fn a_pool_of_one_connection_serves_reads_and_writes() {
    let Some(mut test) = Test::postgres().await else { return };
    test.settings.max_connections = 1;
    let store = Store::open(&test.settings, Clock::system()).await.unwrap();
    assert!(all(&store, 10, write).await.iter().all(Result::is_ok));
    assert!(all(&store, 10, async |store: Store| store.ping().await).await.iter().all(Result::is_ok));
    store.check().await.unwrap();
    store.close().await;
}

/// What is being written has its time already, and can't be seen yet: whoever reads what is new must ask for it again.
#[tokio::test]
async fn a_transaction_that_takes_long_holds_the_horizon() {
    let Some(test) = Test::postgres().await else { return };
    let Location::Postgres(url) = &test.settings.location else { unreachable!() };
    let store = Store::open(&test.settings, Clock::system()).await.unwrap();
    let mut long = crate::common::postgres(url).await;
    long.execute("BEGIN; UPDATE heartbeat SET at = 7").await.unwrap();
    let begun: Vec<String> = test.texts("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text").await;
    let begun = Timestamp::from_micros(begun[0].parse().unwrap());
    // Another one begins and ends later.
    write(store.clone()).await.unwrap();
    let mut before = store.horizon().await.unwrap();
    assert!(before <= begun - OPEN_FOR);
    for _ in 0..20 {
        let horizon = store.horizon().await.unwrap();
        assert_eq!(horizon, before, "it stays where it is");
        before = horizon;
    }
    long.execute("COMMIT").await.unwrap();
    assert!(store.horizon().await.unwrap() > before);
    long.close().await.unwrap();
    store.close().await;
}
