//! Limits that hold across nodes: the log of each key is a row, decided on under its lock.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

use super::{Error, Tx};
use crate::domain::throttle::{Log, Rule, Throttled};
use crate::domain::timestamp::Timestamp;

/// A keyed hash of what is counted: no address and no email is stored.
pub type Key = [u8; 16];

/// An attempt asks for a place under this key.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What is counted.
    pub key: Key,
    /// How often it may be.
    pub rule: Rule,
}

/// What became of the claims of an attempt.
#[derive(Clone, Debug)]
pub struct Decision {
    /// When each was admitted; or the first refusal, for which nothing was taken of the others either.
    pub outcome: Result<Vec<Timestamp>, Throttled>,
    /// The log of each claim as it is now.
    pub logs: Vec<Log>,
}

/// Takes a place for every claim, or none at all.
pub async fn reserve(tx: &mut Tx, claims: &[Claim]) -> Result<Decision, Error> {
    let mut logs = Vec::with_capacity(claims.len());
    let mut now = Timestamp::EPOCH;
    for claim in claims {
        let (log, locked_at) = lock(tx, claim.key).await?;
        logs.push(log);
        now = locked_at;
    }
    let mut taken = logs.clone();
    let places = claims.iter().zip(&mut taken).map(|(claim, log)| claim.rule.reserve(log, now));
    let outcome: Result<Vec<_>, _> = places.collect();
    if outcome.is_err() {
        return Ok(Decision { outcome, logs });
    }
    for (claim, log) in claims.iter().zip(&taken) {
        put(tx, claim.key, log, now + claim.rule.limit.window).await?;
    }
    Ok(Decision { outcome, logs: taken })
}

/// Gives back the place that was taken at this time.
pub async fn refund(tx: &mut Tx, claim: Claim, at: Timestamp) -> Result<(), Error> {
    let (mut log, now) = lock(tx, claim.key).await?;
    log.refund(at);
    put(tx, claim.key, &log, now + claim.rule.limit.window).await
}

/// Forgets everything that was counted under a key.
pub async fn forget(tx: &mut Tx, key: Key) -> Result<(), Error> {
    let sql = "DELETE FROM throttle WHERE key = $1";
    on!(tx, conn => sqlx::query(sql).bind(&key[..]).execute(conn).await.map(drop))
}

/// Deletes at most [`PURGE_BATCH`](super::PURGE_BATCH) rows in which nothing has counted since before a time; leaves out those that somebody holds
/// locked. Returns how many: call again while it is that many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, Error> {
    let sql = tx.pick(
        "DELETE FROM throttle WHERE key IN (SELECT key FROM throttle WHERE expires_at < $1 LIMIT $2)",
        "DELETE FROM throttle WHERE key IN (SELECT key FROM throttle WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
    );
    tx.delete_batch(sql, before).await
}

/// Locks the row of a key, which is made where there is none. Returns its log, and the time after the lock was had.
async fn lock(tx: &mut Tx, key: Key) -> Result<(Log, Timestamp), Error> {
    macro_rules! text {
        ($empty:literal, $now:expr) => {
            concat!(
                "INSERT INTO throttle (key, log, expires_at) VALUES ($1, ",
                $empty,
                ", 0) ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING log, ",
                $now
            )
        };
    }
    let sql =
        tx.pick(text!("x''", "$2 AS now"), text!("''::bytea", concat!("coalesce($2, ", postgres_clock!(), ") AS now")));
    let time = tx.given_time();
    let (log, now): (Vec<u8>, i64) =
        on!(tx, conn => sqlx::query_as(sql).bind(&key[..]).bind(time).fetch_one(conn).await)?;
    let (times, rest) = log.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Error::Corrupt { table: "throttle", column: "log" });
    }
    let times = times.iter().map(|bytes| Timestamp::from_micros(i64::from_be_bytes(*bytes)));
    Ok((Log::of(times.collect()), Timestamp::from_micros(now)))
}

async fn put(tx: &mut Tx, key: Key, log: &Log, expires_at: Timestamp) -> Result<(), Error> {
    let bytes: Vec<u8> = log.times().iter().flat_map(|at| at.micros().to_be_bytes()).collect();
    let sql = "UPDATE throttle SET log = $2, expires_at = $3 WHERE key = $1";
    on!(tx, conn => sqlx::query(sql)
        .bind(&key[..])
        .bind(bytes)
        .bind(expires_at.micros())
        .execute(conn)
        .await
        .map(drop))
}
