//! Hears that something was revoked, so that nobody has to wait for the next look. Only a wake-up: who relies on it is wrong.

use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::time::{sleep, timeout};

use super::Error;
use super::postgres::{PING_TIMEOUT, answered, within};
use crate::storage::Tx;

const CHANNEL: &str = "doorward_revocation";

/// A state of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(i64);

/// One per node.
pub struct Revocations(pub(in crate::storage) Source);

pub(in crate::storage) enum Source {
    Sqlite { connection: SqliteConnection, version: Option<i64> },
    Postgres(PgListener),
}

impl Revocations {
    pub(in crate::storage) async fn listen(mut listener: PgListener) -> Result<Self, Error> {
        answered(listener.listen(CHANNEL)).await?;
        Ok(Self(Source::Postgres(listener)))
    }

    /// Waits for this long, or until another node says that it has revoked something.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn wait(&mut self, at_most: Duration) -> Result<(), Error> {
        match &mut self.0 {
            Source::Sqlite { .. } => sleep(at_most).await,
            // None: the connection was lost, and with it perhaps a message.
            Source::Postgres(listener) => {
                if let Ok(heard) = timeout(at_most, listener.try_recv()).await {
                    heard?;
                    // What many sessions' ends have sent is one reason to look.
                    while listener.next_buffered().is_some() {}
                }
            }
        }
        Ok(())
    }

    /// The state of the database, if it may be another one than was [seen](Self::seen) last. SQLite tells without reading a row
    /// (`PRAGMA data_version` counts the commits of other connections, other processes' too), so that an idle server does nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changed(&mut self) -> Result<Option<Version>, Error> {
        match &mut self.0 {
            Source::Sqlite { connection, version } => {
                let now: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await?;
                Ok((*version != Some(now)).then_some(Version(now)))
            }
            // Nothing would ever tell that the wire is dead on which nothing but messages come.
            Source::Postgres(listener) => {
                within(PING_TIMEOUT, listener.execute("SELECT 1")).await?;
                Ok(Some(Version(0)))
            }
        }
    }

    /// What had changed by then has been read: a look that failed half-way must be made again.
    pub fn seen(&mut self, state: Version) {
        if let Source::Sqlite { version, .. } = &mut self.0 {
            *version = Some(state.0);
        }
    }

    /// Ends the connection.
    pub async fn close(self) {
        if let Source::Sqlite { connection, .. } = self.0 {
            drop(connection.close().await);
        }
    }
}

/// Wakes the other nodes when, and if, this transaction commits. SQLite's one node needs no waking.
pub(in crate::storage) async fn announce(tx: &mut Tx) -> Result<(), Error> {
    if tx.is_postgres() {
        on!(tx, conn => sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(conn).await.map(drop))?;
    }
    Ok(())
}
