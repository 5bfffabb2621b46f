//! Passkeys, and how accounts are called among them.

use sqlx::FromRow;

use super::settle;
use crate::domain::account::UserId;
use crate::domain::factor::{Credential, CredentialId, Passkey, PasskeyId, PasskeyName, UserHandle};
use crate::domain::timestamp::Timestamp;
use crate::storage::account::mark_factor;
use crate::storage::{Error, Tx};

/// The columns of a [`Row`].
macro_rules! columns {
    () => {
        "id, user_id, credential_id, rp_id, public_key, synced, sign_count, transports, name, created_at, last_used_at"
    };
}

/// Those of an account, the oldest first.
pub async fn passkeys(tx: &mut Tx, id: UserId) -> Result<Vec<Passkey>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM passkeys WHERE user_id = $1 ORDER BY created_at, id");
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.0).fetch_all(conn).await)?;
    rows.into_iter().map(|row| Ok(row.read()?.1)).collect()
}

/// The one that authenticators know by this id, and whose it is.
pub async fn passkey(tx: &mut Tx, id: &CredentialId) -> Result<Option<(UserId, Passkey)>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM passkeys WHERE credential_id = $1");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.bytes()).fetch_optional(conn).await)?;
    row.map(Row::read).transpose()
}

/// How the account is called among passkeys. None: it never was.
pub async fn user_handle(tx: &mut Tx, id: UserId) -> Result<Option<UserHandle>, Error> {
    let sql = "SELECT handle FROM passkey_users WHERE user_id = $1";
    let handle: Option<Vec<u8>> = on!(tx, conn => sqlx::query_scalar(sql).bind(id.0).fetch_optional(conn).await)?;
    handle.map(|handle| handle.try_into().map(UserHandle).map_err(|_| corrupt("handle"))).transpose()
}

/// The same; where it was never called anything, this from now on. The user's row must be locked.
pub async fn keep_user_handle(tx: &mut Tx, id: UserId, new: UserHandle) -> Result<UserHandle, Error> {
    if let Some(handle) = user_handle(tx, id).await? {
        return Ok(handle);
    }
    let sql = "INSERT INTO passkey_users (user_id, handle) VALUES ($1, $2)";
    on!(tx, conn => sqlx::query(sql).bind(id.0).bind(&new.0[..]).execute(conn).await.map(drop))?;
    Ok(new)
}

/// Adds one. False: its id is taken, by whomever. The user's row must be locked.
pub async fn add_passkey(tx: &mut Tx, user: UserId, passkey: &Passkey) -> Result<bool, Error> {
    let Passkey { id, credential, name, created_at, .. } = passkey;
    let sql = "INSERT INTO passkeys \
               (id, user_id, credential_id, rp_id, public_key, synced, sign_count, transports, name, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (credential_id) DO NOTHING";
    let added = on!(tx, conn => sqlx::query(sql)
        .bind(&id.0[..])
        .bind(user.0)
        .bind(credential.id.bytes())
        .bind(&credential.rp_id)
        .bind(&credential.public_key)
        .bind(i64::from(credential.is_synced))
        .bind(i64::from(credential.sign_count))
        .bind(credential.transports.join(" "))
        .bind(name.as_str())
        .bind(created_at.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    if added > 0 {
        mark_factor(tx, user, *created_at).await?;
    }
    Ok(added > 0)
}

/// Notes that one was used, and how its authenticator counts: never less than before. The user's row must be locked.
pub async fn use_passkey(tx: &mut Tx, id: PasskeyId, sign_count: u32, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE passkeys SET last_used_at = $2, \
               sign_count = CASE WHEN sign_count < $3 THEN $3 ELSE sign_count END WHERE id = $1";
    on!(tx, conn => sqlx::query(sql)
        .bind(&id.0[..])
        .bind(now.micros())
        .bind(i64::from(sign_count))
        .execute(conn)
        .await
        .map(drop))
}

/// Calls one something else. False: the account has no such one.
pub async fn rename_passkey(tx: &mut Tx, user: UserId, id: PasskeyId, name: &PasskeyName) -> Result<bool, Error> {
    let sql = "UPDATE passkeys SET name = $3 WHERE user_id = $1 AND id = $2";
    let renamed = on!(tx, conn => sqlx::query(sql)
        .bind(user.0)
        .bind(&id.0[..])
        .bind(name.as_str())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(renamed > 0)
}

/// Removes one, and with the last factor what stands in its place. False: the account has no such one. The user's row must be locked.
pub async fn remove_passkey(tx: &mut Tx, user: UserId, id: PasskeyId, now: Timestamp) -> Result<bool, Error> {
    let sql = "DELETE FROM passkeys WHERE user_id = $1 AND id = $2";
    let removed = on!(tx, conn => sqlx::query(sql)
        .bind(user.0)
        .bind(&id.0[..])
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    if removed > 0 {
        settle(tx, user, now).await?;
    }
    Ok(removed > 0)
}

/// A domain other than this that passkeys are stored of, and how many.
pub async fn other_domain(tx: &mut Tx, rp_id: Option<&str>) -> Result<Option<(String, u64)>, Error> {
    let sql = "SELECT rp_id, count(*) FROM passkeys WHERE rp_id <> $1 GROUP BY rp_id ORDER BY rp_id LIMIT 1";
    let found: Option<(String, i64)> =
        on!(tx, conn => sqlx::query_as(sql).bind(rp_id.unwrap_or_default()).fetch_optional(conn).await)?;
    Ok(found.map(|(rp_id, count)| (rp_id, count.cast_unsigned())))
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    user_id: i64,
    credential_id: Vec<u8>,
    rp_id: String,
    public_key: Vec<u8>,
    synced: i64,
    sign_count: i64,
    transports: String,
    name: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<(UserId, Passkey), Error> {
        let credential = Credential {
            id: CredentialId::new(self.credential_id).ok_or(corrupt("credential_id"))?,
            rp_id: self.rp_id,
            public_key: self.public_key,
            is_synced: self.synced != 0,
            sign_count: u32::try_from(self.sign_count).map_err(|_| corrupt("sign_count"))?,
            transports: self.transports.split_whitespace().map(str::to_owned).collect(),
        };
        let passkey = Passkey {
            id: PasskeyId(self.id.try_into().map_err(|_| corrupt("id"))?),
            credential,
            name: PasskeyName::parse(&self.name).ok_or(corrupt("name"))?,
            created_at: Timestamp::from_micros(self.created_at),
            last_used_at: self.last_used_at.map(Timestamp::from_micros),
        };
        Ok((UserId(self.user_id), passkey))
    }
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: "passkeys", column }
}
