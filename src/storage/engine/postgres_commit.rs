//! Commits that get no answer.
//!
//! Of two kinds. The wire is dead: then nothing will come, and the connection is of no use. Or the server is at it still: a commit that
//! waits for a synchronous standby that is gone goes on after its client left, and holds its connection on the server as long as that
//! takes. A client that went away and came back by another connection would fill the server with them. So the connection of such a
//! commit keeps its place in the pool, and writes are refused once all places to write hang. The server itself tells which kind it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::Instrument as _;

use super::Error;
use super::postgres::{ANSWER_TIMEOUT, answered};
use super::postgres_pool::{Pool, Shared};
use super::postgres_transaction::{Kind, Transaction};
use crate::storage::BoxFuture;

/// How often the server is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Commits. An answer that takes too long is waited for by a task: it may have been done, or be done later.
pub(in crate::storage) async fn commit(transaction: Transaction, pool: &Pool) -> Result<(), Error> {
    let (backend, shared) = (transaction.backend(), Arc::clone(&transaction.pool));
    let mut committed: BoxFuture<'static, _> = Box::pin(transaction.finish("COMMIT"));
    if let Ok(done) = timeout(ANSWER_TIMEOUT, &mut committed).await {
        return Ok(done?);
    }
    Err(hang(committed, backend, shared, pool))
}

/// Undoes what had an error. A statement that stands alone is its own commit: where that gets no answer in time nothing can be undone.
pub(in crate::storage) async fn give_up(transaction: Transaction, pool: &Pool, error: Error) -> Error {
    if !transaction.is_silent() {
        transaction.rollback().await;
        return error;
    }
    let (backend, shared) = (transaction.backend(), Arc::clone(&transaction.pool));
    let never = Box::pin(async move {
        let _kept = transaction;
        std::future::pending().await
    });
    hang(never, backend, shared, pool)
}

fn hang(
    committed: BoxFuture<'static, Result<(), sqlx::Error>>,
    backend: i32,
    shared: Arc<Shared>,
    pool: &Pool,
) -> Error {
    let hanging = Hanging::begin(shared);
    tokio::spawn(outlast(committed, backend, pool.clone(), hanging).in_current_span());
    Error::CommitsHang("no answer in time; it may be done later".to_owned())
}

/// Waits until there is an answer, or there will be none.
async fn outlast(
    mut committed: BoxFuture<'static, Result<(), sqlx::Error>>,
    backend: i32,
    pool: Pool,
    _hanging: Hanging,
) {
    loop {
        // Not asked: the server may have stopped answering at all.
        if is_committing(&pool, backend).await.is_ok_and(|is| !is) {
            tracing::warn!("a commit got no answer, and PostgreSQL is not at it: its connection is dropped");
            return;
        }
        tokio::select! {
            done = &mut committed => {
                tracing::warn!(done = done.is_ok(), "a commit was answered long after it was asked for");
                return;
            }
            () = sleep(EVERY) => {}
        }
    }
}

async fn is_committing(pool: &Pool, backend: i32) -> Result<bool, Error> {
    // The server lets no statement run for so long, but its commit.
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active')";
    let ask = sqlx::query_scalar(sql).bind(backend);
    let Ok(mut transaction) = pool.begin(Kind::Read).await else {
        // There may be no place but the one that hangs.
        let mut connection = pool.connect_beside().await?;
        return Ok(answered(ask.fetch_one(&mut connection)).await?);
    };
    let told = answered(ask.fetch_one(transaction.connection())).await;
    if let Err(error) = &told {
        transaction.note(error);
    }
    Ok(told?)
}

/// Counted while it is there.
struct Hanging(Arc<Shared>);

impl Hanging {
    fn begin(pool: Arc<Shared>) -> Self {
        let before = count(&pool).fetch_add(1, Ordering::AcqRel);
        if before == 0 {
            tracing::error!(
                "commits do not come to an end: is a synchronous standby gone? Writes are refused, reads go on"
            );
        }
        Self(pool)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        count(&self.0).fetch_sub(1, Ordering::AcqRel);
    }
}

fn count(pool: &Shared) -> &AtomicU32 {
    &pool.hanging
}
