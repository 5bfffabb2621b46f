//! Password resets that wait to be used: at most one a user, stored as a hash.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does: see Error")]

use super::{Error, Tx};
use crate::domain::account::UserId;
use crate::domain::timestamp::Timestamp;

/// SHA-256 of a reset token.
pub type TokenHash = [u8; 32];

/// Stores a reset; it takes the place of the user's earlier one.
pub async fn put(tx: &mut Tx, user: UserId, token: &TokenHash, expires_at: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO password_resets (user_id, token_hash, expires_at) VALUES ($1, $2, $3) \
               ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at";
    on!(tx, conn => sqlx::query(sql)
        .bind(user.0)
        .bind(&token[..])
        .bind(expires_at.micros())
        .execute(conn)
        .await
        .map(drop))
}

/// Whose reset this is, if it waits and has not expired.
pub async fn find(tx: &mut Tx, token: &TokenHash, now: Timestamp) -> Result<Option<UserId>, Error> {
    let sql = "SELECT user_id FROM password_resets WHERE token_hash = $1 AND expires_at > $2";
    let id: Option<i64> =
        on!(tx, conn => sqlx::query_scalar(sql).bind(&token[..]).bind(now.micros()).fetch_optional(conn).await)?;
    Ok(id.map(UserId))
}

/// Voids the user's reset, if one waits: somebody has set a password without it.
pub async fn void(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let sql = "DELETE FROM password_resets WHERE user_id = $1";
    on!(tx, conn => sqlx::query(sql).bind(user.0).execute(conn).await.map(drop))
}

/// Uses a reset up. False: somebody has used or replaced it. The user's row must be locked.
pub async fn take(tx: &mut Tx, token: &TokenHash, now: Timestamp) -> Result<bool, Error> {
    let sql = "DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > $2";
    let deleted = on!(tx, conn => sqlx::query(sql)
        .bind(&token[..])
        .bind(now.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(deleted > 0)
}
