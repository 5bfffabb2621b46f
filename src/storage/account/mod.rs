//! The accounts.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

mod address;
mod change;
mod hash;

use sqlx::FromRow;

use super::{Error, Tx};
use crate::domain::account::Email;
use crate::domain::account::{ExternalId, FullName, User, UserId};
use crate::domain::password::PasswordHash;
use crate::domain::timestamp::Timestamp;
pub use address::{
    call_off_erasure, confirm_email, due_erasures, forget_left, left, left_by, owner, plan_erasure, purge_left,
    reserve_left, set_email,
};
pub use change::{
    erase, list, lock_superusers, make_superuser, rename, set_active, set_password, unblock, unblocked_since,
};
pub use hash::{change_password, replace_hash};
pub(super) use hash::{mark_factor, unmark_factor};

/// The columns of a [`UserRow`]; the argument is the table's alias and a dot, or empty.
macro_rules! user_columns {
    ($table:literal) => {
        concat!(
            $table,
            "id AS u_id, ",
            $table,
            "email AS u_email, ",
            $table,
            "email_verified_at AS u_email_verified_at, ",
            $table,
            "full_name AS u_full_name, ",
            $table,
            "is_active AS u_is_active, ",
            $table,
            "is_superuser AS u_is_superuser, ",
            $table,
            "created_at AS u_created_at, ",
            $table,
            "last_login AS u_last_login, ",
            $table,
            "external_id AS u_external_id"
        )
    };
}

pub(super) use user_columns;

/// Makes proofs from before void: `users.credentials_version`.
macro_rules! new_version {
    () => {
        ", credentials_version = credentials_version + 1"
    };
}
use new_version;

/// What is needed to make an account.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Unique.
    pub email: Email,
    /// If they told it.
    pub full_name: Option<FullName>,
    /// Of the password they chose.
    pub password_hash: PasswordHash,
}

/// A user and what proves to be them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// The stored hash.
    pub password_hash: PasswordHash,
    /// `users.credentials_version`: moved by whatever makes proofs from before void.
    pub version: i64,
}

/// A user whose row nobody else can change until this transaction ends.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The account.
    pub user: User,
    /// The stored hash.
    pub password_hash: PasswordHash,
    /// `users.credentials_version`.
    pub version: i64,
    /// The time after the lock was had.
    pub now: Timestamp,
}

/// Makes an active account. None: the address is taken.
pub async fn insert(tx: &mut Tx, new: &NewUser, now: Timestamp) -> Result<Option<User>, Error> {
    let sql = concat!(
        "INSERT INTO users (email, full_name, password_hash, is_active, is_superuser, created_at, updated_at) ",
        "VALUES ($1, $2, $3, TRUE, FALSE, $4, $4) ON CONFLICT (email) DO NOTHING RETURNING ",
        user_columns!("")
    );
    let row: Option<UserRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(new.email.as_str())
        .bind(new.full_name.as_ref().map(FullName::as_str))
        .bind(new.password_hash.as_str())
        .bind(now.micros())
        .fetch_optional(conn)
        .await)?;
    row.map(User::try_from).transpose()
}

/// Finds a user.
pub async fn by_id(tx: &mut Tx, id: UserId) -> Result<Option<User>, Error> {
    let sql = concat!("SELECT ", user_columns!(""), " FROM users WHERE id = $1");
    let row: Option<UserRow> = on!(tx, conn => sqlx::query_as(sql).bind(id.0).fetch_optional(conn).await)?;
    row.map(User::try_from).transpose()
}

/// The id behind an address.
pub async fn id_of(tx: &mut Tx, email: &Email) -> Result<Option<UserId>, Error> {
    let sql = "SELECT id FROM users WHERE email = $1";
    let id: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(email.as_str()).fetch_optional(conn).await)?;
    Ok(id.map(UserId))
}

/// Finds whom a login speaks of.
pub async fn credentials(tx: &mut Tx, email: &Email) -> Result<Option<Credentials>, Error> {
    let sql = concat!("SELECT password_hash, credentials_version, ", user_columns!(""), " FROM users WHERE email = $1");
    let row: Option<CredentialsRow> =
        on!(tx, conn => sqlx::query_as(sql).bind(email.as_str()).fetch_optional(conn).await)?;
    row.map(|row| {
        Ok(Credentials {
            user: row.user.try_into()?,
            password_hash: PasswordHash::new(row.password_hash),
            version: row.credentials_version,
        })
    })
    .transpose()
}

/// Locks a user's row: what everything does first that makes or ends sessions.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<Locked>, Error> {
    let sql = tx.pick(
        concat!("SELECT password_hash, credentials_version, $2 AS now, ", user_columns!(""), " FROM users WHERE id = $1"),
        concat!(
            "WITH locked AS MATERIALIZED (SELECT * FROM users WHERE id = $1 FOR UPDATE) SELECT password_hash, credentials_version, coalesce($2, ",
            postgres_clock!(),
            ") AS now, ",
            user_columns!(""),
            " FROM locked"
        ),
    );
    let time = tx.given_time();
    let row: Option<LockedRow> = on!(tx, conn => sqlx::query_as(sql).bind(id.0).bind(time).fetch_optional(conn).await)?;
    row.map(|row| {
        Ok(Locked {
            user: row.user.try_into()?,
            password_hash: PasswordHash::new(row.password_hash),
            version: row.credentials_version,
            now: Timestamp::from_micros(row.now),
        })
    })
    .transpose()
}

