//! Addresses of accounts: those that they have, and those that they have left.

use std::time::Duration;

use super::{UserRow, id_of, new_version, user_columns};
use crate::domain::account::{Email, User, UserId};
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// How long nobody else may take an address that an account has left.
const RESERVED: Duration = Duration::from_hours(30 * 24);

/// Notes that the account's address is confirmed; when it was first confirmed stays. The user's row must be locked.
pub async fn confirm_email(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE users SET email_verified_at = coalesce(email_verified_at, $2), updated_at = $2 WHERE id = $1";
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(now.micros()).execute(conn).await.map(drop))
}

/// Gives an account another address, which makes proofs from before void. None: another account has it. The user's row must be locked.
pub async fn set_email(
    tx: &mut Tx,
    id: UserId,
    email: &Email,
    verified_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<User>, Error> {
    let sql = concat!(
        "UPDATE users SET email = $2, email_verified_at = $3, updated_at = $4",
        new_version!(),
        " WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM users WHERE email = $2 AND id <> $1) RETURNING ",
        user_columns!("")
    );
    let row: Option<UserRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(id.0)
        .bind(email.as_str())
        .bind(verified_at.map(Timestamp::micros))
        .bind(now.micros())
        .fetch_optional(conn)
        .await)
    .map_err(Error::raced)?;
    row.map(User::try_from).transpose()
}

/// Keeps an address that an account has left from all others, for a while. The user's row must be locked.
pub async fn reserve_left(tx: &mut Tx, id: UserId, email: &Email, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO left_addresses (email, user_id, left_at, reserved_until) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (email) DO UPDATE SET user_id = excluded.user_id, left_at = excluded.left_at, \
               reserved_until = excluded.reserved_until";
    on!(tx, conn => sqlx::query(sql)
        .bind(email.as_str())
        .bind(id.0)
        .bind(now.micros())
        .bind((now + RESERVED).micros())
        .execute(conn)
        .await
        .map(drop))
}

/// Who has left an address that is still reserved, and when.
pub async fn left(tx: &mut Tx, email: &Email, now: Timestamp) -> Result<Option<(UserId, Timestamp)>, Error> {
    let sql = "SELECT user_id, left_at FROM left_addresses WHERE email = $1 AND reserved_until > $2";
    let row: Option<(i64, i64)> =
        on!(tx, conn => sqlx::query_as(sql).bind(email.as_str()).bind(now.micros()).fetch_optional(conn).await)?;
    Ok(row.map(|(id, at)| (UserId(id), Timestamp::from_micros(at))))
}

/// Whose an address is: who has it, or has left it not long ago.
pub async fn owner(tx: &mut Tx, email: &Email, now: Timestamp) -> Result<Option<UserId>, Error> {
    let (has, left) = (id_of(tx, email).await?, left(tx, email, now).await?);
    Ok(has.or(left.map(|(id, _)| id)))
}

/// The addresses that an account has left and that are still reserved, and when it did.
pub async fn left_by(tx: &mut Tx, id: UserId) -> Result<Vec<(String, Timestamp)>, Error> {
    let sql = "SELECT email, left_at FROM left_addresses WHERE user_id = $1 ORDER BY left_at";
    let rows: Vec<(String, i64)> = on!(tx, conn => sqlx::query_as(sql).bind(id.0).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|(email, at)| (email, Timestamp::from_micros(at))).collect())
}

/// Forgets that an address was left: its account has it again.
pub async fn forget_left(tx: &mut Tx, email: &Email) -> Result<(), Error> {
    let sql = "DELETE FROM left_addresses WHERE email = $1";
    on!(tx, conn => sqlx::query(sql).bind(email.as_str()).execute(conn).await.map(drop))
}

/// Deletes at most [`PURGE_BATCH`](crate::storage::PURGE_BATCH) addresses that are reserved no more. Returns how many: call again while
/// it is that many.
pub async fn purge_left(tx: &mut Tx, now: Timestamp) -> Result<u64, Error> {
    let sql = "DELETE FROM left_addresses WHERE email IN \
               (SELECT email FROM left_addresses WHERE reserved_until <= $1 ORDER BY reserved_until LIMIT $2)";
    tx.delete_batch(sql, now).await
}

/// Closes an account that is to be erased at a time: nobody can log in to it. The user's row must be locked.
pub async fn plan_erasure(tx: &mut Tx, id: UserId, at: Timestamp, now: Timestamp) -> Result<(), Error> {
    let sql =
        concat!("UPDATE users SET is_active = FALSE, erase_at = $2, updated_at = $3", new_version!(), " WHERE id = $1");
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(at.micros()).bind(now.micros()).execute(conn).await.map(drop))
}

/// Opens an account again that was to be erased; one that an operator has disabled stays so. The user's row must be locked.
pub async fn call_off_erasure(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<(), Error> {
    let sql =
        "UPDATE users SET is_active = TRUE, erase_at = NULL, updated_at = $2 WHERE id = $1 AND erase_at IS NOT NULL";
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(now.micros()).execute(conn).await.map(drop))
}

/// A few accounts whose time to be erased has come.
pub async fn due_erasures(tx: &mut Tx, now: Timestamp) -> Result<Vec<UserId>, Error> {
    let sql = "SELECT id FROM users WHERE erase_at <= $1 ORDER BY erase_at LIMIT 100";
    let ids: Vec<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(now.micros()).fetch_all(conn).await)?;
    Ok(ids.into_iter().map(UserId).collect())
}
