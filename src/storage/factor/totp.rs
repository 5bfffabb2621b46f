//! Authenticator apps: the active one, and the one that is being set up.

use sqlx::FromRow;

use super::settle;
use crate::domain::account::UserId;
use crate::domain::factor::Step;
use crate::domain::session::KeyId;
use crate::domain::timestamp::Timestamp;
use crate::platform::sealed::Sealed;
use crate::storage::account::mark_factor;
use crate::storage::{Error, Tx};

/// The authenticator app of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTotp {
    /// What it shares with the service.
    pub secret: Sealed,
    /// The step of the last code that was used.
    pub last_step: Step,
    /// When it was confirmed.
    pub created_at: Timestamp,
    /// When a code of it was used last.
    pub last_used_at: Timestamp,
}

/// One that is being set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The session or the ticket that it was shown to: nobody else confirms it.
    pub bound_to: [u8; 16],
    /// What it will share with the service.
    pub secret: Sealed,
    /// How long it can be confirmed.
    pub expires_at: Timestamp,
}

/// The active one.
pub async fn totp(tx: &mut Tx, id: UserId) -> Result<Option<StoredTotp>, Error> {
    let sql = "SELECT secret, key_id, last_step, created_at, last_used_at FROM totp WHERE user_id = $1";
    let row: Option<TotpRow> = on!(tx, conn => sqlx::query_as(sql).bind(id.0).fetch_optional(conn).await)?;
    row.map(|row| {
        Ok(StoredTotp {
            secret: Sealed { key_id: key_id(row.key_id)?, bytes: row.secret },
            last_step: row.last_step,
            created_at: Timestamp::from_micros(row.created_at),
            last_used_at: Timestamp::from_micros(row.last_used_at),
        })
    })
    .transpose()
}

/// Uses up the code of a step. False: it, or a later one, was used before.
pub async fn use_step(tx: &mut Tx, id: UserId, step: Step, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE totp SET last_step = $2, last_used_at = $3 WHERE user_id = $1 AND last_step < $2";
    let used = on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(step)
        .bind(now.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(used > 0)
}

/// Keeps a secret that was shown; it takes the place of an earlier one. The user's row must be locked.
pub async fn keep_pending(tx: &mut Tx, id: UserId, pending: &Pending) -> Result<(), Error> {
    let sql = "INSERT INTO totp_pending (user_id, bound_to, secret, key_id, expires_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (user_id) DO UPDATE SET bound_to = $2, secret = $3, key_id = $4, expires_at = $5";
    on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(&pending.bound_to[..])
        .bind(&pending.secret.bytes)
        .bind(&pending.secret.key_id[..])
        .bind(pending.expires_at.micros())
        .execute(conn)
        .await
        .map(drop))
}

/// The one that is being set up, if it can still be confirmed by whoever holds this.
pub async fn pending(tx: &mut Tx, id: UserId, bound_to: &[u8; 16], now: Timestamp) -> Result<Option<Pending>, Error> {
    let sql = "SELECT bound_to, secret, key_id, expires_at FROM totp_pending \
               WHERE user_id = $1 AND bound_to = $2 AND expires_at > $3";
    let row: Option<PendingRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(id.0)
        .bind(&bound_to[..])
        .bind(now.micros())
        .fetch_optional(conn)
        .await)?;
    row.map(|row| {
        Ok(Pending {
            bound_to: row.bound_to.try_into().map_err(|_| corrupt("bound_to"))?,
            secret: Sealed { key_id: key_id(row.key_id)?, bytes: row.secret },
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    })
    .transpose()
}

/// Makes the pending one the active one, in the place of the one before; the code of this step is used up by that. The user's row must be
/// locked.
pub async fn activate(tx: &mut Tx, id: UserId, secret: &Sealed, step: Step, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO totp (user_id, secret, key_id, last_step, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $5) \
               ON CONFLICT (user_id) DO UPDATE SET secret = $2, key_id = $3, last_step = $4, created_at = $5, last_used_at = $5";
    on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(&secret.bytes)
        .bind(&secret.key_id[..])
        .bind(step)
        .bind(now.micros())
        .execute(conn)
        .await
        .map(drop))?;
    forget_pending(tx, id).await?;
    mark_factor(tx, id, now).await
}

