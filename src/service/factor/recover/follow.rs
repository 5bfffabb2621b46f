//! The links of a removal: the one that begins it, those that stop it, and the one that removes.

use std::sync::Arc;
use std::time::Duration;

use super::{may_recover, stop_recovery, void_links};
use crate::domain::account::UserId;
use crate::domain::audit::Event;
use crate::domain::factor::Recovery;
use crate::domain::mail::{Kind, LinkToken, Purpose};
use crate::domain::session::{EndReason, SessionId};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::digest::sha256;
use crate::service::factor::forget_all;
use crate::service::mail::Draft;
use crate::service::session::{end_sessions_of, session_ended};
use crate::service::throttle::{Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::account::Locked;
use crate::storage::mail::{Token, TokenHash};
use crate::storage::{Error, Tx, account, audit, factor, mail};

/// Why a link does nothing.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// Unknown, used, expired, or void by now: nobody outside learns which.
    #[error("the token is invalid or expired")]
    Invalid,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What a link has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The wait goes on until then.
    Started(Timestamp),
    /// It is stopped.
    Cancelled,
    /// The account has no factor any more.
    Removed,
}

/// Takes the token of a link.
///
/// # Errors
/// See [`FollowError`].
pub async fn follow(app: &Arc<App>, client: Client, token: Option<LinkToken>) -> Result<Followed, FollowError> {
    let attempt = Attempt::begin::<FollowError>(app, Scope::Reset, &client, None).await?;
    let hash = sha256(token.ok_or(FollowError::Invalid)?.bytes());
    let app = Arc::clone(app);
    in_own_task(async move {
        let notices = (app.mail.notice(Kind::FactorRecoveryStarted)?, app.mail.notice(Kind::FactorRemoved)?);
        let input = Input { client, hash, wait: app.mail.factor_recovery(), notices };
        let followed = app.store.write(input, |tx, input| Box::pin(input.follow(tx))).await.map_err(Failure::from)?;
        let Some((followed, ended)) = followed else {
            attempt.failed();
            return Err(FollowError::Invalid);
        };
        attempt.succeeded().await;
        app.mail.wake();
        for session in ended {
            session_ended(&app, session, EndReason::SecondFactor);
        }
        Ok(followed)
    })
    .await
}

struct Input {
    client: Client,
    hash: TokenHash,
    wait: Option<Duration>,
    /// That it began, and that the factors are gone.
    notices: (Option<Draft>, Option<Draft>),
}

/// What came of it, and the sessions that it ended. None: the token is good for nothing.
type Outcome = Option<(Followed, Vec<SessionId>)>;

impl Input {
    async fn follow(&self, tx: &mut Tx) -> Result<Outcome, Error> {
        for purpose in [Purpose::RecoveryStart, Purpose::RecoveryCancel, Purpose::RecoveryFinish] {
            let Some(id) = mail::whose(tx, purpose, &self.hash).await? else { continue };
            let Some(locked) = account::lock(tx, id).await? else { return Ok(None) };
            let Some(token) = mail::take(tx, purpose, &self.hash, locked.now).await? else { return Ok(None) };
            return match purpose {
                Purpose::RecoveryStart => self.start(tx, &locked, &token).await,
                Purpose::RecoveryFinish => self.finish(tx, &locked, &token).await,
                _ => {
                    stop_recovery(tx, id, None, &self.client, locked.now).await?;
                    Ok(Some((Followed::Cancelled, Vec::new())))
                }
            };
        }
        Ok(None)
    }

    async fn start(&self, tx: &mut Tx, locked: &Locked, token: &Token) -> Result<Outcome, Error> {
        let (user, now) = (&locked.user, locked.now);
        let Some(wait) = self.wait.filter(|_| may_recover(user)) else { return Ok(None) };
        let is_theirs = token.sent_to.as_deref() == Some(user.email.as_str());
        let has_factor = has_factor(tx, user.id).await?;
        if !is_theirs || !has_factor {
            return Ok(None);
        }
        let under_way = factor::recovery(tx, user.id).await?;
        if let Some(goes_on) = under_way.filter(|recovery| recovery.stands(locked.version, user.is_superuser)) {
            return Ok(Some((Followed::Started(goes_on.due_at), Vec::new())));
        }
        let recovery = Recovery::begin(wait, locked.version, now);
        let next_at = (now + super::tell::EVERY).min(recovery.due_at);
        factor::begin_recovery(tx, user.id, &recovery, next_at).await?;
        audit::append(tx, &self.client.record(Event::FactorRecoveryStarted, user.id, None), now).await?;
        if let Some(notice) = &self.notices.0 {
            notice.tell_of(tx, user, &self.client, Some(recovery.due_at), now).await?;
        }
        Ok(Some((Followed::Started(recovery.due_at), Vec::new())))
    }

    async fn finish(&self, tx: &mut Tx, locked: &Locked, token: &Token) -> Result<Outcome, Error> {
        let (user, now) = (&locked.user, locked.now);
        let recovery = factor::recovery(tx, user.id).await?;
        let removes = |recovery: &Recovery| recovery.removes(token.created_at, locked.version, user.is_superuser, now);
        if self.wait.is_none() || !may_recover(user) || !recovery.as_ref().is_some_and(removes) {
            return Ok(None);
        }
        factor::end_recovery(tx, user.id).await?;
        void_links(tx, user.id).await?;
        if !forget_all(tx, user, &self.client, self.notices.1.as_ref(), now).await? {
            return Ok(None);
        }
        let ended = end_sessions_of(tx, user.id, None, &EndReason::SecondFactor, &self.client, now).await?;
        Ok(Some((Followed::Removed, ended)))
    }
}

async fn has_factor(tx: &mut Tx, id: UserId) -> Result<bool, Error> {
    Ok(factor::standing(tx, id, Timestamp::EPOCH).await?.is_some_and(|(enrolled, _)| enrolled.has_factor()))
}
