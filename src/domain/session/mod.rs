//! A session, and the decision what a presented refresh token means for it ([`Session::judge`]).
//!
//! `docs/design/sessions.md` says why each rule is as it is.

mod access_token;
mod auth_method;
mod binding;
mod delivery;
mod device;
mod judge;
mod refresh_token;
mod signing;

pub use access_token::{About, AccessToken, Claims, made_at};
pub use auth_method::AuthMethod;
pub use binding::{
    Binding, BindingName, CHALLENGE_BODY_BYTES, Challenge, ChallengeFor, DeviceKey, DeviceProof, Registration,
};
pub use delivery::Delivery;
pub use device::device_name;
pub use judge::{LIFETIME_LOST_REPLIES, Means, Presented, Refusal, Verdict};
pub use refresh_token::{BODY_BYTES, KeyId, RefreshToken};
pub use signing::{Algorithm, PublicKey, PublishedKey, TokenType};

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::account::UserId;
use super::factor::Requirement;
use super::timestamp::Timestamp;

/// Identifies a session: 128 random bits, not ordered by time. Written as 22 base64url characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Parses the written form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// 32 random bytes, mixed into a session's refresh tokens, so that the server's key alone forges none.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret(pub [u8; 32]);

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(..)")
    }
}

/// Counts rotations; the first refresh token has generation 1.
pub type Generation = u32;

/// One login, as it is stored. No token, and no hash of one, is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Identifies the session.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Mixed into the refresh tokens.
    pub secret: SessionSecret,
    /// How the person proved who they are. None of them: the session began before this was kept.
    pub amr: Vec<AuthMethod>,
    /// When they did. Rotation proves nothing.
    pub proved_at: Option<Timestamp>,
    /// The newest refresh token's generation.
    pub generation: Generation,
    /// When `generation` was made, or last issued again for a lost reply.
    pub rotated_at: Timestamp,
    /// The highest generation that the client has proved to hold.
    pub confirmed_generation: Generation,
    /// Lost replies forgiven since the last quiet 24 hours.
    pub lost_replies: u32,
    /// When a lost reply was last forgiven.
    pub lost_reply_at: Option<Timestamp>,
    /// Lost replies forgiven in all.
    pub lost_replies_total: u32,
    /// When the person logged in.
    pub created_at: Timestamp,
    /// Login or last rotation.
    pub last_used_at: Timestamp,
    /// The client's address at login or last rotation, for the person's own list.
    pub client_ip: Option<std::net::IpAddr>,
    /// The client's `User-Agent` at login or last rotation, cut to 512 bytes.
    pub user_agent: Option<String>,
    /// Unused until then, the session has expired. Moved by each rotation.
    pub idle_expires_at: Timestamp,
    /// The absolute end; never moves.
    pub expires_at: Timestamp,
    /// To which device it is bound. None: it is not.
    pub binding: Option<Binding>,
    /// How its tokens come to its client.
    pub delivery: Delivery,
    /// Set once.
    pub ended: Option<Ended>,
}

/// When and why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The person logged out.
    Logout,
    /// The person logged out everywhere.
    LogoutAll,
    /// A refresh token was used again: somebody else may hold it.
    Reuse,
    /// The password was changed or reset.
    PasswordChanged,
    /// The account was disabled.
    Disabled,
    /// The person has too many sessions; this was the least recently used.
    Evicted,
    /// The same browser logged in again.
    Replaced,
    /// An operator ended it.
    Admin,
    /// Another device than the one that it is bound to asked to be bound to it.
    Device,
    /// It was to be bound to a device, and was not in time.
    Unbound,
    /// The account got its first factor in another session, or has lost its last one.
    SecondFactor,
    /// Another version of Doorward, on the same database, had a reason that this one has no word for.
    Other(String),
}

impl Session {
    /// The session that a login makes; its first refresh token has generation 1.
    #[must_use]
    pub fn begin(new: NewSession, policy: &Policy, now: Timestamp) -> Self {
        let expires_at = now + policy.absolute_ttl;
        Self {
            id: new.id,
            user_id: new.user_id,
            secret: new.secret,
            amr: new.amr,
            proved_at: Some(now),
            generation: 1,
            rotated_at: now,
            confirmed_generation: 0,
            lost_replies: 0,
            lost_reply_at: None,
            lost_replies_total: 0,
            created_at: now,
            last_used_at: now,
            client_ip: new.client_ip,
            user_agent: new.user_agent,
            idle_expires_at: (now + policy.idle_ttl).min(expires_at),
            expires_at,
            binding: None,
            delivery: new.delivery,
            ended: None,
        }
    }

