//! The audit: records are appended and never changed.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

use sqlx::FromRow;

use super::{Error, Page, Tx, readable};
use crate::domain::account::UserId;
use crate::domain::audit::{Actor, Entry, Event, Record};
use crate::domain::session::SessionId;
use crate::domain::timestamp::Timestamp;

/// Appends a record, in the transaction of what it tells of.
pub async fn append(tx: &mut Tx, record: &Record, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO audit (at, event, actor, user_id, session_id, ip, user_agent, detail) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    on!(tx, conn => sqlx::query(sql)
        .bind(now.micros())
        .bind(record.event.as_str())
        .bind(record.actor.as_str())
        .bind(record.user_id.map(|id| id.0))
        .bind(record.session_id.as_ref().map(|id| &id.0[..]))
        .bind(record.ip.map(|ip| ip.to_string()))
        .bind(record.user_agent.as_deref())
        .bind(record.detail.as_deref())
        .execute(conn)
        .await
        .map(drop))
}

/// Deletes at most [`PURGE_BATCH`](super::PURGE_BATCH) records from before a time. Returns how many: call again while it is that many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, Error> {
    let sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)";
    tx.delete_batch(sql, before).await
}

/// Records about a user, the oldest first, from after one of them.
pub async fn page_of_user(
    tx: &mut Tx,
    user: UserId,
    after: Option<(Timestamp, i64)>,
    limit: u32,
) -> Result<Page<Entry, (Timestamp, i64)>, Error> {
    let sql = "SELECT id, at, event, actor, user_id, session_id, ip, user_agent, detail FROM audit \
               WHERE user_id = $1 AND (at, id) > ($2, $3) ORDER BY at, id LIMIT $4";
    let (at, id) = after.map_or((i64::MIN, 0), |(at, id)| (at.micros(), id));
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(user.0)
        .bind(at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await)?;
    let last = rows.last().map(|row| (Timestamp::from_micros(row.at), row.id));
    Ok(Page { items: readable(rows.into_iter().map(Entry::try_from)), last })
}

/// A record as it is stored.
#[derive(FromRow)]
struct Row {
    id: i64,
    at: i64,
    event: String,
    actor: Option<String>,
    user_id: Option<i64>,
    session_id: Option<Vec<u8>>,
    ip: Option<String>,
    user_agent: Option<String>,
    detail: Option<String>,
}

impl TryFrom<Row> for Entry {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let corrupt = |column| Error::Corrupt { table: "audit", column };
        let session_id = row.session_id.map(|id| id.try_into().map(SessionId)).transpose();
        let record = Record {
            event: Event::read(&row.event),
            actor: Actor::read(row.actor.as_deref(), row.detail.as_deref()),
            user_id: row.user_id.map(UserId),
            session_id: session_id.map_err(|_| corrupt("session_id"))?,
            ip: row.ip.map(|ip| ip.parse()).transpose().map_err(|_| corrupt("ip"))?,
            user_agent: row.user_agent,
            detail: row.detail,
        };
        Ok(Self { at: Timestamp::from_micros(row.at), record })
    }
}
