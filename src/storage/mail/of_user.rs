//! What is stored of a person's mail: kinds, names and times, and nothing that opens anything.

use crate::domain::account::UserId;
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// A mail that was written, or not written, for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailOf {
    /// When what it tells of happened.
    pub at: Timestamp,
    /// What it is about.
    pub kind: String,
    /// What became of it. None: it waits.
    pub outcome: Option<String>,
}

/// A link that was made for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOf {
    /// What it is good for.
    pub purpose: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// A person's mails that are still stored, the oldest first. Budgets bound how many there are.
pub async fn mails_of(tx: &mut Tx, user: UserId) -> Result<Vec<MailOf>, Error> {
    let sql = "SELECT created_at, kind, outcome FROM outbox WHERE user_id = $1 ORDER BY created_at, id LIMIT 1000";
    let rows: Vec<(i64, String, Option<String>)> =
        on!(tx, conn => sqlx::query_as(sql).bind(user.0).fetch_all(conn).await)?;
    let mail = |(at, kind, outcome)| MailOf { at: Timestamp::from_micros(at), kind, outcome };
    Ok(rows.into_iter().map(mail).collect())
}

/// A person's links that are still stored, the oldest first.
pub async fn links_of(tx: &mut Tx, user: UserId) -> Result<Vec<LinkOf>, Error> {
    let sql = "SELECT purpose, created_at, expires_at, used_at FROM one_time_tokens WHERE user_id = $1 \
               ORDER BY created_at, hash LIMIT 1000";
    let rows: Vec<(String, i64, i64, Option<i64>)> =
        on!(tx, conn => sqlx::query_as(sql).bind(user.0).fetch_all(conn).await)?;
    let at = Timestamp::from_micros;
    let link = |(purpose, made, expires, used): (_, _, _, Option<i64>)| LinkOf {
        purpose,
        made_at: at(made),
        expires_at: at(expires),
        used_at: used.map(at),
    };
    Ok(rows.into_iter().map(link).collect())
}
