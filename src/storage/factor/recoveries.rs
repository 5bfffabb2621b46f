//! Removals of factors that are under way, at most one an account. The user's row must be locked by whoever changes one.

use sqlx::FromRow;

use crate::domain::account::UserId;
use crate::domain::factor::Recovery;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// The one of an account.
pub async fn recovery(tx: &mut Tx, id: UserId) -> Result<Option<Recovery>, Error> {
    let sql = "SELECT version, started_at, due_at FROM factor_recoveries WHERE user_id = $1";
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.0).fetch_optional(conn).await)?;
    Ok(row.map(|row| Recovery {
        version: row.version,
        started_at: Timestamp::from_micros(row.started_at),
        due_at: Timestamp::from_micros(row.due_at),
    }))
}

/// Begins one, in the place of another. Its owner is to be told again then.
pub async fn begin_recovery(tx: &mut Tx, id: UserId, recovery: &Recovery, next_at: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO factor_recoveries (user_id, version, started_at, due_at, next_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (user_id) DO UPDATE SET version = $2, started_at = $3, due_at = $4, next_at = $5";
    on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(recovery.version)
        .bind(recovery.started_at.micros())
        .bind(recovery.due_at.micros())
        .bind(next_at.micros())
        .execute(conn)
        .await
        .map(drop))
}

/// Ends it. False: there was none.
pub async fn end_recovery(tx: &mut Tx, id: UserId) -> Result<bool, Error> {
    let sql = "DELETE FROM factor_recoveries WHERE user_id = $1";
    let ended = on!(tx, conn => sqlx::query(sql).bind(id.0).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(ended > 0)
}

/// Whose owners are to be told by now, at most so many.
pub async fn recoveries_to_tell(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<UserId>, Error> {
    let sql = "SELECT user_id FROM factor_recoveries WHERE next_at <= $1 ORDER BY next_at LIMIT $2";
    let ids: Vec<i64> = on!(tx, conn => sqlx::query_scalar(sql)
        .bind(now.micros())
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await)?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Its owner is to be told again then. False: somebody else has told them, and there is another time.
pub async fn tell_recovery_at(tx: &mut Tx, id: UserId, next_at: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE factor_recoveries SET next_at = $2 WHERE user_id = $1 AND next_at <= $3";
    let moved = on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(next_at.micros())
        .bind(now.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(moved > 0)
}

#[derive(FromRow)]
struct Row {
    version: i64,
    started_at: i64,
    due_at: i64,
}
