//! Calling a passkey something else, and doing without it.

use std::sync::Arc;

use super::{PasskeyError, PasskeyOf, ensure_recent, removed};
use crate::domain::factor::{PasskeyId, PasskeyName, Requirement};
use crate::domain::mail::Kind;
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::session::Caller;
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, factor};

/// Gives one of the caller's passkeys another name.
///
/// # Errors
/// See [`PasskeyError`].
pub async fn rename_passkey(
    app: &Arc<App>,
    caller: &Caller,
    client: &Client,
    id: PasskeyId,
    name: PasskeyName,
) -> Result<PasskeyOf, PasskeyError> {
    ensure_recent(app, caller).await?;
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<PasskeyError>(app, Scope::Profile, client, Some(account)).await?;
    let renamed = app.store.write((caller.user.id, id, name), |tx, (user_id, id, name)| {
        Box::pin(async move {
            if !factor::rename_passkey(tx, *user_id, *id, name).await? {
                return Ok(None);
            }
            Ok(factor::passkeys(tx, *user_id).await?.into_iter().find(|passkey| passkey.id == *id))
        })
    });
    let renamed = renamed.await.map_err(Failure::from)?;
    attempt.succeeded().await;
    renamed.map(PasskeyOf::from).ok_or(PasskeyError::NotFound)
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    Removed,
    Not(PasskeyError),
}

/// Removes one of the caller's passkeys; the last factor takes the recovery codes with it.
///
/// # Errors
/// See [`PasskeyError`].
pub async fn remove_passkey(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
    id: PasskeyId,
) -> Result<(), PasskeyError> {
    ensure_recent(app, caller).await?;
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<PasskeyError>(app, Scope::Profile, &client, Some(account)).await?;
    let (app, user_id) = (Arc::clone(app), caller.user.id);
    in_own_task(async move {
        let (notice, requirement) = (app.mail.notice(Kind::FactorRemoved)?, app.session.policy.second_factor);
        let found = app.store.write(
            (user_id, id, client, notice, requirement),
            |tx, (user_id, id, client, notice, requirement)| {
                Box::pin(async move {
                    let Some(locked) = account::lock(tx, *user_id).await? else {
                        return Ok(Found::Not(PasskeyError::Gone));
                    };
                    let standing = factor::standing(tx, *user_id, Timestamp::EPOCH).await?;
                    let Some((enrolled, _)) = standing else { return Ok(Found::Not(PasskeyError::Gone)) };
                    let is_theirs = factor::passkeys(tx, *user_id).await?.iter().any(|passkey| passkey.id == *id);
                    if !is_theirs {
                        return Ok(Found::Not(PasskeyError::NotFound));
                    }
                    let is_last = !enrolled.totp && enrolled.passkeys < 2;
                    if is_last && *requirement == Requirement::Required {
                        return Ok(Found::Not(PasskeyError::LastFactor));
                    }
                    factor::remove_passkey(tx, *user_id, *id, locked.now).await?;
                    removed(tx, &locked.user, "passkey", client, notice.as_ref(), locked.now).await?;
                    Ok(Found::Removed)
                })
            },
        );
        let found = found.await.map_err(Failure::from)?;
        attempt.succeeded().await;
        app.mail.wake();
        match found {
            Found::Removed => Ok(()),
            Found::Not(error) => Err(error),
        }
    })
    .await
}

/// A domain other than the one that passkeys are made for now, which some are stored of, and how many.
///
/// # Errors
/// When the database does not answer.
pub async fn stranded(app: &App) -> Result<Option<(String, u64)>, Failure> {
    let rp_id = app.factor.passkeys.as_ref().map(|relying_party| relying_party.id.as_str());
    Ok(factor::other_domain(&mut app.store.read().await?, rp_id).await?)
}
