//! Leaving.

use std::sync::Arc;

use crate::domain::account::UserId;
use crate::domain::audit::Event;
use crate::domain::mail::{Kind, Purpose};
use crate::domain::session::{EndReason, SessionId};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::operator::{self, Changed};
use crate::service::password::{Proof, ProofError, prove, waiting};
use crate::service::session::{end_sessions_of, session_ended};
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit, mail, password};

/// Why an account is still there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The password was not proved.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Nobody else could do what a superuser does.
    #[error("the last superuser can't leave")]
    LastSuperuser,
}

impl From<Failure> for EraseError {
    fn from(failure: Failure) -> Self {
        Self::Proof(failure.into())
    }
}

/// What became of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// It is gone.
    Now,
    /// Nobody can log in, and it will be gone once its former address can't take it back any more.
    Later,
}

/// Erases the caller's account, with all sessions, for ever: at once, or, where somebody may still take back the address that it had, when
/// that time is over. Else whoever steals an account could make its owner's way back lead to nothing.
///
/// # Errors
/// See [`EraseError`].
pub async fn erase(app: &Arc<App>, proof: Proof) -> Result<Erased, EraseError> {
    let account = throttle::in_session(app, &proof.caller);
    let attempt =
        Attempt::begin_to_hash::<ProofError>(app, Scope::Reauthenticate, &proof.client, Some(account)).await?;
    let admitted = attempt.place::<ProofError>().await?;
    let (_waiting, mut hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(async move {
        let (id, client) = (proof.caller.user.id, proof.client.clone());
        let (attempt, _) = prove(&app, admitted, &proof, &mut hung_up).await?;
        if let Some(ended) = plan(&app, id, &client).await? {
            attempt.succeeded().await;
            for session in ended {
                session_ended(&app, session, EndReason::Disabled);
            }
            app.mail.wake();
            return Ok(Erased::Later);
        }
        let erased = operator::erase(&app, id, &client, false).await?;
        attempt.succeeded().await;
        match erased {
            Changed::Done | Changed::Unknown | Changed::Taken => Ok(Erased::Now),
            Changed::LastSuperuser => Err(EraseError::LastSuperuser),
        }
    })
    .await
}

/// Closes an account whose former address has a way back. Returns the sessions that ended. None: it has none.
async fn plan(app: &App, id: UserId, client: &Client) -> Result<Option<Vec<SessionId>>, Failure> {
    let notice = app.mail.notice(Kind::DeletionPlanned)?;
    let planned = app.store.write((id, client.clone(), notice), |tx, (id, client, notice)| {
        Box::pin(async move {
            let Some(locked) = account::lock(tx, *id).await? else { return Ok(None) };
            let Some(until) = mail::good_until(tx, Purpose::WayBack, *id, locked.now).await? else { return Ok(None) };
            account::plan_erasure(tx, *id, until, locked.now).await?;
            password::void(tx, *id).await?;
            audit::append(tx, &client.record(Event::DeletionPlanned, *id, None), locked.now).await?;
            if let Some(notice) = notice {
                notice.tell_of(tx, &locked.user, client, Some(until), locked.now).await?;
            }
            end_sessions_of(tx, *id, None, &EndReason::Disabled, client, locked.now).await.map(Some)
        })
    });
    Ok(planned.await?)
}

/// Erases what was deleted, and can't be taken back any more.
///
/// # Errors
/// When the database does not answer.
pub(in crate::service) async fn erase_due(app: &App, now: Timestamp) -> Result<(), Failure> {
    let due = account::due_erasures(&mut app.store.read().await?, now).await?;
    for id in due {
        operator::erase(app, id, &Client::default(), true).await?;
    }
    Ok(())
}
