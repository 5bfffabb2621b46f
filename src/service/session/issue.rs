//! Makes the two tokens of a session.

use std::time::Duration;

use super::SessionName;
use super::device::{NextChallenge, next_challenge, registration};
use crate::domain::account::ExternalId;
use crate::domain::session::{About, AccessToken, Delivery, Session};
use crate::domain::timestamp::Timestamp;
use crate::platform::refresh_token;
use crate::service::{App, Failure};

/// Both tokens of a session, and how long the browser may keep them: what is left, on replays too.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedTokens {
    /// A signed JWT.
    pub access: String,
    /// How long it lives.
    pub access_max_age: Duration,
    /// Opaque.
    pub refresh: String,
    /// How long it lives: until the session's idle expiry.
    pub refresh_max_age: Duration,
    /// How they are delivered.
    pub delivery: Delivery,
    /// The session's name.
    pub session: SessionName,
    /// What the browser will be known by, where somebody has logged in with it.
    pub device: Option<String>,
    /// That somebody has proved who they are just now, where they have.
    pub recent: Option<String>,
    /// The challenge by which the session can be bound to the browser's device, where that is offered.
    pub offer: Option<String>,
    /// What the device that it is bound to signs next.
    pub next: Option<NextChallenge>,
}

/// Tokens for the session as it is stored, at the time the database told; `external_id` is its user's.
pub(in crate::service) fn issue_tokens(
    app: &App,
    session: &Session,
    external_id: Option<&ExternalId>,
    now: Timestamp,
) -> Result<IssuedTokens, Failure> {
    issue(app, session, external_id, now, None)
}

/// The first tokens of a session. A client that says that it knows bound sessions is offered to bind it; then they live no longer than
/// those of a bound one, so that a copy that was made before is worth no more.
pub(in crate::service) fn issue_first_tokens(
    app: &App,
    session: &Session,
    external_id: Option<&ExternalId>,
    now: Timestamp,
    client_binds: bool,
) -> Result<IssuedTokens, Failure> {
    let offers = client_binds && app.session.device.offered;
    issue(app, session, external_id, now, offers.then(|| registration(app, session.id, now)))
}

fn issue(
    app: &App,
    session: &Session,
    external_id: Option<&ExternalId>,
    now: Timestamp,
    offer: Option<String>,
) -> Result<IssuedTokens, Failure> {
    let policy = &app.session.policy;
    let lifetime = session.access_lifetime(policy, now);
    let lifetime = if offer.is_some() { lifetime.min(policy.bound_ttl()) } else { lifetime };
    let claims = AccessToken {
        user_id: session.user_id,
        session_id: session.id,
        generation: session.generation,
        // Rounded down: an access token does not outlive its session by a fraction of a second.
        expires: Timestamp::from_seconds((now + lifetime).seconds()),
    };
    let about = About { external_id, amr: &session.amr, proved_at: session.proved_at };
    Ok(IssuedTokens {
        access: app.session.access_tokens.sign(&claims, about, now)?,
        access_max_age: lifetime,
        refresh: refresh_token::derive(&app.session.keys, session),
        refresh_max_age: session.idle_expires_at.since(now),
        delivery: session.delivery,
        session: app.session.name_of(session.id),
        device: None,
        recent: None,
        offer,
        next: next_challenge(app, session, now),
    })
}