/// Locks the user's row and writes the login down, if they are active, and hash and credentials are still those that were looked at:
/// between the two somebody may have changed the password (of the versions before some move the hash alone), or enrolled a factor. Returns the user and the time of the login, taken after the lock.
pub async fn record_login(
    tx: &mut Tx,
    id: UserId,
    (verified, version): (&PasswordHash, i64),
) -> Result<Option<(User, Timestamp)>, Error> {
    let sql = tx.pick(
        concat!(
            "UPDATE users SET last_login = $3, updated_at = $3 WHERE id = $1 AND is_active AND password_hash = $2 AND credentials_version = $4 RETURNING ",
            "$3 AS now, ",
            user_columns!("")
        ),
        concat!(
            "WITH locked AS MATERIALIZED (",
            "  SELECT id FROM users WHERE id = $1 AND is_active AND password_hash = $2 AND credentials_version = $4 FOR UPDATE",
            "), time AS MATERIALIZED (SELECT id, coalesce($3, ",
            postgres_clock!(),
            ") AS now FROM locked) UPDATE users AS u SET last_login = time.now, updated_at = time.now FROM time ",
            "WHERE u.id = time.id RETURNING time.now AS now, ",
            user_columns!("u.")
        ),
    );
    let time = tx.given_time();
    let row: Option<TimedRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(id.0)
        .bind(verified.as_str())
        .bind(time)
        .bind(version)
        .fetch_optional(conn)
        .await)?;
    row.map(|row| Ok((row.user.try_into()?, Timestamp::from_micros(row.now)))).transpose()
}

/// The users that were changed, or erased, at or after a time, and when. Ask with some overlap: a transaction may commit later than its time.
pub async fn changed_since(tx: &mut Tx, since: Timestamp) -> Result<Vec<(UserId, Timestamp)>, Error> {
    let sql = "SELECT id, updated_at FROM users WHERE updated_at >= $1 \
               UNION ALL SELECT user_id, at FROM audit WHERE at >= $1 AND event = 'user_deleted'";
    let rows: Vec<(i64, i64)> = on!(tx, conn => sqlx::query_as(sql).bind(since.micros()).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|(id, at)| (UserId(id), Timestamp::from_micros(at))).collect())
}

/// A user as it is stored. Its columns are prefixed, so that a session can stand beside it.
#[derive(FromRow)]
#[expect(clippy::struct_field_names, reason = "the prefix is what keeps them apart from a session's columns")]
pub(super) struct UserRow {
    u_id: i64,
    u_email: String,
    u_email_verified_at: Option<i64>,
    u_full_name: Option<String>,
    u_is_active: bool,
    u_is_superuser: bool,
    u_created_at: i64,
    u_last_login: Option<i64>,
    u_external_id: Option<String>,
}

#[derive(FromRow)]
struct CredentialsRow {
    #[sqlx(flatten)]
    user: UserRow,
    password_hash: String,
    credentials_version: i64,
}

#[derive(FromRow)]
struct TimedRow {
    #[sqlx(flatten)]
    user: UserRow,
    now: i64,
}

#[derive(FromRow)]
struct LockedRow {
    #[sqlx(flatten)]
    user: UserRow,
    password_hash: String,
    credentials_version: i64,
    now: i64,
}

/// As an import has written it.
pub(super) fn external_id(text: Option<String>) -> Result<Option<ExternalId>, Error> {
    let read = |text: String| ExternalId::parse(&text).ok_or(Error::Corrupt { table: "users", column: "external_id" });
    text.map(read).transpose()
}

impl TryFrom<UserRow> for User {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self, Error> {
        let corrupt = |column| Error::Corrupt { table: "users", column };
        let email = Email::parse(&row.u_email).map_err(|_| corrupt("email"))?;
        if email.as_str() != row.u_email {
            return Err(corrupt("email"));
        }
        let full_name = match row.u_full_name.as_deref().map(FullName::parse) {
            None => None,
            Some(Ok(Some(name))) => Some(name),
            Some(Ok(None) | Err(_)) => return Err(corrupt("full_name")),
        };
        Ok(Self {
            id: UserId(row.u_id),
            email,
            email_verified_at: row.u_email_verified_at.map(Timestamp::from_micros),
            full_name,
            is_active: row.u_is_active,
            is_superuser: row.u_is_superuser,
            created_at: Timestamp::from_micros(row.u_created_at),
            last_login: row.u_last_login.map(Timestamp::from_micros),
            external_id: external_id(row.u_external_id)?,
        })
    }
}
