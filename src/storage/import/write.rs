//! Writing accounts many at a time. What is written goes to the database as one JSON text: one parameter, whatever its size.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does: see Error")]

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::domain::account::{Email, ExternalId, FullName, UserId};
use crate::domain::import::{Confirmed, Facts};
use crate::domain::password::PasswordHash;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// SHA-256 of how the source names it.
    pub key: [u8; 32],
    /// To be kept; none gets the next one.
    pub id: Option<UserId>,
    /// How the source names it, where that is no number.
    pub external_id: Option<ExternalId>,
    /// In canonical form.
    pub email: Email,
    /// Whether the address is theirs; a time that is not told is now.
    pub confirmed: Confirmed,
    /// The name.
    pub full_name: Option<FullName>,
    /// What stands in the place of a password.
    pub password_hash: PasswordHash,
    /// Whether the person may log in.
    pub is_active: bool,
    /// For the application beside.
    pub is_superuser: bool,
    /// When the account was made there; none is now.
    pub created_at: Option<Timestamp>,
    /// The last login there.
    pub last_login: Option<Timestamp>,
}

/// What the database knows of each, in their order.
pub async fn facts(tx: &mut Tx, source: &str, accounts: &[NewAccount], now: Timestamp) -> Result<Vec<Facts>, Error> {
    macro_rules! facts {
        ($key:literal, $id:literal, $external_id:literal, $email:literal, $from:literal, $order:literal) => {
            concat!(
                "SELECT EXISTS (SELECT 1 FROM imported i WHERE i.source = $2 AND i.key = ",
                $key,
                "), EXISTS (SELECT 1 FROM users u WHERE u.email = ",
                $email,
                "), EXISTS (SELECT 1 FROM left_addresses l WHERE l.reserved_until > $3 AND l.email = ",
                $email,
                "), EXISTS (SELECT 1 FROM users u WHERE u.id = ",
                $id,
                "), EXISTS (SELECT 1 FROM users u WHERE u.external_id = ",
                $external_id,
                ") FROM ",
                $from,
                " ORDER BY ",
                $order
            )
        };
    }
    let sql = tx.pick(
        facts!(
            "unhex(r.value ->> 'key')",
            "r.value ->> 'id'",
            "r.value ->> 'external_id'",
            "r.value ->> 'email'",
            "json_each($1) r",
            "r.key"
        ),
        facts!(
            "decode(r.key, 'hex')",
            "r.id",
            "r.external_id",
            "r.email",
            "jsonb_to_recordset($1::jsonb) AS r(n bigint, key text, id bigint, external_id text, email text)",
            "r.n"
        ),
    );
    let rows: Vec<(bool, bool, bool, bool, bool)> = on!(tx, conn => sqlx::query_as(sql)
        .bind(text(accounts))
        .bind(source)
        .bind(now.micros())
        .fetch_all(conn)
        .await)?;
    let facts = |(present, email_taken, email_left, id_taken, external_id_taken)| Facts {
        present,
        email_taken,
        email_left,
        id_taken,
        external_id_taken,
    };
    Ok(rows.into_iter().map(facts).collect())
}

/// Makes accounts that have what nobody else has, writes down where they came from, and returns the addresses of those that were made.
pub async fn insert(tx: &mut Tx, source: &str, accounts: &[NewAccount], now: Timestamp) -> Result<Vec<String>, Error> {
    // Nobody has to hear of accounts that nobody has: `updated_at` lies outside of what other nodes ask for.
    macro_rules! insert {
        ($overriding:literal, $values:literal, $from:literal) => {
            concat!(
                "INSERT INTO users (id, external_id, email, email_verified_at, full_name, password_hash, is_active, is_superuser, ",
                "created_at, last_login, updated_at) ",
                $overriding,
                " SELECT ",
                $values,
                ", $2 - 86400000000 FROM ",
                $from,
                " ON CONFLICT DO NOTHING RETURNING id, email"
            )
        };
    }
    let sql = tx.pick(
        insert!(
            "",
            "r.value ->> 'id', r.value ->> 'external_id', r.value ->> 'email', \
             CASE WHEN r.value ->> 'confirmed' THEN min(coalesce(r.value ->> 'confirmed_at', $2), $2) END, \
             r.value ->> 'full_name', r.value ->> 'hash', r.value ->> 'is_active', r.value ->> 'is_superuser', \
             min(coalesce(r.value ->> 'created_at', $2), $2), r.value ->> 'last_login'",
            // WHERE: else SQLite takes ON CONFLICT for the condition of a join.
            "json_each($1) r WHERE true"
        ),
        insert!(
            "OVERRIDING SYSTEM VALUE",
            "coalesce(r.id, nextval(pg_get_serial_sequence('users', 'id'))), r.external_id, r.email, \
             CASE WHEN r.confirmed THEN least(coalesce(r.confirmed_at, $2), $2) END, r.full_name, r.hash, r.is_active, r.is_superuser, \
             least(coalesce(r.created_at, $2), $2), r.last_login",
            "jsonb_to_recordset($1::jsonb) AS r(id bigint, external_id text, email text, full_name text, hash text, is_active boolean, \
             is_superuser boolean, created_at bigint, last_login bigint, confirmed boolean, confirmed_at bigint)"
        ),
    );
    let made: Vec<(i64, String)> =
        on!(tx, conn => sqlx::query_as(sql).bind(text(accounts)).bind(now.micros()).fetch_all(conn).await)?;
    let keys: HashMap<&str, String> = accounts.iter().map(|one| (one.email.as_str(), hex(&one.key))).collect();
    let noted: Vec<Value> =
        made.iter().map(|(id, email)| json!({ "id": id, "key": keys.get(email.as_str()) })).collect();
    let noted = Value::from(noted).to_string();
    let imported = tx.pick(
        "INSERT INTO imported (source, key, user_id, at) \
         SELECT $2, unhex(r.value ->> 'key'), r.value ->> 'id', $3 FROM json_each($1) r",
        "INSERT INTO imported (source, key, user_id, at) \
         SELECT $2, decode(r.key, 'hex'), r.id, $3 FROM jsonb_to_recordset($1::jsonb) AS r(key text, id bigint)",
    );
    let audited = tx.pick(
        "INSERT INTO audit (at, event, user_id, detail, actor) \
         SELECT $3, 'registered', r.value ->> 'id', 'import ' || $2, 'operator' FROM json_each($1) r",
        "INSERT INTO audit (at, event, user_id, detail, actor) \
         SELECT $3, 'registered', r.id, 'import ' || $2, 'operator' FROM jsonb_to_recordset($1::jsonb) AS r(id bigint)",
    );
    for sql in [imported, audited] {
        on!(tx, conn => sqlx::query(sql)
            .bind(&noted)
            .bind(source)
            .bind(now.micros())
            .execute(conn)
            .await
            .map(drop))
        .map_err(Error::raced)?;
    }
    Ok(made.into_iter().map(|(_, email)| email).collect())
}

