//! The one way in which a session ends, whoever asks: row, audit record and notification in one transaction, then the tombstone.

use super::{App, Client, Failure};
use crate::domain::audit::{Event, Record};
use crate::domain::session::{EndReason, Session, SessionId};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::UserId;
use crate::storage::{self, Tx, audit, sessions};

/// Ends one session in a transaction of its own. Whether it did: a session ends once, for one reason.
pub(super) async fn end(app: &App, id: SessionId, reason: EndReason, client: &Client) -> Result<bool, Failure> {
    let client = client.clone();
    let ended = app
        .store
        .write(move |tx| {
            let client = client.clone();
            Box::pin(async move {
                match sessions::lock_after_user(tx, id).await? {
                    Some(locked) => in_transaction(tx, &locked.session, reason, &client, locked.now).await,
                    None => Ok(false),
                }
            })
        })
        .await?;
    if ended {
        remember(app, id, reason);
    }
    Ok(ended)
}

/// After the commit: this node refuses the session's access tokens at once.
pub(super) fn remember(app: &App, id: SessionId, reason: EndReason) {
    app.cache.end(id, reason);
    tracing::info!(session_id = %id, reason = reason.as_str(), "session ended");
}

/// Ends a session whose user's row, and then its own, this transaction has locked: the row and its audit record together.
pub(super) async fn in_transaction(
    tx: &mut Tx,
    session: &Session,
    reason: EndReason,
    client: &Client,
    now: Timestamp,
) -> Result<bool, storage::Error> {
    if !sessions::end(tx, session.id, reason, now).await? {
        return Ok(false);
    }
    let event = match reason {
        EndReason::Logout => Event::LoggedOut,
        EndReason::Reuse => Event::RefreshReused,
        _ => Event::SessionEnded,
    };
    let detail = Some(reason.as_str().to_owned());
    let record = Record { detail, ..client.record(event, session.user_id, Some(session.id)) };
    audit::append(tx, &record, now).await?;
    Ok(true)
}

/// Ends the live sessions of a user whose row this transaction has locked, but for one that is kept. Returns which, to be
/// [remembered](remember) after the commit.
pub(super) async fn all_in_transaction(
    tx: &mut Tx,
    user_id: UserId,
    kept: Option<SessionId>,
    reason: EndReason,
    client: &Client,
    now: Timestamp,
) -> Result<Vec<SessionId>, storage::Error> {
    let mut live = sessions::live_of_user(tx, user_id, now).await?;
    live.retain(|session| Some(session.id) != kept);
    for session in &live {
        in_transaction(tx, session, reason, client, now).await?;
    }
    Ok(live.into_iter().map(|session| session.id).collect())
}
