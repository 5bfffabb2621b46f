//! The one way in which a session ends, whoever asks: row, audit record and notification in one transaction, then the tombstone.

use std::sync::Arc;

use crate::domain::account::UserId;
use crate::domain::audit::{Actor, Event, Record};
use crate::domain::session::{EndReason, Refusal, Session, SessionId};
use crate::domain::timestamp::Timestamp;
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, audit, session};

/// Ends one session in a transaction of its own. Whether it did: a session ends once, for one reason.
pub(in crate::service) async fn end_by_id(
    app: &App,
    id: SessionId,
    reason: EndReason,
    client: &Client,
) -> Result<bool, Failure> {
    let input = (id, reason.clone(), client.clone());
    let ended = app.store.write(input, |tx, (id, reason, client)| {
        Box::pin(async move {
            match session::lock_after_user(tx, *id).await? {
                Some(locked) => end_session(tx, &locked.session, reason, client, locked.now).await,
                None => Ok(false),
            }
        })
    });
    let ended = ended.await?;
    if ended {
        session_ended(app, id, reason);
    }
    Ok(ended)
}

/// Ends a session that was to be bound to a device by now and is not, so that it stays refused, whatever the settings say later.
pub(super) async fn end_unbound(app: &Arc<App>, id: SessionId) -> Result<(), Failure> {
    let app = Arc::clone(app);
    in_own_task(async move {
        let ended = app.store.write(app.session.policy.clone(), move |tx, policy| {
            Box::pin(async move {
                let Some(locked) = session::lock_after_user(tx, id).await? else { return Ok(false) };
                // What was read before the lock may have been bound meanwhile.
                if locked.session.refusal(locked.user_active, policy, locked.now) != Some(Refusal::Unbound) {
                    return Ok(false);
                }
                end_session(tx, &locked.session, &EndReason::Unbound, &Client::default(), locked.now).await
            })
        });
        if ended.await? {
            session_ended(&app, id, EndReason::Unbound);
        }
        Ok(())
    })
    .await
}

/// After the commit: this node refuses the session's access tokens at once.
pub(in crate::service) fn session_ended(app: &App, id: SessionId, reason: EndReason) {
    app.metrics.sessions_ended.add(reason.as_str());
    tracing::info!(session_id = %id, reason = reason.as_str(), "session ended");
    app.session.cache.end(id, reason);
}

/// Ends a session whose user's row, and then its own, this transaction has locked: the row and its audit record together.
pub(in crate::service) async fn end_session(
    tx: &mut Tx,
    session: &Session,
    reason: &EndReason,
    client: &Client,
    now: Timestamp,
) -> Result<bool, storage::Error> {
    if !session::end(tx, session.id, reason, now).await? {
        return Ok(false);
    }
    let event = match reason {
        EndReason::Logout => Event::LoggedOut,
        EndReason::Reuse => Event::RefreshReused,
        _ => Event::SessionEnded,
    };
    let actor = match reason {
        EndReason::Reuse | EndReason::Evicted | EndReason::Device | EndReason::Unbound => Actor::Service,
        _ => client.actor.clone(),
    };
    let detail = Some(reason.as_str().to_owned());
    let record = Record { actor, detail, ..client.record(event, session.user_id, Some(session.id)) };
    audit::append(tx, &record, now).await?;
    Ok(true)
}

/// Ends the live sessions of a user whose row this transaction has locked, but for one that is kept. Returns which, to be
/// [remembered](session_ended) after the commit.
pub(in crate::service) async fn end_sessions_of(
    tx: &mut Tx,
    user_id: UserId,
    kept: Option<SessionId>,
    reason: &EndReason,
    client: &Client,
    now: Timestamp,
) -> Result<Vec<SessionId>, storage::Error> {
    let mut live = session::live_of_user(tx, user_id, now).await?;
    live.retain(|session| Some(session.id) != kept);
    for session in &live {
        end_session(tx, session, reason, client, now).await?;
    }
    Ok(live.into_iter().map(|session| session.id).collect())
}
