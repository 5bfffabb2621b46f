//! One transaction.

use sqlx::{PgConnection, Sqlite, SqliteConnection, Transaction};

use super::engine::postgres_transaction;
use super::{Error, PURGE_BATCH};
use crate::domain::timestamp::Timestamp;
use crate::platform::clock::Clock;

/// A transaction, made by [`Store::read`](super::Store::read) or lent by [`Store::write`](super::Store::write).
pub struct Tx {
    pub(in crate::storage) inner: Inner,
    clock: Clock,
    pub(in crate::storage) failed: bool,
}

pub(in crate::storage) enum Inner {
    SqliteReader(Transaction<'static, Sqlite>),
    SqliteWriter(SqliteConnection),
    Postgres(postgres_transaction::Transaction),
}

/// What the `on!` macro runs its query on.
pub(in crate::storage) enum Connection<'tx> {
    Sqlite(&'tx mut SqliteConnection),
    Postgres(&'tx mut PgConnection),
}

impl Tx {
    pub(in crate::storage) fn new(inner: Inner, clock: Clock) -> Self {
        Self { inner, clock, failed: false }
    }

    /// Now, on the one clock that all rows of this database are written by: PostgreSQL's own, SQLite's host's, or a test's.
    /// Take it after the locks that a decision depends on; the functions that lock return it.
    ///
    /// # Errors
    /// When the database does not tell.
    pub async fn now(&mut self) -> Result<Timestamp, Error> {
        if let Some(micros) = self.given_time() {
            return Ok(Timestamp::from_micros(micros));
        }
        let sql = concat!("SELECT ", postgres_clock!());
        let micros: i64 = on!(self, conn => sqlx::query_scalar(sql).fetch_one(conn).await)?;
        Ok(Timestamp::from_micros(micros))
    }

    /// What the time is by this node: on SQLite that is [`Tx::now`], on PostgreSQL it may be off.
    #[must_use]
    pub fn about_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What statements take as the time: none means that PostgreSQL is to ask its own clock.
    pub(in crate::storage) fn given_time(&self) -> Option<i64> {
        match &self.inner {
            Inner::SqliteReader(_) | Inner::SqliteWriter(_) => Some(self.clock.now()),
            Inner::Postgres(_) => self.clock.fixed(),
        }
        .map(Timestamp::micros)
    }

    pub(in crate::storage) fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }

    /// PostgreSQL's process that serves this session, for `session_is!`.
    pub(in crate::storage) fn session(&self) -> Option<i32> {
        match &self.inner {
            Inner::SqliteReader(_) | Inner::SqliteWriter(_) => None,
            Inner::Postgres(transaction) => Some(transaction.backend()),
        }
    }

    /// The text for this transaction's database.
    pub(in crate::storage) fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.inner {
            Inner::SqliteReader(_) | Inner::SqliteWriter(_) => sqlite,
            Inner::Postgres(_) => postgres,
        }
    }

    pub(in crate::storage) fn connection(&mut self) -> Connection<'_> {
        match &mut self.inner {
            Inner::SqliteReader(transaction) => Connection::Sqlite(transaction),
            Inner::SqliteWriter(connection) => Connection::Sqlite(connection),
            Inner::Postgres(transaction) => Connection::Postgres(transaction.connection()),
        }
    }

    /// Runs a statement that deletes rows from before `$1`, at most `$2` of them. Returns how many.
    pub(in crate::storage) async fn delete_batch(
        &mut self,
        sql: &'static str,
        before: Timestamp,
    ) -> Result<u64, Error> {
        on!(self, conn => sqlx::query(sql)
            .bind(before.micros())
            .bind(PURGE_BATCH.cast_signed())
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))
    }

    /// Remembers a failure: PostgreSQL has then given the transaction up, and would answer COMMIT with a silent rollback.
    pub(in crate::storage) fn note<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.failed = true;
            if let Inner::Postgres(transaction) = &mut self.inner {
                transaction.note(error);
            }
        }
        result.map_err(Error::from)
    }

    /// The work's value, unless one of its statements failed and it went on all the same.
    pub(in crate::storage) fn settle<T>(&mut self, value: T) -> Result<T, Error> {
        if std::mem::take(&mut self.failed) {
            return Err(Error::Internal("the work passed over a statement that failed".to_owned()));
        }
        Ok(value)
    }
}
