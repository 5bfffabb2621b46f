//! Factors beside the password. Whatever changes them takes the user's row first, and gives the account new credentials.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

mod first;
mod recoveries;
mod recovery;
mod totp;

pub use first::{forget_code, give_code, given_code};
pub use recoveries::{begin_recovery, end_recovery, recoveries_to_tell, recovery, tell_recovery_at};
pub use recovery::{NewRecoveryCode, StoredRecoveryCode, recovery_codes, replace_recovery_codes, use_recovery_code};
pub use totp::{
    Pending, StoredTotp, activate, keep_pending, pending, purge, remove, reseal, sealed_by_others, sealing_keys, totp,
    use_step,
};

use super::{Error, Tx};
use crate::domain::account::UserId;
use crate::domain::factor::Enrolled;
use crate::domain::timestamp::Timestamp;

/// What an account has, and which credentials it has then: whoever goes on with that by `record_login` finds out whether it still holds.
/// None: there is no such account, or it is disabled.
pub async fn standing(tx: &mut Tx, id: UserId, not_before: Timestamp) -> Result<Option<(Enrolled, i64)>, Error> {
    let sql = "SELECT u.credentials_version, \
               (SELECT count(*) FROM totp AS t WHERE t.user_id = u.id), \
               (SELECT count(*) FROM recovery_codes AS r WHERE r.user_id = u.id AND r.used_at IS NULL AND r.created_at >= $2) \
               FROM users AS u WHERE u.id = $1 AND u.is_active";
    let row: Option<(i64, i64, i64)> =
        on!(tx, conn => sqlx::query_as(sql).bind(id.0).bind(not_before.micros()).fetch_optional(conn).await)?;
    Ok(row.map(|(version, totp, codes)| {
        (Enrolled { totp: totp > 0, recovery_codes: u32::try_from(codes).unwrap_or(u32::MAX) }, version)
    }))
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
