//! A database of its own for each test.

use std::path::{Path, PathBuf};

use doorward::config::database::{Database, Location};
use doorward::config::secret::Secret;
use doorward::domain::timestamp::Timestamp;
use doorward::platform::clock::Clock;
use doorward::storage::Store;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::support;

/// The time at which every test begins.
pub const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// Makes two tests of one story: one on each database. The PostgreSQL half is left out where PostgreSQL is.
macro_rules! both {
    ($(#[$attribute:meta])* async fn $name:ident($test:ident) $story:block) => {
        mod $name {
            use super::*;

            async fn story($test: $crate::common::Test) $story

            $(#[$attribute])*
            #[tokio::test]
            async fn sqlite() {
                story($crate::common::Test::sqlite().await).await;
            }

            $(#[$attribute])*
            #[tokio::test]
            async fn postgres() {
                if let Some(test) = $crate::common::Test::postgres().await {
                    story(test).await;
                }
            }
        }
    };
}
pub(crate) use both;

/// A migrated store with a manual clock.
pub struct Test {
    pub store: Store,
    pub clock: Clock,
    pub settings: Database,
    _folder: Option<TempDir>,
}

impl Test {
    pub async fn sqlite() -> Self {
        let (settings, folder) = sqlite_settings();
        Self::open(settings, Some(folder)).await
    }

    pub async fn postgres() -> Option<Self> {
        let url = support::postgres::migrated_database().await?;
        Some(Self::open(postgres_settings(&url), None).await)
    }

    pub async fn open(settings: Database, folder: Option<TempDir>) -> Self {
        let clock = Clock::manual(START);
        let store = Store::open(&settings, clock.clone()).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, clock, settings, _folder: folder }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.settings.location, Location::Postgres(_))
    }

    /// Runs SQL behind the store's back.
    pub async fn execute(&self, sql: &str) {
        execute(&self.settings, sql).await;
    }

    /// Asks behind the store's back: the first column of each row.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.settings, sql).await
    }
}

pub fn sqlite_settings() -> (Database, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("data").join("doorward.db");
    (support::database(Location::Sqlite(path)), folder)
}

pub fn postgres_settings(url: &str) -> Database {
    support::database(Location::Postgres(Secret::new(url.as_bytes().to_vec())))
}

pub async fn execute(settings: &Database, sql: &str) {
    match &settings.location {
        Location::Sqlite(path) => {
            let mut connection = sqlite(path).await;
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
            connection.close().await.unwrap();
        }
        Location::Postgres(url) => {
            let mut connection = postgres(url).await;
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

pub async fn texts(settings: &Database, sql: &str) -> Vec<String> {
    match &settings.location {
        Location::Sqlite(path) => {
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut sqlite(path).await).await.unwrap()
        }
        Location::Postgres(url) => {
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut postgres(url).await).await.unwrap()
        }
    }
}

/// A connection beside the store's.
pub async fn sqlite(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

/// A connection beside the store's.
pub async fn postgres(url: &Secret) -> PgConnection {
    PgConnection::connect(std::str::from_utf8(url.reveal()).unwrap()).await.unwrap()
}
