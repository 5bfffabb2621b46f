//! What has expired. It is found by its day, because an index of the time itself would move with each rotation.

use super::row::a_day;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, PURGE_BATCH, Tx};

/// Deletes at most [`PURGE_BATCH`] sessions that ended or expired before a time; leaves out those that somebody holds locked, and those that
/// expired and have no day yet. Returns how many: call again while it is that many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, Error> {
    macro_rules! text {
        ($lock:literal) => {
            concat!(
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE idle_day <= $1 / ",
                a_day!(),
                " AND idle_expires_at < $1 OR ended_at < $1 LIMIT $2",
                $lock,
                ")"
            )
        };
    }
    let sql = tx.pick(text!(""), text!(" FOR UPDATE SKIP LOCKED"));
    tx.delete_batch(sql, before).await
}

/// Gives at most [`PURGE_BATCH`] sessions that the version before has made, and nobody holds locked, the day of their idle expiry. Returns
/// how many: call again while it is that many.
pub async fn note_idle_days(tx: &mut Tx) -> Result<u64, Error> {
    // In the order of the index: else PostgreSQL looks at all that are left, or at the whole table, for each batch.
    macro_rules! text {
        ($lock:literal) => {
            concat!(
                "UPDATE sessions SET idle_day = idle_expires_at / ",
                a_day!(),
                " WHERE id IN (SELECT id FROM sessions WHERE idle_day IS NULL ORDER BY idle_day LIMIT $1",
                $lock,
                ")"
            )
        };
    }
    let sql = tx.pick(text!(""), text!(" FOR NO KEY UPDATE SKIP LOCKED"));
    on!(tx, conn => sqlx::query(sql)
        .bind(PURGE_BATCH.cast_signed())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))
}
