//! Tokens of links: good once, for one purpose, until they expire; stored as a hash.

use std::time::Duration;

use sqlx::FromRow;

use crate::domain::account::UserId;
use crate::domain::mail::Purpose;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// How long a reset of the version before is good at most.
const LONGEST_RESET: Duration = Duration::from_hours(7 * 24);

/// SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// A token that is to be good.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// Of the token.
    pub hash: TokenHash,
    /// What it is derived from.
    pub seed: [u8; 32],
    /// What it is good for.
    pub purpose: Purpose,
    /// Whose account it is about.
    pub user: Option<UserId>,
    /// To which address it is mailed.
    pub sent_to: &'a str,
    /// What else it stands for.
    pub payload: Option<&'a str>,
    /// How long it is good.
    pub expires_at: Timestamp,
}

/// A token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose account it is about.
    pub user: Option<UserId>,
    /// To which address it was mailed.
    pub sent_to: Option<String>,
    /// What else it stands for.
    pub payload: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Stores a token; one that is stored already stays as it is.
pub async fn put(tx: &mut Tx, token: &NewToken<'_>, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO one_time_tokens (hash, purpose, user_id, sent_to, payload, created_at, expires_at, seed) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (hash) DO NOTHING";
    on!(tx, conn => sqlx::query(sql)
        .bind(&token.hash[..])
        .bind(token.purpose.as_str())
        .bind(token.user.map(|id| id.0))
        .bind(token.sent_to)
        .bind(token.payload)
        .bind(now.micros())
        .bind(token.expires_at.micros())
        .bind(&token.seed[..])
        .execute(conn)
        .await
        .map(drop))
}

/// The hash of a token that could be mailed again: of this purpose, for this user, at this address, good for longer than until then. The
/// user's row must be locked.
pub async fn live(
    tx: &mut Tx,
    purpose: Purpose,
    user: Option<UserId>,
    sent_to: &str,
    until: Timestamp,
) -> Result<Option<TokenHash>, Error> {
    let sql = "SELECT hash FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 AND sent_to = $3 AND seed IS NOT NULL \
               AND used_at IS NULL AND expires_at > $4 ORDER BY expires_at DESC LIMIT 1";
    let hash: Option<Vec<u8>> = on!(tx, conn => sqlx::query_scalar(sql)
        .bind(user.map(|id| id.0))
        .bind(purpose.as_str())
        .bind(sent_to)
        .bind(until.micros())
        .fetch_optional(conn)
        .await)?;
    hash.map(|hash| hash.try_into().map_err(|_| Error::Corrupt { table: "one_time_tokens", column: "hash" }))
        .transpose()
}

/// What a user's good tokens of a purpose are derived from that were mailed to this address, each with its hash.
pub async fn seeds(
    tx: &mut Tx,
    purpose: Purpose,
    user: UserId,
    sent_to: &str,
    now: Timestamp,
) -> Result<Vec<(TokenHash, [u8; 32])>, Error> {
    let sql = "SELECT hash, seed FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 AND sent_to = $3 AND seed IS NOT NULL \
               AND used_at IS NULL AND expires_at > $4";
    let rows: Vec<(Vec<u8>, Vec<u8>)> = on!(tx, conn => sqlx::query_as(sql)
        .bind(user.0)
        .bind(purpose.as_str())
        .bind(sent_to)
        .bind(now.micros())
        .fetch_all(conn)
        .await)?;
    let corrupt = |column| move |_| Error::Corrupt { table: "one_time_tokens", column };
    let pair = |(hash, seed): (Vec<u8>, Vec<u8>)| {
        Ok((hash.try_into().map_err(corrupt("hash"))?, seed.try_into().map_err(corrupt("seed"))?))
    };
    rows.into_iter().map(pair).collect()
}

/// To which address the first of a user's good tokens of a purpose was mailed. None: none is good.
pub async fn first_sent_to(
    tx: &mut Tx,
    purpose: Purpose,
    user: UserId,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let sql = "SELECT sent_to FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 \
               AND sent_to IS NOT NULL ORDER BY created_at LIMIT 1";
    on!(tx, conn => sqlx::query_scalar(sql)
        .bind(user.0)
        .bind(purpose.as_str())
        .bind(now.micros())
        .fetch_optional(conn)
        .await)
}