    /// Why the session can't be used now, if it can't; whatever token is presented.
    #[must_use]
    pub fn refusal(&self, user_is_active: bool, policy: &Policy, now: Timestamp) -> Option<Refusal> {
        if !user_is_active {
            Some(Refusal::Ended(EndReason::Disabled))
        } else if let Some(ended) = &self.ended {
            Some(Refusal::Ended(ended.reason.clone()))
        } else if policy.not_before.is_some_and(|not_before| self.created_at < not_before) {
            Some(Refusal::Ended(EndReason::Admin))
        } else if policy.second_factor == Requirement::Required && !self.amr.contains(&AuthMethod::MultiFactor) {
            Some(Refusal::Ended(EndReason::SecondFactor))
        } else if now >= self.idle_expires_at || now >= self.expires_at {
            Some(Refusal::Expired)
        } else if self.binding.is_none() && policy.unbound_for.is_some_and(|span| now >= self.created_at + span) {
            Some(Refusal::Unbound)
        } else {
            None
        }
    }

    /// How long an access token made now lives: never longer than the session would.
    #[must_use]
    pub fn access_lifetime(&self, policy: &Policy, now: Timestamp) -> Duration {
        let ttl = if self.binding.is_some() { policy.bound_ttl() } else { policy.access_ttl };
        ttl.min(self.idle_expires_at.since(now)).min(self.expires_at.since(now))
    }
}

/// What a login knows of the session it makes.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Random.
    pub id: SessionId,
    /// Who logged in.
    pub user_id: UserId,
    /// Random.
    pub secret: SessionSecret,
    /// How they have just proved who they are.
    pub amr: Vec<AuthMethod>,
    /// How they want its tokens.
    pub delivery: Delivery,
    /// From where.
    pub client_ip: Option<std::net::IpAddr>,
    /// With what.
    pub user_agent: Option<String>,
}

impl EndReason {
    /// All that this version knows.
    pub const ALL: [Self; 11] = [
        Self::Logout,
        Self::LogoutAll,
        Self::Reuse,
        Self::PasswordChanged,
        Self::Disabled,
        Self::Evicted,
        Self::Replaced,
        Self::Admin,
        Self::Device,
        Self::Unbound,
        Self::SecondFactor,
    ];

    /// The stored form.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::Reuse => "reuse",
            Self::PasswordChanged => "password_changed",
            Self::Disabled => "disabled",
            Self::Evicted => "evicted",
            Self::Replaced => "replaced",
            Self::Admin => "admin",
            Self::Device => "device",
            Self::Unbound => "unbound",
            Self::SecondFactor => "second_factor",
            Self::Other(text) => text.as_str(),
        }
    }

    /// Reads the stored form.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

/// Lifetimes and refresh rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `ACCESS_TOKEN_TTL`.
    pub access_ttl: Duration,
    /// `REFRESH_TOKEN_TTL`: a session unused for this long has expired.
    pub idle_ttl: Duration,
    /// `SESSION_TTL`: the absolute end, however much it is used.
    pub absolute_ttl: Duration,
    /// `REFRESH_GRACE`: the window in which the previous refresh token is answered with its successor.
    pub grace: Duration,
    /// `REFRESH_LOST_REPLIES_PER_DAY`: how many lost replies are forgiven in 24 hours.
    pub lost_replies_per_day: u32,
    /// `SESSIONS_NOT_BEFORE`: sessions created earlier are refused.
    pub not_before: Option<Timestamp>,
    /// `MAX_SESSIONS_PER_USER`.
    pub max_per_user: u32,
    /// `DEVICE_BOUND_TTL`: how long an access token of a bound session lives, if `access_ttl` is not shorter.
    pub bound_ttl: Duration,
    /// `DEVICE_BOUND_SESSIONS=required`: a session that is not bound by then ends. None: it does not.
    pub unbound_for: Option<Duration>,
    /// `SECOND_FACTOR`: where everybody needs one, a session that began without is refused.
    pub second_factor: Requirement,
}

impl Policy {
    /// How long an access token of a bound session lives.
    #[must_use]
    pub fn bound_ttl(&self) -> Duration {
        self.bound_ttl.min(self.access_ttl)
    }
}
