//! The one way in which a session begins.

use super::{end_session, session_ended};
use crate::domain::account::UserId;
use crate::domain::audit::{Event, Record};
use crate::domain::factor::SignedIn;
use crate::domain::session::{Delivery, EndReason, NewSession, Policy, Session, SessionId, SessionSecret};
use crate::domain::timestamp::Timestamp;
use crate::service::{App, Client, Failure};
use crate::storage::{self, Tx, audit, session};

/// What the transaction made.
pub(in crate::service) struct Begun {
    pub(in crate::service) session: Session,
    pub(in crate::service) now: Timestamp,
    evicted: Vec<SessionId>,
}

/// The random parts of a session, whose it will be, and how its tokens are delivered.
#[derive(Clone)]
pub(in crate::service) struct Prepared {
    id: SessionId,
    pub(in crate::service) user_id: UserId,
    secret: SessionSecret,
    delivery: Delivery,
}

/// What a session takes over from the one in whose place it begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct Kept {
    proved_at: Option<Timestamp>,
    expires_at: Timestamp,
}

impl Kept {
    /// When somebody proved who they are, and the absolute end: a session that follows on another one is no new login.
    pub(in crate::service) const fn of(session: &Session) -> Self {
        Self { proved_at: session.proved_at, expires_at: session.expires_at }
    }
}

/// Draws the random parts.
pub(in crate::service) fn prepare_session(app: &App, user_id: UserId, delivery: Delivery) -> Result<Prepared, Failure> {
    let (id, secret) = (SessionId(app.random.bytes()?), SessionSecret(app.random.bytes()?));
    Ok(Prepared { id, user_id, secret, delivery })
}

/// Stores a new session of a user whose row this transaction has locked, and who has proved enough: by what `detail` tells, where that
/// is more than a password. More sessions than a user may have: the least recently used are ended, never the new one.
pub(in crate::service) async fn begin_session(
    tx: &mut Tx,
    prepared: &Prepared,
    (signed_in, detail): (&SignedIn, Option<&str>),
    kept: Option<Kept>,
    policy: &Policy,
    client: &Client,
    now: Timestamp,
) -> Result<Begun, storage::Error> {
    let mut others = session::live_of_user(tx, prepared.user_id, now).await?;
    let surplus = (others.len() + 1).saturating_sub(policy.max_per_user as usize);
    others.sort_by_key(|session| session.last_used_at);
    others.truncate(surplus);
    for session in &others {
        end_session(tx, session, &EndReason::Evicted, client, now).await?;
    }
    let new = NewSession {
        id: prepared.id,
        user_id: prepared.user_id,
        secret: prepared.secret.clone(),
        amr: signed_in.methods().to_vec(),
        delivery: prepared.delivery,
        client_ip: client.ip,
        user_agent: client.user_agent.clone(),
    };
    let mut session = Session::begin(new, policy, now);
    if let Some(Kept { proved_at, expires_at }) = kept {
        // Rows of versions before have none: the password was proved just now.
        session.proved_at = proved_at.or(Some(now));
        session.expires_at = session.expires_at.min(expires_at);
        session.idle_expires_at = session.idle_expires_at.min(session.expires_at);
    }
    session::insert(tx, &session).await?;
    let detail = detail.map(str::to_owned);
    let record = Record { detail, ..client.record(Event::LoginSucceeded, session.user_id, Some(session.id)) };
    audit::append(tx, &record, now).await?;
    Ok(Begun { session, now, evicted: others.into_iter().map(|session| session.id).collect() })
}

/// After the commit.
pub(in crate::service) fn session_begun(app: &App, begun: &Begun) {
    for id in &begun.evicted {
        session_ended(app, *id, EndReason::Evicted);
    }
    app.metrics.sessions_begun.add();
    tracing::info!(user_id = %begun.session.user_id, session_id = %begun.session.id, "session begun");
}
