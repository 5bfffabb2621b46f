//! The outbox as those who send it see it. Whoever sends a mail holds it by a lease, and what they write down of it is guarded by that.

use std::time::Duration;

use sqlx::FromRow;

use crate::domain::account::Email;
use crate::domain::mail::{Facts, Kind, Outcome};
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// A mail as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// In the Message-ID.
    pub id: [u8; 16],
    /// What it is about. None: another version of Doorward knows.
    pub kind: Option<Kind>,
    /// Where it goes.
    pub sent_to: Email,
    /// What it tells.
    pub facts: Facts,
    /// When what it tells of happened.
    pub created_at: Timestamp,
    /// How often it was tried already.
    pub attempts: u32,
    /// Whether it was written with a link.
    pub has_link: bool,
}

/// A mail that the caller alone may send now.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The mail.
    pub mail: Stored,
    /// What its link's token is derived from, while it is good.
    pub link: Option<Link>,
    /// Whether the account still has the address that the mail goes to.
    pub same_address: bool,
    /// Whether the account still has the credentials that it had when the mail was written.
    pub same_credentials: bool,
    /// The lease.
    pub until: Timestamp,
}

/// A link's token, without the token.
#[derive(Clone, Debug)]
pub struct Link {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// What it is derived from.
    pub seed: [u8; 32],
    /// How long it is good.
    pub expires_at: Timestamp,
}

/// What waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// How many mails.
    pub waiting: u64,
    /// When the oldest was written.
    pub oldest: Option<Timestamp>,
    /// How many were given up lately.
    pub dead: u64,
}

/// Whether there is a mail to be sent now.
pub async fn is_due(tx: &mut Tx) -> Result<bool, Error> {
    let now = tx.now().await?;
    let sql = "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE done_at IS NULL AND due_at <= $1 \
               AND (claimed_until IS NULL OR claimed_until <= $1) LIMIT 1) AS due";
    let due: i64 = on!(tx, conn => sqlx::query_scalar(sql).bind(now.micros()).fetch_one(conn).await)?;
    Ok(due > 0)
}

/// Takes the oldest mail that is due, for so long. None: there is none.
pub async fn claim(tx: &mut Tx, lease: Duration) -> Result<Option<Claimed>, Error> {
    macro_rules! text {
        ($lock:literal) => {
            concat!(
                "UPDATE outbox SET claimed_until = $2 WHERE id = (SELECT id FROM outbox WHERE done_at IS NULL AND due_at <= $1 ",
                "AND (claimed_until IS NULL OR claimed_until <= $1) ORDER BY created_at, id LIMIT 1",
                $lock,
                ") RETURNING id, kind, user_id, sent_to, credentials_version, token_hash, facts, created_at, attempts"
            )
        };
    }
    let now = tx.now().await?;
    let until = now + lease;
    let sql = tx.pick(text!(""), text!(" FOR UPDATE SKIP LOCKED"));
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(now.micros())
        .bind(until.micros())
        .fetch_optional(conn)
        .await)?;
    let Some(row) = row else { return Ok(None) };
    let link = match &row.token_hash {
        Some(hash) => link(tx, hash, now).await?,
        None => None,
    };
    let (same_address, same_credentials) = is_same(tx, &row).await?;
    Ok(Some(Claimed { mail: row.try_into()?, link, same_address, same_credentials, until }))
}