/// Whether an import of this source has taken anything yet.
pub async fn has_imported(tx: &mut Tx, source: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM imported WHERE source = $1)";
    on!(tx, conn => sqlx::query_scalar(sql).bind(source).fetch_one(conn).await)
}

/// Passwords that can be looked at by a setting alone, until their people have logged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeededSecrets {
    /// So many need Devise's pepper.
    pub pepper: i64,
    /// So many need the parameters of a Firebase project.
    pub firebase: i64,
}

/// Counts them. Goes through all accounts.
pub async fn needed_secrets(tx: &mut Tx) -> Result<NeededSecrets, Error> {
    let sql = "SELECT count(*) FILTER (WHERE password_hash LIKE 'devise$%'), count(*) FILTER (WHERE password_hash LIKE 'firebase$%') \
               FROM users";
    let (pepper, firebase) = on!(tx, conn => sqlx::query_as(sql).fetch_one(conn).await)?;
    Ok(NeededSecrets { pepper, firebase })
}

/// Whether there is no account.
pub async fn is_empty(tx: &mut Tx) -> Result<bool, Error> {
    on!(tx, conn => sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM users)").fetch_one(conn).await)
}

/// The highest id that an account has; 0 without one.
pub async fn highest_id(tx: &mut Tx) -> Result<UserId, Error> {
    let id: i64 = on!(tx, conn => sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM users").fetch_one(conn).await)?;
    Ok(UserId(id))
}

/// Gives no id up to this one to accounts that are made from now on. Returns the highest that is kept free.
pub async fn reserve_ids(tx: &mut Tx, up_to: UserId) -> Result<UserId, Error> {
    // Who makes an account holds a lock on the table before it asks for its id: nobody is between.
    let lock = tx.pick("SELECT 1", "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE");
    on!(tx, conn => sqlx::query(lock).execute(conn).await.map(drop))?;
    let make = tx.pick(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'users', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'users')",
        "SELECT 1",
    );
    on!(tx, conn => sqlx::query(make).execute(conn).await.map(drop))?;
    let sql = tx.pick(
        "UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = 'users' RETURNING seq",
        "SELECT setval(pg_get_serial_sequence('users', 'id'), greatest($1, \
         coalesce((SELECT last_value FROM pg_sequences WHERE (quote_ident(schemaname) || '.' || quote_ident(sequencename))::regclass = \
         pg_get_serial_sequence('users', 'id')::regclass), 1)))",
    );
    let reserved: i64 = on!(tx, conn => sqlx::query_scalar(sql).bind(up_to.0).fetch_one(conn).await)?;
    Ok(UserId(reserved))
}

fn text(accounts: &[NewAccount]) -> String {
    let rows = accounts.iter().enumerate().map(|(n, account)| {
        json!({
            "n": n,
            "key": hex(&account.key),
            "id": account.id.map(|id| id.0),
            "external_id": account.external_id.as_ref().map(ExternalId::as_str),
            "email": account.email.as_str(),
            "confirmed": account.confirmed != Confirmed::No,
            "confirmed_at": match account.confirmed {
                Confirmed::At(at) => Some(at.micros()),
                Confirmed::No | Confirmed::Yes => None,
            },
            "full_name": account.full_name.as_ref().map(FullName::as_str),
            "hash": account.password_hash.as_str(),
            "is_active": account.is_active,
            "is_superuser": account.is_superuser,
            "created_at": account.created_at.map(Timestamp::micros),
            "last_login": account.last_login.map(Timestamp::micros),
        })
    });
    Value::from(rows.collect::<Vec<_>>()).to_string()
}

fn hex(key: &[u8; 32]) -> String {
    let digits = key.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
