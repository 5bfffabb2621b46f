//! Whether the database takes writes, as far as the last ones tell.

use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Error;
use crate::storage::Store;

/// For so long a write that was done tells that the next one will be, too.
const TELLS_FOR: Duration = Duration::from_secs(2);
/// So often a row is written to find out, at most, however many ask.
const EVERY: Duration = Duration::from_secs(1);

/// When a row was written to find out, and what became of it.
type Found = (Instant, Result<(), Error>);

/// What became of the last writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Done(Instant),
    /// For the database's sake.
    Failed,
    /// One found no room. Others may be done all the same: those that fit into what the tables have.
    Full,
}

/// What became of the last writes of this process.
#[derive(Default)]
pub(in crate::storage) struct Heartbeat {
    last: Lock<Option<Last>>,
    /// What was found out last. Held while a row is written.
    found: Arc<Mutex<Option<Found>>>,
}

impl Heartbeat {
    /// A write is done, or was not possible. What fails for another reason, or for nobody's fault, tells nothing; and work that is done
    /// may have written nothing: only a row that is written to find out ends a failure.
    pub(in crate::storage) fn note<T>(&self, written: &Result<T, Error>) {
        let mut last = self.last();
        match written {
            Ok(_) if matches!(*last, None | Some(Last::Done(_))) => *last = Some(Last::Done(Instant::now())),
            Err(Error::Conflict(_) | Error::Taken(_) | Error::Corrupt { .. } | Error::Internal(_)) => {}
            Err(Error::Full(_)) => *last = Some(Last::Full),
            Err(_) if *last != Some(Last::Full) => *last = Some(Last::Failed),
            _ => {}
        }
    }

    /// Whether the next write is likely to be done. Where the last ones do not tell, a row is written.
    pub(in crate::storage) async fn check(&self, store: &Store) -> Result<(), Error> {
        if matches!(*self.last(), Some(Last::Done(at)) if at.elapsed() < TELLS_FOR) {
            return Ok(());
        }
        let (store, found) = (store.clone(), Arc::clone(&self.found));
        // In a task of its own: when who asks gives up, the next one waits for the same row, and does not write another.
        let task = tokio::spawn(async move {
            let mut found = found.lock().await;
            if let Some((at, outcome)) = &*found
                && at.elapsed() < EVERY
            {
                return outcome.clone();
            }
            let mut outcome = beat(&store).await;
            let was_full = *store.heartbeat.last() == Some(Last::Full);
            if outcome.is_ok() && was_full {
                outcome = grow(&store).await;
            }
            if outcome.is_ok() {
                *store.heartbeat.last() = Some(Last::Done(Instant::now()));
            }
            *found = Some((Instant::now(), outcome.clone()));
            outcome
        });
        task.await.unwrap_or_else(|_| Err(Error::Unavailable("the program is ending".to_owned())))
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One row for all nodes, which is made where somebody has deleted it. Nobody waits for a node that has frozen while it wrote the row; and
/// that another one is writing it does not tell that writes are done: what is written then is a message in the log of PostgreSQL, which
/// nobody reads.
async fn beat(store: &Store) -> Result<(), Error> {
    let written = store.write((), |tx, ()| {
        Box::pin(async move {
            let now = tx.now().await?.micros();
            let update = tx.pick(
                "UPDATE heartbeat SET at = $1",
                "UPDATE heartbeat SET at = $1 WHERE id IN (SELECT id FROM heartbeat FOR UPDATE SKIP LOCKED)",
            );
            let insert = "INSERT INTO heartbeat (id, at) SELECT 1, $1 WHERE NOT EXISTS (SELECT 1 FROM heartbeat)";
            for sql in [update, insert] {
                let rows =
                    on!(tx, conn => sqlx::query(sql).bind(now).execute(conn).await.map(|done| done.rows_affected()))
                        .map_err(Error::raced)?;
                if rows > 0 {
                    return Ok(());
                }
            }
            let sql = tx.pick("SELECT 1", "SELECT pg_logical_emit_message(true, 'doorward', '')::text");
            on!(tx, conn => sqlx::query(sql).execute(conn).await.map(drop))
        })
    });
    written.await
}

/// A row changes in the room that its table has, and so does on a disk that is full. A table of this transaction alone takes new room. SQLite,
/// whose log grows with each write, needs no such thing; and whom PostgreSQL allows no temporary tables can't be told.
async fn grow(store: &Store) -> Result<(), Error> {
    let made = store.write((), |tx, ()| {
        Box::pin(async move {
            let sql = tx.pick("SELECT 1", "CREATE TEMPORARY TABLE room ON COMMIT DROP AS SELECT 1");
            on!(tx, conn => sqlx::query(sql).execute(conn).await.map(drop))
        })
    });
    match made.await {
        Err(error) if error.is_unavailable() => Err(error),
        _ => Ok(()),
    }
}
