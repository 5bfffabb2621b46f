//! How sessions are read back; a row that Doorward can't have written is an error.

use std::net::IpAddr;

use sqlx::FromRow;

use crate::domain::account::UserId;
use crate::domain::session::{EndReason, Ended, Session, SessionId, SessionSecret};
use crate::domain::timestamp::Timestamp;
use crate::storage::Error;
use crate::storage::account::UserRow;

/// A session as it is stored.
#[derive(FromRow)]
pub(super) struct SessionRow {
    id: Vec<u8>,
    user_id: i64,
    secret: Vec<u8>,
    generation: i64,
    rotated_at: i64,
    confirmed_generation: i64,
    lost_replies: i64,
    lost_reply_at: Option<i64>,
    lost_replies_total: i64,
    created_at: i64,
    last_used_at: i64,
    client_ip: Option<String>,
    user_agent: Option<String>,
    idle_expires_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    end_reason: Option<String>,
}

#[derive(FromRow)]
pub(super) struct FoundRow {
    #[sqlx(flatten)]
    pub(super) session: SessionRow,
    #[sqlx(flatten)]
    pub(super) user: UserRow,
}

#[derive(FromRow)]
pub(super) struct LockedRow {
    #[sqlx(flatten)]
    pub(super) session: SessionRow,
    pub(super) user_active: bool,
    pub(super) now: i64,
}

impl SessionRow {
    /// What a user's sessions are ordered by.
    pub(super) fn key(&self) -> Result<(Timestamp, SessionId), Error> {
        Ok((Timestamp::from_micros(self.created_at), session_id(self.id.clone())?))
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = Error;

    fn try_from(row: SessionRow) -> Result<Self, Error> {
        let count = |value: i64, column| u32::try_from(value).map_err(|_| corrupt(column));
        let ended = match (row.ended_at, row.end_reason) {
            (None, None) => None,
            (Some(at), Some(reason)) => {
                Some(Ended { at: Timestamp::from_micros(at), reason: EndReason::read(&reason) })
            }
            _ => return Err(corrupt("ended_at")),
        };
        Ok(Self {
            id: session_id(row.id)?,
            user_id: UserId(row.user_id),
            secret: SessionSecret(row.secret.try_into().map_err(|_| corrupt("secret"))?),
            generation: count(row.generation, "generation")?,
            rotated_at: Timestamp::from_micros(row.rotated_at),
            confirmed_generation: count(row.confirmed_generation, "confirmed_generation")?,
            lost_replies: count(row.lost_replies, "lost_replies")?,
            lost_reply_at: row.lost_reply_at.map(Timestamp::from_micros),
            lost_replies_total: count(row.lost_replies_total, "lost_replies_total")?,
            created_at: Timestamp::from_micros(row.created_at),
            last_used_at: Timestamp::from_micros(row.last_used_at),
            client_ip: row.client_ip.map(|ip| ip.parse::<IpAddr>()).transpose().map_err(|_| corrupt("client_ip"))?,
            user_agent: row.user_agent,
            idle_expires_at: Timestamp::from_micros(row.idle_expires_at),
            expires_at: Timestamp::from_micros(row.expires_at),
            ended,
        })
    }
}

pub(super) fn session_id(bytes: Vec<u8>) -> Result<SessionId, Error> {
    bytes.try_into().map(SessionId).map_err(|_| corrupt("id"))
}

pub(super) const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: "sessions", column }
}
