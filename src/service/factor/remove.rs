//! Doing without a factor, and new recovery codes.

use std::sync::Arc;

use super::{NotRecent, draw_codes, ensure_recent};
use crate::domain::account::User;
use crate::domain::audit::{Event, Record};
use crate::domain::factor::{Method, RecoveryCode, Requirement};
use crate::domain::mail::Kind;
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::mail::Draft;
use crate::service::session::Caller;
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, audit, factor};

/// Why it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// It is to be proved again who asks.
    #[error("it was proved too long ago")]
    Wanted(Vec<Method>),
    /// The account is gone.
    #[error("the account is gone")]
    Gone,
    /// It is the last factor, and everybody needs one: another app can take its place.
    #[error("it is the last factor")]
    LastFactor,
    /// The account has no factor that recovery codes could stand in for.
    #[error("the account has no factor")]
    NoFactor,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<NotRecent> for RemoveError {
    fn from(error: NotRecent) -> Self {
        match error {
            NotRecent::Wanted(methods) => Self::Wanted(methods),
            NotRecent::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    Done,
    LastFactor,
    Gone,
}

/// Removes the caller's app; where it was the last factor the recovery codes go with it, and from then on the password is enough. An
/// account that has none is left as it is.
///
/// # Errors
/// See [`RemoveError`].
pub async fn remove_totp(app: &Arc<App>, caller: &Caller, client: Client) -> Result<(), RemoveError> {
    ensure_recent(app, caller).await?;
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<RemoveError>(app, Scope::Profile, &client, Some(account)).await?;
    let (app, id) = (Arc::clone(app), caller.user.id);
    in_own_task(async move {
        let (notice, requirement) = (app.mail.notice(Kind::FactorRemoved)?, app.session.policy.second_factor);
        let found = app.store.write((id, client, notice, requirement), |tx, (id, client, notice, requirement)| {
            Box::pin(async move {
                let Some(locked) = account::lock(tx, *id).await? else { return Ok(Found::Gone) };
                let standing = factor::standing(tx, *id, Timestamp::EPOCH).await?;
                let Some((enrolled, _)) = standing else { return Ok(Found::Gone) };
                if enrolled.passkeys == 0 && *requirement == Requirement::Required {
                    return Ok(Found::LastFactor);
                }
                if factor::remove_totp(tx, *id, locked.now).await? {
                    removed(tx, &locked.user, "totp", client, notice.as_ref(), locked.now).await?;
                }
                Ok(Found::Done)
            })
        });
        let found = found.await.map_err(Failure::from)?;
        attempt.succeeded().await;
        app.mail.wake();
        match found {
            Found::Done => Ok(()),
            Found::LastFactor => Err(RemoveError::LastFactor),
            Found::Gone => Err(RemoveError::Gone),
        }
    })
    .await
}

/// Removes all factors of an account whose row is locked, and tells of it. False: it had none.
pub(in crate::service) async fn forget_all(
    tx: &mut Tx,
    user: &User,
    client: &Client,
    notice: Option<&Draft>,
    now: Timestamp,
) -> Result<bool, storage::Error> {
    let (totp, passkeys) = (factor::totp(tx, user.id).await?.is_some(), factor::passkeys(tx, user.id).await?.len());
    let what = match (totp, passkeys) {
        (true, 0) => "totp".to_owned(),
        (false, count) => format!("{count} passkeys"),
        (true, count) => format!("totp, {count} passkeys"),
    };
    if !factor::remove_all(tx, user.id, now).await? {
        return Ok(false);
    }
    removed(tx, user, &what, client, notice, now).await?;
    Ok(true)
}

/// Tells of a factor that is gone.
pub(in crate::service) async fn removed(
    tx: &mut Tx,
    user: &User,
    what: &str,
    client: &Client,
    notice: Option<&Draft>,
    now: Timestamp,
) -> Result<(), storage::Error> {
    let record = Record { detail: Some(what.to_owned()), ..client.record(Event::FactorRemoved, user.id, None) };
    audit::append(tx, &record, now).await?;
    if let Some(notice) = notice {
        notice.tell(tx, user, client, now).await?;
    }
    Ok(())
}

/// Makes new recovery codes; none of the old ones is good any more.
///
/// # Errors
/// See [`RemoveError`].
pub async fn new_recovery_codes(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
) -> Result<Vec<RecoveryCode>, RemoveError> {
    ensure_recent(app, caller).await?;
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<RemoveError>(app, Scope::Profile, &client, Some(account)).await?;
    let (app, id) = (Arc::clone(app), caller.user.id);
    in_own_task(async move {
        let (shown, codes) = draw_codes(&app)?;
        let notice = app.mail.notice(Kind::RecoveryCodesMade)?;
        let made = app.store.write((id, client, codes, notice), |tx, (id, client, codes, notice)| {
            Box::pin(async move {
                let Some(locked) = account::lock(tx, *id).await? else { return Ok(None) };
                let standing = factor::standing(tx, *id, Timestamp::EPOCH).await?;
                let Some((enrolled, _)) = standing else { return Ok(None) };
                if !enrolled.has_factor() {
                    return Ok(Some(false));
                }
                factor::replace_recovery_codes(tx, *id, codes, locked.now).await?;
                audit::append(tx, &client.record(Event::RecoveryCodesMade, *id, None), locked.now).await?;
                if let Some(notice) = notice {
                    notice.tell(tx, &locked.user, client, locked.now).await?;
                }
                Ok(Some(true))
            })
        });
        match made.await.map_err(Failure::from)? {
            None => return Err(RemoveError::Gone),
            Some(false) => return Err(RemoveError::NoFactor),
            Some(true) => {}
        }
        attempt.succeeded().await;
        app.mail.wake();
        Ok(shown)
    })
    .await
}
