//! Rows of the outbox, as use cases write and count them.

use crate::domain::account::{Email, UserId};
use crate::domain::mail::{Budget, Kind, Outcome};
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// A mail that is to be sent; or that is not, and counted.
#[derive(Clone, Debug)]
pub struct NewMail<'a> {
    /// In the Message-ID.
    pub id: [u8; 16],
    /// What it is about.
    pub kind: Kind,
    /// Whose account it is about.
    pub user: Option<UserId>,
    /// Where it goes.
    pub sent_to: &'a str,
    /// A keyed hash of that address.
    pub recipient: [u8; 16],
    /// By which count it is one too many.
    pub budget: &'a Budget,
    /// The hash of its link's token.
    pub token: Option<[u8; 32]>,
    /// What it tells: JSON.
    pub facts: Option<&'a str>,
    /// Where nothing is to be done about it.
    pub outcome: Option<Outcome>,
}

/// Puts a mail into the outbox, with the credentials' version that the account has now.
pub async fn insert(tx: &mut Tx, mail: &NewMail<'_>, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO outbox (id, kind, user_id, sent_to, recipient, budget, credentials_version, token_hash, facts, \
               created_at, due_at, attempts, done_at, outcome) \
               VALUES ($1, $2, $3, $4, $5, $6, (SELECT credentials_version FROM users WHERE id = $3), $7, $8, $9, $9, 0, $10, $11)";
    on!(tx, conn => sqlx::query(sql)
        .bind(&mail.id[..])
        .bind(mail.kind.as_str())
        .bind(mail.user.map(|id| id.0))
        .bind(mail.sent_to)
        .bind(&mail.recipient[..])
        .bind(mail.budget.text())
        .bind(mail.token.as_ref().map(|hash| &hash[..]))
        .bind(mail.facts)
        .bind(now.micros())
        .bind(mail.outcome.map(|_| now.micros()))
        .bind(mail.outcome.map(Outcome::as_str))
        .execute(conn)
        .await
        .map(drop))
}

/// Lets nobody else count mails to a recipient until this transaction ends. (SQLite lets one write at a time anyway.)
pub async fn one_at_a_time(tx: &mut Tx, recipient: [u8; 16]) -> Result<(), Error> {
    let Ok(key) = recipient[..8].try_into().map(i64::from_be_bytes) else { return Ok(()) };
    let sql = tx.pick("SELECT $1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS locked");
    on!(tx, conn => sqlx::query(sql).bind(key).execute(conn).await.map(drop))
}

/// How many mails were asked for since a time, of those that this budget counts; the ones that were too many are not.
pub async fn asked_since(tx: &mut Tx, recipient: [u8; 16], budget: &Budget, since: Timestamp) -> Result<u32, Error> {
    let sql = "SELECT count(*) FROM outbox WHERE recipient = $1 AND created_at > $2 AND budget = $3 \
               AND (outcome IS NULL OR outcome <> 'over_budget')";
    count(tx, sql, recipient, since, &budget.text()).await
}

/// How many notices of a kind there were since a time.
pub async fn told_since(tx: &mut Tx, recipient: [u8; 16], kind: Kind, since: Timestamp) -> Result<u32, Error> {
    let sql = "SELECT count(*) FROM outbox WHERE recipient = $1 AND created_at > $2 AND kind = $3 \
               AND (outcome IS NULL OR outcome IN ('sent', 'dead'))";
    count(tx, sql, recipient, since, kind.as_str()).await
}

async fn count(
    tx: &mut Tx,
    sql: &'static str,
    recipient: [u8; 16],
    since: Timestamp,
    word: &str,
) -> Result<u32, Error> {
    let count: i64 = on!(tx, conn => sqlx::query_scalar(sql)
        .bind(&recipient[..])
        .bind(since.micros())
        .bind(word)
        .fetch_one(conn)
        .await)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Forgets a user who is erased: all mails but one, and what asked for an account with their address before they had it. (Their other
/// tokens go with the account.)
pub async fn forget_user(tx: &mut Tx, user: UserId, email: &Email, but: Option<[u8; 16]>) -> Result<(), Error> {
    let asked = "DELETE FROM one_time_tokens WHERE user_id IS NULL AND sent_to = $1";
    on!(tx, conn => sqlx::query(asked).bind(email.as_str()).execute(conn).await.map(drop))?;
    let sql = "DELETE FROM outbox WHERE user_id = $1 AND ($2 IS NULL OR id <> $2)";
    let sql = tx.pick(sql, "DELETE FROM outbox WHERE user_id = $1 AND ($2::bytea IS NULL OR id <> $2)");
    on!(tx, conn => sqlx::query(sql)
        .bind(user.0)
        .bind(but.as_ref().map(|id| &id[..]))
        .execute(conn)
        .await
        .map(drop))
}

/// Deletes at most [`PURGE_BATCH`](crate::storage::PURGE_BATCH) mails that were done with before a time, dead ones a week later.
/// Returns how many: call again while it is that many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, Error> {
    macro_rules! text {
        ($lock:literal) => {
            concat!(
                "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE done_at IS NOT NULL AND done_at < $1 ",
                "AND (outcome <> 'dead' OR done_at < $1 - 604800000000) ORDER BY done_at LIMIT $2",
                $lock,
                ")"
            )
        };
    }
    let sql = tx.pick(text!(""), text!(" FOR UPDATE SKIP LOCKED"));
    tx.delete_batch(sql, before).await
}
