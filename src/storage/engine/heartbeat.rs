//! Whether the database takes writes, as far as the last ones tell.

use std::sync::{Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Error;
use crate::storage::Store;

/// For so long a write that was done tells that the next one will be, too.
const TELLS_FOR: Duration = Duration::from_secs(10);
/// So often a row is written to find out, at most, however many ask.
const EVERY: Duration = Duration::from_secs(1);

/// What became of the last writes of this process.
#[derive(Default)]
pub(in crate::storage) struct Heartbeat {
    last: Lock<Option<(Instant, bool)>>,
    /// Held while a row is written to find out.
    asked: Mutex<Option<(Instant, Result<(), Error>)>>,
}

impl Heartbeat {
    /// A write is done, or was not possible. What fails for another reason, or for nobody's fault, tells nothing.
    pub(in crate::storage) fn note<T>(&self, written: &Result<T, Error>) {
        let works = match written {
            Ok(_) => true,
            Err(Error::Unavailable(_)) => false,
            Err(_) => return,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), works));
    }

    /// Whether the next write is likely to be done. Where the last ones do not tell, a row is written.
    pub(in crate::storage) async fn check(&self, store: &Store) -> Result<(), Error> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|(at, works)| works && at.elapsed() < TELLS_FOR) {
            return Ok(());
        }
        let mut asked = self.asked.lock().await;
        if let Some((at, outcome)) = &*asked
            && at.elapsed() < EVERY
        {
            return outcome.clone();
        }
        let outcome = beat(store).await;
        *asked = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

async fn beat(store: &Store) -> Result<(), Error> {
    let written = store.write((), |tx, ()| {
        Box::pin(async move {
            let now = tx.now().await?;
            let sql = "INSERT INTO heartbeat (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
            on!(tx, conn => sqlx::query(sql).bind(now.micros()).execute(conn).await.map(drop))
        })
    });
    written.await
}