/// Removes the app, and with it, where it is the last factor, what stands in its place. False: there was none. The user's row must be locked.
pub async fn remove_totp(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool, Error> {
    let sql = "DELETE FROM totp WHERE user_id = $1";
    let removed = on!(tx, conn => sqlx::query(sql).bind(id.0).execute(conn).await.map(|done| done.rows_affected()))?;
    if removed == 0 {
        return Ok(false);
    }
    forget_pending(tx, id).await?;
    settle(tx, id, now).await?;
    Ok(true)
}

async fn forget_pending(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    let sql = "DELETE FROM totp_pending WHERE user_id = $1";
    on!(tx, conn => sqlx::query(sql).bind(id.0).execute(conn).await.map(drop))
}

/// Some of the secrets that another key than this seals: whose they are.
pub async fn sealed_by_others(
    tx: &mut Tx,
    current: KeyId,
    after: UserId,
    limit: u32,
) -> Result<Vec<(UserId, Sealed)>, Error> {
    let sql = "SELECT user_id, secret, key_id FROM totp WHERE key_id <> $1 AND user_id > $2 ORDER BY user_id LIMIT $3";
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = on!(tx, conn => sqlx::query_as(sql)
        .bind(&current[..])
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await)?;
    rows.into_iter().map(|(id, bytes, key)| Ok((UserId(id), Sealed { key_id: key_id(key)?, bytes }))).collect()
}

/// Puts the same secret, sealed by another key, in the place of this one, if it is still there.
pub async fn reseal(tx: &mut Tx, id: UserId, old: &Sealed, new: &Sealed) -> Result<(), Error> {
    let sql = "UPDATE totp SET secret = $3, key_id = $4 WHERE user_id = $1 AND secret = $2";
    on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(&old.bytes)
        .bind(&new.bytes)
        .bind(&new.key_id[..])
        .execute(conn)
        .await
        .map(drop))
}

/// How many secrets each key seals.
pub async fn sealing_keys(tx: &mut Tx) -> Result<Vec<(KeyId, u64)>, Error> {
    let sql = "SELECT key_id, count(*) FROM totp GROUP BY key_id ORDER BY key_id";
    let rows: Vec<(Vec<u8>, i64)> = on!(tx, conn => sqlx::query_as(sql).fetch_all(conn).await)?;
    rows.into_iter().map(|(key, count)| Ok((key_id(key)?, count.cast_unsigned()))).collect()
}

/// Deletes those that nobody has confirmed in time, at most [`PURGE_BATCH`](crate::storage::PURGE_BATCH). Returns how many.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64, Error> {
    macro_rules! text {
        ($lock:literal) => {
            concat!(
                "DELETE FROM totp_pending WHERE user_id IN \
                 (SELECT user_id FROM totp_pending WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
                $lock,
                ")"
            )
        };
    }
    let sql = tx.pick(text!(""), text!(" FOR UPDATE SKIP LOCKED"));
    tx.delete_batch(sql, now).await
}

#[derive(FromRow)]
struct TotpRow {
    secret: Vec<u8>,
    key_id: Vec<u8>,
    last_step: i64,
    created_at: i64,
    last_used_at: i64,
}

#[derive(FromRow)]
struct PendingRow {
    bound_to: Vec<u8>,
    secret: Vec<u8>,
    key_id: Vec<u8>,
    expires_at: i64,
}

fn key_id(bytes: Vec<u8>) -> Result<KeyId, Error> {
    bytes.try_into().map_err(|_| corrupt("key_id"))
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: "totp", column }
}
