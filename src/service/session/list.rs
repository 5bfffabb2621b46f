//! A person's own sessions: which there are, and ending them.

use std::sync::Arc;

use super::{Caller, end_by_id, end_sessions_of, session_ended};
use crate::domain::session::{EndReason, Session, SessionId};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, session};

/// The live sessions, the most recently used first. The asking one was used now: told the stored time, a thief with a copied
/// cookie would learn when the owner rotates.
///
/// # Errors
/// When the database can't be asked.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Session>, Failure> {
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    let mut live = session::list_of_user(&mut tx, caller.user.id, now).await?;
    live.retain(|session| session.refusal(true, &app.session.policy, now).is_none());
    for session in &mut live {
        if session.id == caller.session.id {
            session.last_used_at = now;
        }
    }
    live.sort_by_key(|session| std::cmp::Reverse(session.last_used_at));
    Ok(live)
}

/// Ends one of the caller's sessions. False: the caller has no live session of this id.
///
/// # Errors
/// When the database can't be asked.
pub async fn end(app: &Arc<App>, caller: &Caller, client: Client, id: SessionId) -> Result<bool, Failure> {
    let owner = {
        let mut tx = app.store.read().await?;
        session::find(&mut tx, id).await?.map(|(session, _)| session.user_id)
    };
    if owner != Some(caller.user.id) {
        return Ok(false);
    }
    let app = Arc::clone(app);
    in_own_task(async move { end_by_id(&app, id, EndReason::Logout, &client).await }).await
}

/// Ends all of the caller's sessions, or all but the asking one.
///
/// # Errors
/// When the database can't be asked: then nothing has ended.
pub async fn end_all(app: &Arc<App>, caller: &Caller, client: Client, keep_current: bool) -> Result<(), Failure> {
    let (user_id, kept) = (caller.user.id, keep_current.then_some(caller.session.id));
    let app = Arc::clone(app);
    in_own_task(async move {
        let ended = app.store.write((user_id, kept, client), |tx, (user_id, kept, client)| {
            Box::pin(async move {
                let Some(locked) = account::lock(tx, *user_id).await? else { return Ok(Vec::new()) };
                end_sessions_of(tx, *user_id, *kept, &EndReason::LogoutAll, client, locked.now).await
            })
        });
        for id in ended.await? {
            session_ended(&app, id, EndReason::LogoutAll);
        }
        Ok(())
    })
    .await
}
