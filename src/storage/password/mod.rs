//! Password resets that wait to be used: at most one a user, stored as a hash.
//!
//! They are one-time tokens of purpose `reset`. Those in `password_resets` were made by the version before, which may stand beside this
//! one; the next release drops that table.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does: see Error")]

use super::mail::{self, TokenHash};
use super::{Error, Tx};
use crate::domain::account::UserId;
use crate::domain::mail::Purpose;
use crate::domain::timestamp::Timestamp;

/// Stores a reset; it takes the place of the user's earlier one. The user's row must be locked.
pub async fn put(
    tx: &mut Tx,
    user: UserId,
    token: &TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Error> {
    let void = "DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = 'reset' AND used_at IS NULL";
    on!(tx, conn => sqlx::query(void).bind(user.0).execute(conn).await.map(drop))?;
    let void = "DELETE FROM password_resets WHERE user_id = $1";
    on!(tx, conn => sqlx::query(void).bind(user.0).execute(conn).await.map(drop))?;
    let sql =
        "INSERT INTO one_time_tokens (hash, purpose, user_id, created_at, expires_at) VALUES ($1, 'reset', $2, $3, $4)";
    on!(tx, conn => sqlx::query(sql)
        .bind(&token[..])
        .bind(user.0)
        .bind(now.micros())
        .bind(expires_at.micros())
        .execute(conn)
        .await
        .map(drop))
}

/// Whose reset this is, if it waits and has not expired.
pub async fn find(tx: &mut Tx, token: &TokenHash, now: Timestamp) -> Result<Option<UserId>, Error> {
    let sql = "SELECT user_id FROM one_time_tokens \
               WHERE user_id IS NOT NULL AND hash = $1 AND purpose = 'reset' AND used_at IS NULL AND expires_at > $2 \
               UNION ALL SELECT user_id FROM password_resets WHERE token_hash = $1 AND expires_at > $2";
    let id: Option<i64> =
        on!(tx, conn => sqlx::query_scalar(sql).bind(&token[..]).bind(now.micros()).fetch_optional(conn).await)?;
    Ok(id.map(UserId))
}

/// Voids the user's reset, if one waits, and a change of the address that is under way: somebody has set a password.
pub async fn void(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for sql in [
        "DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose IN ('reset', 'email_change') AND used_at IS NULL",
        "DELETE FROM password_resets WHERE user_id = $1",
    ] {
        on!(tx, conn => sqlx::query(sql).bind(user.0).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// A reset that was used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// To which address it was mailed. None: an operator made it, and handed it over.
    pub mailed_to: Option<String>,
}

/// Uses a reset up. None: somebody has used or replaced it. The user's row must be locked.
pub async fn take(tx: &mut Tx, token: &TokenHash, now: Timestamp) -> Result<Option<Taken>, Error> {
    if let Some(token) = mail::take(tx, Purpose::Reset, token, now).await? {
        return Ok(Some(Taken { mailed_to: token.sent_to }));
    }
    let sql = "DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > $2";
    let changed = on!(tx, conn => sqlx::query(sql)
        .bind(&token[..])
        .bind(now.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok((changed > 0).then_some(Taken { mailed_to: None }))
}

/// Deletes one-time tokens, of any purpose, and spent ones that have expired by now; of each at most
/// [`PURGE_BATCH`](super::PURGE_BATCH), and none that somebody holds locked. Returns the larger number: call again while it is that many.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64, Error> {
    macro_rules! text {
        ($table:literal, $lock:literal) => {
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE hash IN (SELECT hash FROM ",
                $table,
                " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
                $lock,
                ")"
            )
        };
    }
    let tokens = tx.pick(text!("one_time_tokens", ""), text!("one_time_tokens", " FOR UPDATE SKIP LOCKED"));
    let spent = tx.pick(text!("spent", ""), text!("spent", " FOR UPDATE SKIP LOCKED"));
    Ok(tx.delete_batch(tokens, now).await?.max(tx.delete_batch(spent, now).await?))
}
