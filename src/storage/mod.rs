//! The database. sqlx lives only here, and SQLite and PostgreSQL are told apart only here.
//!
//! [`Store::write`] takes the work as a closure and returns its value after the commit; [`Store::read`] gives a transaction that
//! changes nothing. Both give a [`Tx`], which the functions of the areas take. Each SQL text stands
//! once where the two dialects share it; where they do not, a `Tx::pick` stands inside the function.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::database::{Database, Location};
use crate::domain::timestamp::Timestamp;
use crate::platform::clock::Clock;

/// Runs one query on whichever database this transaction belongs to; the body is compiled once per driver. A query that fails
/// spoils the transaction: see [`Tx::note`].
macro_rules! on {
    ($tx:expr, $conn:ident => $query:expr) => {{
        let result = match $tx.connection() {
            $crate::storage::tx::Connection::Sqlite($conn) => $query,
            $crate::storage::tx::Connection::Postgres($conn) => {
                $crate::storage::engine::postgres::answered(async { $query }).await
            }
        };
        $tx.note(result)
    }};
}

/// PostgreSQL's clock in microseconds, at the moment it is asked: not the transaction's start, as `now()` would be.
macro_rules! postgres_clock {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    };
}

/// What PostgreSQL answers with 1 in the session of this process of the server, and elsewhere with an error: a pooler may lend sessions.
macro_rules! session_is {
    () => {
        "1 / (pg_backend_pid() = {})::int"
    };
}

pub mod account;
pub mod audit;
mod engine;
pub mod factor;
pub mod import;
pub mod mail;
pub mod password;
mod pool;
mod readable;
pub mod session;
pub mod throttle;
mod together;
mod tx;

use engine::postgres_transaction::Kind;
pub use engine::{Copied, Error, Restored, Revocations, ServeLock, StartError, StartProblem, Version};
use engine::{Heartbeat, announce_revocation, postgres, sqlite};
pub use engine::{backup, examine, restore};
pub use pool::PoolUse;
pub use readable::Page;
use readable::readable;
pub use together::Together;
use tx::Inner;
pub use tx::Tx;

/// Longer than a transaction may take from a statement that tells the time to the next, which writes: the server ends one that is idle
/// for 10 s, and a statement after 3 s.
pub const OPEN_FOR: Duration = Duration::from_secs(20);

/// How long the database may take to show that it works.
const CHECK_TIMEOUT: Duration = Duration::from_millis(1_500);

/// How many rows each `purge` deletes in one transaction, so that it stays short.
pub const PURGE_BATCH: u64 = 500;

/// A future in a box: closures that return other futures can't be bounded `Send`.
pub type BoxFuture<'t, T> = Pin<Box<dyn Future<Output = T> + Send + 't>>;

