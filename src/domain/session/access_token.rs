//! What an access token says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AuthMethod, Generation, SessionId};
use crate::domain::account::{ExternalId, UserId};
use crate::domain::timestamp::Timestamp;

/// How far the clocks of two nodes may differ.
const LEEWAY: Duration = Duration::from_secs(5);

/// How long before it is made a token says that it was: many verifiers refuse one that was made a second ahead of their clock.
const MADE_BEFORE: Duration = Duration::from_secs(10);

/// The claims of an access token (RFC 7519, RFC 9068), as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The user's id, in digits.
    pub sub: String,
    /// The session's id.
    pub sid: String,
    /// The generation that the session had.
    #[serde(rename = "gen")]
    pub generation: Generation,
    /// For which client (RFC 9068): the audience.
    // The version before did not write this and `nbf`.
    #[serde(default)]
    pub client_id: String,
    /// When it was made, in unix seconds: [`made_at`], a little earlier.
    pub iat: i64,
    /// From when on it counts: as `iat`.
    #[serde(default)]
    pub nbf: i64,
    /// When it ends, in unix seconds.
    pub exp: i64,
    /// Random: two tokens of one second differ.
    pub jti: String,
    /// How the software that the account came from names it, where that is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext: Option<String>,
    /// How the person proved who they are, in the words of RFC 8176. None of them: the session began before that was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// When they did, in unix seconds (`OpenID` Connect Core 2). A refresh proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
}

/// What a token tells of its session and its user beside what it proves.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The user's, where they have one.
    pub external_id: Option<&'a ExternalId>,
    /// The session's.
    pub amr: &'a [AuthMethod],
    /// The session's.
    pub proved_at: Option<Timestamp>,
}

/// What an authentic access token proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Whose it is.
    pub user_id: UserId,
    /// Of which session.
    pub session_id: SessionId,
    /// The generation that the session had.
    pub generation: Generation,
    /// When it ends.
    pub expires: Timestamp,
}

/// What `iat` and `nbf` of a token that is made now say.
#[must_use]
pub fn made_at(now: Timestamp) -> Timestamp {
    now - MADE_BEFORE
}

impl Claims {
    /// What the claims prove. None: they are not of the form that we write, or were made in the future.
    #[must_use]
    pub fn access_token(&self, now: Timestamp) -> Option<AccessToken> {
        if Timestamp::from_seconds(self.iat) > now + LEEWAY {
            return None;
        }
        Some(AccessToken {
            user_id: UserId(self.sub.parse().ok().filter(|id: &i64| id.to_string() == self.sub)?),
            session_id: SessionId::parse(&self.sid)?,
            generation: self.generation,
            expires: Timestamp::from_seconds(self.exp),
        })
    }
}

impl AccessToken {
    /// Whether its time has passed, allowing for clocks that differ.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires + LEEWAY
    }
}
