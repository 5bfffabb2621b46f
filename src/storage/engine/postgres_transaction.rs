//! A transaction on a connection to PostgreSQL.
//!
//! None runs in a session that is not its own: sqlx's prepared statements are numbered by connection, and a pooler that lends sessions by
//! the transaction would run somebody else's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Executor as _, PgConnection};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use super::postgres::{ANSWER_TIMEOUT, PING_TIMEOUT, is_silence, within};
use super::postgres_pool::{Session, Shared};

/// How long a server that works may take to begin a transaction.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(1);
/// `division_by_zero`: see `session_is!`.
pub(super) const ANOTHER_SESSION: &str = "22012";

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum Kind {
    /// One state of the database for all that is read, as SQLite gives it.
    Read,
    /// Said aloud, since a server may have another default: the functions that lock read the newest row after their wait.
    Write,
    /// One statement, which is a transaction of its own, and makes sure itself that the session is its own (`session_is!`).
    Statement,
}

impl Kind {
    const fn begin(self) -> &'static str {
        match self {
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ",
            Self::Write => "BEGIN ISOLATION LEVEL READ COMMITTED; ",
            Self::Statement => "",
        }
    }
}

/// A transaction on a connection of the pool. Dropped before its end, it is rolled back, in a task of its own.
pub(in crate::storage) struct Transaction {
    pub(super) pool: Arc<Shared>,
    kind: Kind,
    session: Option<Session>,
    state: State,
    /// Given back after the connection.
    places: Option<Places>,
}

/// Of the connection, and of the writer.
type Places = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Perhaps something is under way on the wire.
    Open,
    /// The connection is as it was at first.
    Ended,
    /// The connection is of no more use.
    Broken,
    /// The statement that stands alone got no answer in time. The server may be at its commit.
    Silent,
}

impl Transaction {
    /// It has its places, and no connection yet.
    pub(super) const fn new(pool: Arc<Shared>, kind: Kind, places: Places) -> Self {
        Self { pool, kind, session: None, state: State::Open, places: Some(places) }
    }

    /// Takes a connection without asking.
    pub(super) fn run_in(&mut self, session: Session) {
        self.session = Some(session);
        self.state = State::Open;
    }

    /// Begins on this connection, if its session is still the one that it was connected to: a division by zero says that it is not.
    pub(super) async fn begin(&mut self, session: Session) -> Result<(), sqlx::Error> {
        let sql = format!(concat!("{}SELECT ", session_is!()), self.kind.begin(), session.backend);
        self.run_in(session);
        let begun = within(BEGIN_TIMEOUT, self.connection().execute(AssertSqlSafe(sql))).await;
        begun.map(drop).map_err(|error| {
            self.state = State::Broken;
            self.session = None;
            match error.as_database_error().and_then(sqlx::error::DatabaseError::code) {
                Some(code) if code == ANOTHER_SESSION => sqlx::Error::Protocol(
                    "a pooler lends one session to several clients: its pool_mode must be session".to_owned(),
                ),
                _ => error,
            }
        })
    }

    /// What statements run on.
    #[expect(clippy::expect_used, reason = "there is a session from the begin to the drop")]
    pub(in crate::storage) fn connection(&mut self) -> &mut PgConnection {
        &mut self.session.as_mut().expect("a session").connection
    }

    /// The server's process.
    pub(in crate::storage) fn backend(&self) -> i32 {
        self.session.as_ref().map_or(0, |session| session.backend)
    }

    /// A statement failed.
    pub(in crate::storage) fn note(&mut self, error: &sqlx::Error) {
        if !matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_)) {
            return;
        }
        self.state = State::Broken;
        if !is_silence(error) {
            return;
        }
        if self.kind == Kind::Statement {
            self.state = State::Silent;
        } else if let Some(asked) = Instant::now().checked_sub(ANSWER_TIMEOUT) {
            self.pool.forget(asked);
        }
    }

    /// Whether its statement stands alone, and got no answer in time: the server may be at its commit.
    pub(super) fn is_silent(&self) -> bool {
        self.state == State::Silent
    }

    /// Ends it, however long that takes. If the server says no, it has ended too.
    pub(super) async fn finish(mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        // Given up half-way, it is of no use.
        let was = std::mem::replace(&mut self.state, State::Broken);
        if was != State::Open {
            return Err(sqlx::Error::WorkerCrashed);
        }
        if self.kind == Kind::Statement {
            self.state = State::Ended;
            return Ok(());
        }
        let ended = self.connection().execute(sql).await.map(drop);
        if matches!(ended, Ok(()) | Err(sqlx::Error::Database(_))) {
            self.state = State::Ended;
        }
        ended
    }

    /// Now, not when the connection comes back to the pool: others may wait for its locks.
    pub(in crate::storage) async fn rollback(self) {
        drop(within(PING_TIMEOUT, self.finish("ROLLBACK")).await);
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        match self.state {
            State::Ended => self.pool.put(session),
            State::Broken | State::Silent => {}
            // Nobody has heard what became of the statement.
            State::Open if self.kind == Kind::Statement => {}
            State::Open => {
                let (Ok(runtime), pool, places) = (Handle::try_current(), Arc::clone(&self.pool), self.places.take())
                else {
                    return;
                };
                runtime.spawn(async move {
                    if within(PING_TIMEOUT, session.connection.execute("ROLLBACK")).await.is_ok() {
                        pool.put(session);
                    }
                    drop(places);
                });
            }
        }
    }
}
