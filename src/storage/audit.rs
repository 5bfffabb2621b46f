//! The audit: records are appended and never changed.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

use super::{Error, Tx};
use crate::domain::audit::Record;
use crate::domain::timestamp::Timestamp;

/// Appends a record, in the transaction of what it tells of.
pub async fn append(tx: &mut Tx, record: &Record, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO audit (at, event, user_id, session_id, ip, user_agent, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on!(tx, conn => sqlx::query(sql)
        .bind(now.micros())
        .bind(record.event.as_str())
        .bind(record.user_id.map(|id| id.0))
        .bind(record.session_id.as_ref().map(|id| &id.0[..]))
        .bind(record.ip.map(|ip| ip.to_string()))
        .bind(record.user_agent.as_deref())
        .bind(record.detail.as_deref())
        .execute(conn)
        .await
        .map(drop))
}

/// Deletes at most this many records a transaction, so that it stays short.
pub const PURGE_BATCH: u64 = 500;

/// Deletes at most [`PURGE_BATCH`] records from before a time. Returns how many: call again while it is that many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, Error> {
    let sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)";
    on!(tx, conn => sqlx::query(sql)
        .bind(before.micros())
        .bind(PURGE_BATCH.cast_signed())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))
}
