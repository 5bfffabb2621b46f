//! Changes of an account that its owner or an operator asks for. Each moves `updated_at`, so that other nodes notice.

use super::hash::marked;
use super::{UserRow, new_version, user_columns};
use crate::domain::account::Email;
use crate::domain::account::{FullName, User, UserId};
use crate::domain::password::PasswordHash;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx, readable};

/// Gives a user another name, or none. None: there is no such user.
pub async fn rename(tx: &mut Tx, id: UserId, name: Option<&FullName>, now: Timestamp) -> Result<Option<User>, Error> {
    let sql = concat!("UPDATE users SET full_name = $2, updated_at = $3 WHERE id = $1 RETURNING ", user_columns!(""));
    let row: Option<UserRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(id.0)
        .bind(name.map(FullName::as_str))
        .bind(now.micros())
        .fetch_optional(conn)
        .await)?;
    row.map(User::try_from).transpose()
}

/// Sets a password whose old one nobody has proved to know: a reset, or an operator. The user's row must be locked.
pub async fn set_password(tx: &mut Tx, id: UserId, hash: &PasswordHash, now: Timestamp) -> Result<(), Error> {
    let sql = concat!(
        "UPDATE users SET password_hash = ",
        marked!("$2"),
        ", updated_at = $3",
        new_version!(),
        " WHERE id = $1"
    );
    on!(tx, conn => sqlx::query(sql)
        .bind(id.0)
        .bind(hash.as_str())
        .bind(now.micros())
        .execute(conn)
        .await
        .map(drop))
}

/// Enables or disables an account; to disable it makes proofs from before void. The user's row must be locked.
pub async fn set_active(tx: &mut Tx, id: UserId, active: bool, now: Timestamp) -> Result<(), Error> {
    let sql = if active {
        "UPDATE users SET is_active = TRUE, updated_at = $2 WHERE id = $1"
    } else {
        concat!("UPDATE users SET is_active = FALSE, updated_at = $2", new_version!(), " WHERE id = $1")
    };
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(now.micros()).execute(conn).await.map(drop))
}

/// Notes that the failures counted against the account are forgiven. The user's row must be locked.
pub async fn unblock(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE users SET unblocked_at = $2, updated_at = $2 WHERE id = $1";
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(now.micros()).execute(conn).await.map(drop))
}

/// Whose failures were forgiven at or after a time, and when. Ask with some overlap: a transaction may commit later than its time.
pub async fn unblocked_since(tx: &mut Tx, since: Timestamp) -> Result<Vec<(Email, Timestamp)>, Error> {
    let sql = "SELECT email, unblocked_at FROM users WHERE updated_at >= $1 AND unblocked_at >= $1";
    let rows: Vec<(String, i64)> = on!(tx, conn => sqlx::query_as(sql).bind(since.micros()).fetch_all(conn).await)?;
    let email = |text: &str| Email::parse(text).map_err(|_| Error::Corrupt { table: "users", column: "email" });
    Ok(readable(rows.into_iter().map(|(text, at)| Ok((email(&text)?, Timestamp::from_micros(at))))))
}

/// Makes a user a superuser. The user's row must be locked.
pub async fn make_superuser(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE users SET is_superuser = TRUE, updated_at = $2 WHERE id = $1";
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(now.micros()).execute(conn).await.map(drop))
}

/// Locks the active superusers, in the order of their ids, so that of two removals at once one sees the other. Returns them.
pub async fn lock_superusers(tx: &mut Tx) -> Result<Vec<UserId>, Error> {
    let sql = tx.pick(
        "SELECT id FROM users WHERE is_superuser AND is_active ORDER BY id",
        "SELECT id FROM users WHERE is_superuser AND is_active ORDER BY id FOR UPDATE",
    );
    let ids: Vec<i64> = on!(tx, conn => sqlx::query_scalar(sql).fetch_all(conn).await)?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Erases a user with all sessions. Of the audit the user's id alone is kept: what happened to somebody, not where or how.
pub async fn erase(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    // The detail of an older record may be all that tells of an operator.
    let forget = "UPDATE audit SET actor = coalesce(actor, CASE detail WHEN 'operator' THEN detail END), \
                  session_id = NULL, ip = NULL, user_agent = NULL, detail = NULL WHERE user_id = $1";
    on!(tx, conn => sqlx::query(forget).bind(id.0).execute(conn).await.map(drop))?;
    let erase = "DELETE FROM users WHERE id = $1";
    on!(tx, conn => sqlx::query(erase).bind(id.0).execute(conn).await.map(drop))
}

/// Users in the order of their ids, from after one of them.
pub async fn list(tx: &mut Tx, after: UserId, limit: u32) -> Result<Vec<User>, Error> {
    let sql = concat!("SELECT ", user_columns!(""), " FROM users WHERE id > $1 ORDER BY id LIMIT $2");
    let rows: Vec<UserRow> =
        on!(tx, conn => sqlx::query_as(sql).bind(after.0).bind(i64::from(limit)).fetch_all(conn).await)?;
    rows.into_iter().map(User::try_from).collect()
}