async fn link(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Link>, Error> {
    let sql = "SELECT hash, seed, expires_at FROM one_time_tokens \
               WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 AND seed IS NOT NULL";
    let row: Option<(Vec<u8>, Vec<u8>, i64)> =
        on!(tx, conn => sqlx::query_as(sql).bind(hash).bind(now.micros()).fetch_optional(conn).await)?;
    row.map(|(hash, seed, expires_at)| {
        let corrupt = |column| Error::Corrupt { table: "one_time_tokens", column };
        Ok(Link {
            hash: hash.try_into().map_err(|_| corrupt("hash"))?,
            seed: seed.try_into().map_err(|_| corrupt("seed"))?,
            expires_at: Timestamp::from_micros(expires_at),
        })
    })
    .transpose()
}

async fn is_same(tx: &mut Tx, row: &Row) -> Result<(bool, bool), Error> {
    let Some(id) = row.user_id else { return Ok((true, true)) };
    let sql = "SELECT email, credentials_version FROM users WHERE id = $1";
    let user: Option<(String, i64)> = on!(tx, conn => sqlx::query_as(sql).bind(id).fetch_optional(conn).await)?;
    let is = |(email, version)| (email == row.sent_to, Some(version) == row.credentials_version);
    Ok(user.map_or((false, false), is))
}

/// Writes down what became of a mail. What it said is forgotten, but of those that are dead. False: the lease had run out.
pub async fn finish(
    tx: &mut Tx,
    claimed: &Claimed,
    outcome: Outcome,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool, Error> {
    let sql = "UPDATE outbox SET done_at = $3, outcome = $4, error = $5, claimed_until = NULL, attempts = attempts + 1, \
               sent_to = CASE $4 WHEN 'dead' THEN sent_to ELSE '' END, facts = NULL \
               WHERE id = $1 AND claimed_until = $2 AND done_at IS NULL";
    let done = on!(tx, conn => sqlx::query(sql)
        .bind(&claimed.mail.id[..])
        .bind(claimed.until.micros())
        .bind(now.micros())
        .bind(outcome.as_str())
        .bind(error)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// Leaves a mail for another attempt, at a later time. False: the lease had run out.
pub async fn postpone(tx: &mut Tx, claimed: &Claimed, due_at: Timestamp, error: &str) -> Result<bool, Error> {
    let sql = "UPDATE outbox SET claimed_until = NULL, attempts = attempts + 1, due_at = $3, error = $4 \
               WHERE id = $1 AND claimed_until = $2 AND done_at IS NULL";
    let done = on!(tx, conn => sqlx::query(sql)
        .bind(&claimed.mail.id[..])
        .bind(claimed.until.micros())
        .bind(due_at.micros())
        .bind(error)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// Gives a mail back that nobody could have sent: the server was away.
pub async fn release(tx: &mut Tx, claimed: &Claimed, error: &str) -> Result<(), Error> {
    let sql = "UPDATE outbox SET claimed_until = NULL, error = $3 WHERE id = $1 AND claimed_until = $2";
    on!(tx, conn => sqlx::query(sql)
        .bind(&claimed.mail.id[..])
        .bind(claimed.until.micros())
        .bind(error)
        .execute(conn)
        .await
        .map(drop))
}

/// Gives back what a process held that is gone. Only where there is no other.
pub async fn release_all(tx: &mut Tx) -> Result<(), Error> {
    let sql = "UPDATE outbox SET claimed_until = NULL WHERE claimed_until IS NOT NULL";
    on!(tx, conn => sqlx::query(sql).execute(conn).await.map(drop))
}

/// Gives up what was written before a time and nobody is sending. Returns how many.
pub async fn give_up(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
    let sql = "UPDATE outbox SET done_at = $2, outcome = 'dead', facts = NULL, claimed_until = NULL \
               WHERE done_at IS NULL AND created_at < $1 AND (claimed_until IS NULL OR claimed_until <= $2)";
    on!(tx, conn => sqlx::query(sql)
        .bind(before.micros())
        .bind(now.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))
}

/// What waits, and what was given up.
pub async fn depth(tx: &mut Tx) -> Result<Depth, Error> {
    let sql = "SELECT (SELECT count(*) FROM outbox WHERE done_at IS NULL), (SELECT min(created_at) FROM outbox WHERE done_at IS NULL), \
               (SELECT count(*) FROM outbox WHERE outcome = 'dead')";
    let (waiting, oldest, dead): (i64, Option<i64>, i64) = on!(tx, conn => sqlx::query_as(sql).fetch_one(conn).await)?;
    Ok(Depth { waiting: waiting.unsigned_abs(), oldest: oldest.map(Timestamp::from_micros), dead: dead.unsigned_abs() })
}

/// The latest mails that something went wrong with: when they were written, what they are about, and why.
pub async fn troubles(tx: &mut Tx) -> Result<Vec<(Timestamp, String, String)>, Error> {
    let sql = "SELECT created_at, kind, error FROM outbox WHERE error IS NOT NULL AND (done_at IS NULL OR outcome = 'dead') \
               ORDER BY created_at DESC LIMIT 20";
    let rows: Vec<(i64, String, String)> = on!(tx, conn => sqlx::query_as(sql).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|(at, kind, error)| (Timestamp::from_micros(at), kind, error)).collect())
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    kind: String,
    user_id: Option<i64>,
    sent_to: String,
    credentials_version: Option<i64>,
    token_hash: Option<Vec<u8>>,
    facts: Option<String>,
    created_at: i64,
    attempts: i64,
}

impl TryFrom<Row> for Stored {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let corrupt = |column| Error::Corrupt { table: "outbox", column };
        let facts = row.facts.as_deref().map(serde_json::from_str::<Facts>).transpose();
        Ok(Self {
            id: row.id.try_into().map_err(|_| corrupt("id"))?,
            kind: Kind::read(&row.kind),
            sent_to: Email::parse(&row.sent_to).map_err(|_| corrupt("sent_to"))?,
            facts: facts.map_err(|_| corrupt("facts"))?.unwrap_or_default(),
            created_at: Timestamp::from_micros(row.created_at),
            attempts: u32::try_from(row.attempts).map_err(|_| corrupt("attempts"))?,
            has_link: row.token_hash.is_some(),
        })
    }
}
