//! Recovery codes.

use crate::domain::account::UserId;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// A code that is to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecoveryCode {
    /// Random.
    pub salt: [u8; 16],
    /// SHA-256 of the salt and the code.
    pub hash: [u8; 32],
}

/// A code as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecoveryCode {
    /// Of its row.
    pub salt: [u8; 16],
    /// SHA-256 of the salt and the code.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used. None: it is good.
    pub used_at: Option<Timestamp>,
}

/// All of an account, the used ones too.
pub async fn recovery_codes(tx: &mut Tx, id: UserId) -> Result<Vec<StoredRecoveryCode>, Error> {
    let sql = "SELECT salt, hash, created_at, used_at FROM recovery_codes WHERE user_id = $1 ORDER BY salt";
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.0).fetch_all(conn).await)?;
    let code = |(salt, hash, created_at, used_at): Row| {
        Ok(StoredRecoveryCode {
            salt: salt.try_into().map_err(|_| corrupt("salt"))?,
            hash: hash.try_into().map_err(|_| corrupt("hash"))?,
            created_at: Timestamp::from_micros(created_at),
            used_at: used_at.map(Timestamp::from_micros),
        })
    };
    rows.into_iter().map(code).collect()
}

/// Puts new codes in the place of all that there are. The user's row must be locked.
pub async fn replace_recovery_codes(
    tx: &mut Tx,
    id: UserId,
    codes: &[NewRecoveryCode],
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "DELETE FROM recovery_codes WHERE user_id = $1";
    on!(tx, conn => sqlx::query(sql).bind(id.0).execute(conn).await.map(drop))?;
    let sql = "INSERT INTO recovery_codes (user_id, salt, hash, created_at) VALUES ($1, $2, $3, $4)";
    for code in codes {
        on!(tx, conn => sqlx::query(sql)
            .bind(id.0)
            .bind(&code.salt[..])
            .bind(&code.hash[..])
            .bind(now.micros())
            .execute(conn)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// Uses up the code of this row. False: it was used before, or replaced.
pub async fn use_recovery_code(tx: &mut Tx, id: UserId, salt: &[u8; 16], now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND salt = $2 AND used_at IS NULL";
    let used = on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(&salt[..])
        .bind(now.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(used > 0)
}

/// Salt, hash, when it was made, when it was used.
type Row = (Vec<u8>, Vec<u8>, i64, Option<i64>);

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: "recovery_codes", column }
}
