//! The one way in which a session begins.

use super::{end_session, session_ended};
use crate::domain::account::UserId;
use crate::domain::audit::Event;
use crate::domain::session::{AuthMethod, EndReason, NewSession, Policy, Session, SessionId, SessionSecret};
use crate::domain::timestamp::Timestamp;
use crate::service::{App, Client, Failure};
use crate::storage::{self, Tx, audit, session};

/// What the transaction made.
pub(in crate::service) struct Begun {
    pub(in crate::service) session: Session,
    pub(in crate::service) now: Timestamp,
    evicted: Vec<SessionId>,
}

/// The random parts of a session, and who begins it by which proofs.
pub(in crate::service) fn prepare_session(
    app: &App,
    client: &Client,
    user_id: UserId,
    amr: Vec<AuthMethod>,
) -> Result<NewSession, Failure> {
    Ok(NewSession {
        id: SessionId(app.random.bytes()?),
        user_id,
        secret: SessionSecret(app.random.bytes()?),
        amr,
        client_ip: client.ip,
        user_agent: client.user_agent.clone(),
    })
}

/// Stores a new session of a user whose row this transaction has locked. More sessions than a user may have: the least recently
/// used are ended, never the new one.
pub(in crate::service) async fn begin_session(
    tx: &mut Tx,
    new: NewSession,
    policy: &Policy,
    client: &Client,
    now: Timestamp,
) -> Result<Begun, storage::Error> {
    let mut others = session::live_of_user(tx, new.user_id, now).await?;
    let surplus = (others.len() + 1).saturating_sub(policy.max_per_user as usize);
    others.sort_by_key(|session| session.last_used_at);
    others.truncate(surplus);
    for session in &others {
        end_session(tx, session, &EndReason::Evicted, client, now).await?;
    }
    let session = Session::begin(new, policy, now);
    session::insert(tx, &session).await?;
    audit::append(tx, &client.record(Event::LoginSucceeded, session.user_id, Some(session.id)), now).await?;
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
