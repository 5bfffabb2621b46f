//! Factors beside the password. Whatever changes them takes the user's row first, and gives the account new credentials.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

mod first;
mod passkey;
mod recoveries;
mod recovery;
mod totp;

pub use first::{forget_code, give_code, given_code};
pub use passkey::{
    add_passkey, keep_user_handle, other_domain, passkey, passkeys, remove_passkey, rename_passkey, use_passkey,
    user_handle,
};
pub use recoveries::{begin_recovery, end_recovery, recoveries_to_tell, recovery, tell_recovery_at};
pub use recovery::{NewRecoveryCode, StoredRecoveryCode, recovery_codes, replace_recovery_codes, use_recovery_code};
pub use totp::{
    Pending, StoredTotp, activate, keep_pending, pending, purge, remove_totp, reseal, sealed_by_others, sealing_keys,
    totp, use_step,
};

use super::account::{mark_factor, unmark_factor};
use super::{Error, Tx};
use crate::domain::account::UserId;
use crate::domain::factor::Enrolled;
use crate::domain::timestamp::Timestamp;

/// What an account has, and which credentials it has then: whoever goes on with that by `record_login` finds out whether it still holds.
/// None: there is no such account, or it is disabled.
pub async fn standing(tx: &mut Tx, id: UserId, not_before: Timestamp) -> Result<Option<(Enrolled, i64)>, Error> {
    let sql = "SELECT u.credentials_version, \
               (SELECT count(*) FROM totp AS t WHERE t.user_id = u.id), \
               (SELECT count(*) FROM passkeys AS p WHERE p.user_id = u.id), \
               (SELECT count(*) FROM recovery_codes AS r WHERE r.user_id = u.id AND r.used_at IS NULL AND r.created_at >= $2) \
               FROM users AS u WHERE u.id = $1 AND u.is_active";
    let row: Option<(i64, i64, i64, i64)> =
        on!(tx, conn => sqlx::query_as(sql).bind(id.0).bind(not_before.micros()).fetch_optional(conn).await)?;
    Ok(row.map(|(version, totp, passkeys, codes)| {
        let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        (Enrolled { totp: totp > 0, passkeys: count(passkeys), recovery_codes: count(codes) }, version)
    }))
}

/// Removes all of an account. False: there was none. The user's row must be locked.
pub async fn remove_all(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool, Error> {
    let mut removed = 0;
    for sql in ["DELETE FROM totp WHERE user_id = $1", "DELETE FROM passkeys WHERE user_id = $1"] {
        removed += on!(tx, conn => sqlx::query(sql).bind(id.0).execute(conn).await.map(|done| done.rows_affected()))?;
    }
    if removed > 0 {
        settle(tx, id, now).await?;
    }
    Ok(removed > 0)
}

/// After a factor has gone: with the last one goes what stands in its place, and the mark. New credentials in any case.
async fn settle(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<(), Error> {
    let sql =
        "SELECT (SELECT count(*) FROM totp WHERE user_id = $1) + (SELECT count(*) FROM passkeys WHERE user_id = $1)";
    let left: i64 = on!(tx, conn => sqlx::query_scalar(sql).bind(id.0).fetch_one(conn).await)?;
    if left > 0 {
        return mark_factor(tx, id, now).await;
    }
    for sql in ["DELETE FROM totp_pending WHERE user_id = $1", "DELETE FROM recovery_codes WHERE user_id = $1"] {
        on!(tx, conn => sqlx::query(sql).bind(id.0).execute(conn).await.map(drop))?;
    }
    unmark_factor(tx, id, now).await
}

/// Remembers a signed token that was used. False: it was used before.
pub async fn spend(tx: &mut Tx, hash: &[u8; 32], expires_at: Timestamp) -> Result<bool, Error> {
    let sql = "INSERT INTO spent (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    let written = on!(tx, conn => sqlx::query(sql)
        .bind(&hash[..])
        .bind(expires_at.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(written > 0)
}

/// Whether a signed token was used.
pub async fn is_spent(tx: &mut Tx, hash: &[u8; 32]) -> Result<bool, Error> {
    let sql = "SELECT count(*) FROM spent WHERE hash = $1";
    let count: i64 = on!(tx, conn => sqlx::query_scalar(sql).bind(&hash[..]).fetch_one(conn).await)?;
    Ok(count > 0)
}
