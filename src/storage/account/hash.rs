//! The stored hash of a password, and the mark that it has while the account has a factor: `mfa$` before it.
//!
//! The version before knows no factors. It can't read a hash that is marked, and so refuses the password of whoever has one: beside this
//! version it lets nobody in with half. Whatever writes a hash keeps the mark.

use super::new_version;
use crate::domain::account::UserId;
use crate::domain::password::PasswordHash;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// A new hash, as it is stored in a row that keeps its mark.
macro_rules! marked {
    ($hash:literal) => {
        concat!("CASE WHEN substr(password_hash, 1, 4) = 'mfa$' THEN 'mfa$' || ", $hash, " ELSE ", $hash, " END")
    };
}
pub(super) use marked;

/// Sets a hash, where the old one is still the one that was verified; the arguments are what else is set, and the time.
macro_rules! put_hash {
    ($also:expr, $time:expr) => {
        concat!(
            "UPDATE users SET password_hash = ",
            marked!("$3"),
            $also,
            ", updated_at = ",
            $time,
            " WHERE id = $1 AND password_hash = $2"
        )
    };
}

/// Puts a new hash of the same password in the place of the old one. False: it is no longer the old one.
pub async fn replace_hash(tx: &mut Tx, id: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, Error> {
    let sql = tx.pick(put_hash!("", "$4"), put_hash!("", concat!("coalesce($4, ", postgres_clock!(), ")")));
    put_hash(tx, sql, id, old, new).await
}

/// Sets another password, whose old one somebody has proved to know. False: it is no longer the old one.
pub async fn change_password(tx: &mut Tx, id: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, Error> {
    let sql = tx.pick(
        put_hash!(new_version!(), "$4"),
        put_hash!(new_version!(), concat!("coalesce($4, ", postgres_clock!(), ")")),
    );
    put_hash(tx, sql, id, old, new).await
}

async fn put_hash(
    tx: &mut Tx,
    sql: &'static str,
    id: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, Error> {
    let time = tx.given_time();
    let changed = on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(old.as_str())
        .bind(new.as_str())
        .bind(time)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(changed > 0)
}

/// Marks an account, and gives it new credentials. The user's row must be locked.
pub(in crate::storage) async fn mark_factor(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<(), Error> {
    let sql = concat!(
        "UPDATE users SET password_hash = CASE WHEN substr(password_hash, 1, 4) = 'mfa$' THEN password_hash \
         ELSE 'mfa$' || password_hash END, updated_at = $2",
        new_version!(),
        " WHERE id = $1"
    );
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(now.micros()).execute(conn).await.map(drop))
}

/// Takes the mark away, and gives the account new credentials. The user's row must be locked.
pub(in crate::storage) async fn unmark_factor(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<(), Error> {
    let sql = concat!(
        "UPDATE users SET password_hash = CASE WHEN substr(password_hash, 1, 4) = 'mfa$' THEN substr(password_hash, 5) \
         ELSE password_hash END, updated_at = $2",
        new_version!(),
        " WHERE id = $1"
    );
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(now.micros()).execute(conn).await.map(drop))
}
