//! The real service on a free port, browsers that talk to it, and the judge of every answer.
//!
//! A story is an `async fn` that takes a [`app::TestApp`], or the [`app::Database`] to start one on with settings of its own;
//! naming it in [`both`] makes two tests of it, one for each database.

pub(crate) mod answer;
pub(crate) mod app;
pub(crate) mod authenticator;
pub(crate) mod backend;
pub(crate) mod browser;
pub(crate) mod contract;
pub(crate) mod cookies;
pub(crate) mod device;
pub(crate) mod forms;
pub(crate) mod http1;
pub(crate) mod inspect;
pub(crate) mod mail;
pub(crate) mod operations;
pub(crate) mod passkey;
pub(crate) mod schema;
pub(crate) mod spec;
pub(crate) mod statements;
pub(crate) mod time;
pub(crate) mod tokens;
pub(crate) mod trace;

use self::app::{Database, TestApp};

/// Runs each story on SQLite and on PostgreSQL, as two tests. A story that is not named here is a warning: it is never used.
macro_rules! both {
    ($($story:ident,)+) => {$(
        mod $story {
            use crate::harness::app::Database;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                crate::harness::run(Database::Sqlite, super::$story).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if crate::support::postgres::shared().is_some() {
                    crate::harness::run(Database::Postgres, super::$story).await;
                }
            }
        }
    )+};
}
pub(crate) use both;

/// What a story may ask for.
pub(crate) trait Given {
    async fn given(database: Database) -> Self;
}

impl Given for Database {
    async fn given(database: Database) -> Self {
        database
    }
}

impl Given for TestApp {
    async fn given(database: Database) -> Self {
        Self::start(database).await
    }
}

pub(crate) async fn run<G: Given>(database: Database, story: impl AsyncFnOnce(G)) {
    story(G::given(database).await).await;
}