/// The token of this hash, if it is good for this.
pub async fn find(tx: &mut Tx, purpose: Purpose, hash: &TokenHash, now: Timestamp) -> Result<Option<Token>, Error> {
    let sql = "SELECT user_id, sent_to, payload, created_at FROM one_time_tokens \
               WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(&hash[..])
        .bind(purpose.as_str())
        .bind(now.micros())
        .fetch_optional(conn)
        .await)?;
    Ok(row.map(Token::from))
}

/// Uses a token up. None: it is not good, or somebody was faster. A user's row must be locked first, where it has one.
pub async fn take(tx: &mut Tx, purpose: Purpose, hash: &TokenHash, now: Timestamp) -> Result<Option<Token>, Error> {
    let sql = "UPDATE one_time_tokens SET used_at = $3, seed = NULL \
               WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 \
               RETURNING user_id, sent_to, payload, created_at";
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(&hash[..])
        .bind(purpose.as_str())
        .bind(now.micros())
        .fetch_optional(conn)
        .await)?;
    Ok(row.map(Token::from))
}

/// Whose account a token is about, good or not.
pub async fn whose(tx: &mut Tx, purpose: Purpose, hash: &TokenHash) -> Result<Option<UserId>, Error> {
    let sql = "SELECT user_id FROM one_time_tokens WHERE hash = $1 AND purpose = $2";
    let id: Option<Option<i64>> =
        on!(tx, conn => sqlx::query_scalar(sql).bind(&hash[..]).bind(purpose.as_str()).fetch_optional(conn).await)?;
    Ok(id.flatten().map(UserId))
}

/// Voids a user's tokens of a purpose. The user's row must be locked.
pub async fn void(tx: &mut Tx, purpose: Purpose, user: UserId) -> Result<(), Error> {
    let sql = "DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL";
    on!(tx, conn => sqlx::query(sql).bind(user.0).bind(purpose.as_str()).execute(conn).await.map(drop))
}

/// Voids those of a user's tokens of a purpose that were made at or after a time. The user's row must be locked.
pub async fn void_since(tx: &mut Tx, purpose: Purpose, user: UserId, since: Timestamp) -> Result<(), Error> {
    let sql =
        "DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND created_at >= $3";
    on!(tx, conn => sqlx::query(sql)
        .bind(user.0)
        .bind(purpose.as_str())
        .bind(since.micros())
        .execute(conn)
        .await
        .map(drop))
}

/// Whether a token that was not used was made before a time, or a removal of factors begun. Those of the version before do not say when they were made: any that may have
/// been.
pub async fn are_before(tx: &mut Tx, before: Timestamp) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM one_time_tokens WHERE used_at IS NULL AND created_at < $1) \
               OR EXISTS (SELECT 1 FROM factor_recoveries WHERE started_at < $1) \
               OR EXISTS (SELECT 1 FROM password_resets WHERE expires_at < $2)";
    on!(tx, conn => sqlx::query_scalar(sql)
        .bind(before.micros())
        .bind((before + LONGEST_RESET).micros())
        .fetch_one(conn)
        .await)
}

/// Voids them.
pub async fn void_before(tx: &mut Tx, before: Timestamp) -> Result<(), Error> {
    for (sql, before) in [
        ("DELETE FROM one_time_tokens WHERE used_at IS NULL AND created_at < $1", before),
        ("DELETE FROM factor_recoveries WHERE started_at < $1", before),
        ("DELETE FROM password_resets WHERE expires_at < $1", before + LONGEST_RESET),
    ] {
        on!(tx, conn => sqlx::query(sql).bind(before.micros()).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// Until when the last of a user's tokens of a purpose is good. None: none is.
pub async fn good_until(
    tx: &mut Tx,
    purpose: Purpose,
    user: UserId,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT max(expires_at) FROM one_time_tokens \
               WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";
    let until: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql)
        .bind(user.0)
        .bind(purpose.as_str())
        .bind(now.micros())
        .fetch_one(conn)
        .await)?;
    Ok(until.map(Timestamp::from_micros))
}

#[derive(FromRow)]
struct Row {
    user_id: Option<i64>,
    sent_to: Option<String>,
    payload: Option<String>,
    created_at: i64,
}

impl From<Row> for Token {
    fn from(row: Row) -> Self {
        Self {
            user: row.user_id.map(UserId),
            sent_to: row.sent_to,
            payload: row.payload,
            created_at: Timestamp::from_micros(row.created_at),
        }
    }
}