/// The database. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    clock: Clock,
    heartbeat: Arc<Heartbeat>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Store {
    /// Connects, waiting up to `start_timeout` for a PostgreSQL that is not there yet; makes SQLite's folder and file. Changes
    /// nothing in the database: see [`Store::migrate`].
    ///
    /// # Errors
    /// When the database can't be used, with the remedy.
    pub async fn open(settings: &Database, clock: Clock) -> Result<Self, StartError> {
        let backend = match &settings.location {
            Location::Sqlite(path) => {
                Backend::Sqlite(sqlite::Database::open(path, settings.max_connections, clock.clone()).await?)
            }
            Location::Postgres(url) => Backend::Postgres(
                postgres::Database::open(url, settings.max_connections, settings.start_timeout).await?,
            ),
        };
        Ok(Self { backend, clock, heartbeat: Arc::default() })
    }

    /// Brings the tables to what this program needs, under a lock: of several servers that start together one does it, the
    /// others wait. All or nothing. Returns how many migrations were applied.
    ///
    /// # Errors
    /// When the database is not Doorward's, is newer than this program, or may not be changed; with the remedy.
    pub async fn migrate(&self) -> Result<usize, StartError> {
        match &self.backend {
            Backend::Sqlite(database) => database.migrate().await,
            Backend::Postgres(database) => database.migrate().await,
        }
    }

    /// The migrations that [`Store::migrate`] would apply (`0001 doorward accounts`), in their order. Changes nothing.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn pending(&self) -> Result<Vec<String>, StartError> {
        match &self.backend {
            Backend::Sqlite(database) => database.pending().await,
            Backend::Postgres(database) => database.pending().await,
        }
    }

    /// Starts a transaction that sees one state of the database and changes nothing; it ends when dropped.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn read(&self) -> Result<Tx, Error> {
        let inner = match &self.backend {
            Backend::Sqlite(database) => Inner::SqliteReader(database.begin_read().await?),
            Backend::Postgres(database) => Inner::Postgres(database.begin_read().await?),
        };
        Ok(Tx::new(inner, self.clock.clone()))
    }

    /// What tells that something may have been revoked.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn revocations(&self) -> Result<Revocations, Error> {
        match &self.backend {
            Backend::Sqlite(database) => database.revocations().await,
            Backend::Postgres(database) => database.revocations().await,
        }
    }

    /// Runs the work in a transaction and returns its value after the commit; an error of the work undoes all it wrote. The
    /// work may run more than once (PostgreSQL: when another transaction was in the way), so it may change nothing but the
    /// database, and it must await nothing but its transaction (SQLite: all writers share one connection). What it works on is
    /// its `input`, which it borrows each time. Once begun it runs to its end, also when nobody waits for it any more.
    ///
    /// ```ignore
    /// store.write((id, reason), |tx, (id, reason)| Box::pin(session::end(tx, *id, reason, now))).await?
    /// ```
    ///
    /// # Errors
    /// Those of the work; a failed commit; [`Error::Internal`] when the work panicked.
    pub async fn write<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let written = match &self.backend {
            Backend::Sqlite(database) => database.write(input, work).await,
            Backend::Postgres(database) => database.write(Kind::Write, input, work, self.clock.clone()).await,
        };
        self.heartbeat.note(&written);
        written
    }

    /// As [`Store::write`], for work that asks for one statement at most, and ends well where that did: nothing is ever to be undone. On
    /// PostgreSQL the statement commits itself, and must make sure that it runs in a session of its own (`session_is!`).
    ///
    /// # Errors
    /// As there.
    pub async fn write_one<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let written = match &self.backend {
            Backend::Sqlite(database) => database.write_one(input, work).await,
            Backend::Postgres(database) => database.write(Kind::Statement, input, work, self.clock.clone()).await,
        };
        self.heartbeat.note(&written);
        written
    }

    /// Whether the database answers, and takes writes: full disks and standbys answer too. What was written lately tells; where
    /// nothing was, a row is.
    ///
    /// # Errors
    /// When it does not, or not in time.
    pub async fn check(&self) -> Result<(), Error> {
        let answers = async {
            self.ping().await?;
            self.heartbeat.check(self).await
        };
        tokio::time::timeout(CHECK_TIMEOUT, answers)
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("no answer in time".to_owned())))
    }

    /// From when on something may have been written that a transaction that begins now does not see: for somebody who will look again
    /// later. What is being written has its time already, and can't be seen before its commit.
    ///
    /// PostgreSQL tells when the oldest transaction began that has written, also one whose commit waits for a standby; those that
    /// have not yet written what they took the time for are cut off before 20 s have passed. SQLite lets one write at a time: when this
    /// process last had its turn nobody else was writing, however slow.
    ///
    /// # Errors
    /// When the database does not tell.
    pub async fn horizon(&self) -> Result<Timestamp, Error> {
        if let Backend::Sqlite(database) = &self.backend {
            return Ok(database.had_its_turn().min(self.clock.now()));
        }
        let mut tx = self.read().await?;
        let now = tx.now().await?;
        let sql = "SELECT min((extract(epoch FROM xact_start) * 1000000)::bigint) FROM pg_stat_activity \
                   WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()";
        let oldest: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql).fetch_one(conn).await)?;
        Ok(oldest.map_or(now, Timestamp::from_micros).min(now) - OPEN_FOR)
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut tx = self.read().await?;
        let _: i32 = on!(tx, conn => sqlx::query_scalar("SELECT 1").fetch_one(conn).await)?;
        Ok(())
    }

    /// Whether other nodes may stand on this database too. SQLite has one.
    #[must_use]
    pub const fn has_other_nodes(&self) -> bool {
        matches!(self.backend, Backend::Postgres(_))
    }

    /// Finishes what has begun and closes every connection. Later calls fail as [`Error::Unavailable`].
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(database) => database.close().await,
            Backend::Postgres(database) => database.close().await,
        }
    }
}
