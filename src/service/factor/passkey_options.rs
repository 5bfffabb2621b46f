//! What browsers need to ask an authenticator for a passkey.

use std::sync::Arc;

use super::first::ask_for_code;
use super::{PasskeyError, ensure_recent};
use crate::domain::account::{User, UserId};
use crate::domain::factor::{Ceremony, CeremonyFor, CredentialId, MAX_PASSKEYS, Passkey, UserHandle};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::webauthn::{ALGORITHMS, RelyingParty};
use crate::service::session::Caller;
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure};
use crate::storage::{account, factor};

/// A passkey that an account has, as browsers are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// By which authenticators know it.
    pub id: CredentialId,
    /// How they are reached.
    pub transports: Vec<String>,
}

/// For a new passkey.
pub struct CreationOptions {
    /// The domain that it will be good for.
    pub rp_id: String,
    /// `APP_NAME`.
    pub rp_name: String,
    /// How the account is called among passkeys.
    pub handle: UserHandle,
    /// Whose it is.
    pub user: User,
    /// What the authenticator signs.
    pub challenge: [u8; 32],
    /// By which algorithms.
    pub algorithms: [i32; 3],
    /// An authenticator that has one of these makes no other.
    pub exclude: Vec<Known>,
    /// What the browser holds meanwhile.
    pub cookie: String,
}

/// For one that there is.
pub struct RequestOptions {
    /// The domain that it is good for.
    pub rp_id: String,
    /// What the authenticator signs.
    pub challenge: [u8; 32],
    /// Which it may be. None: whichever the person chooses.
    pub allow: Vec<Known>,
    /// Whether the authenticator must make sure who holds it: it may be all that is proved.
    pub must_verify: bool,
    /// What the browser holds meanwhile.
    pub cookie: String,
}

/// For a new passkey of the caller.
///
/// # Errors
/// See [`PasskeyError`].
pub async fn passkey_options(
    app: &Arc<App>,
    caller: &Caller,
    client: &Client,
    presented: &[String],
) -> Result<CreationOptions, PasskeyError> {
    if app.factor.passkeys.is_none() {
        return Err(PasskeyError::Unavailable);
    }
    ensure_recent(app, caller).await?;
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<PasskeyError>(app, Scope::Profile, client, Some(account)).await?;
    let options = creation_options(app, (caller.user.id, caller.session.id.0), presented).await;
    attempt.succeeded().await;
    options
}

/// The same for whoever holds what the challenge is bound to. Where it will be the first factor its code is mailed.
pub(in crate::service) async fn creation_options(
    app: &App,
    bound: (UserId, [u8; 16]),
    presented: &[String],
) -> Result<CreationOptions, PasskeyError> {
    let RelyingParty { id: rp_id, .. } = app.factor.passkeys.as_deref().ok_or(PasskeyError::Unavailable)?;
    let new = UserHandle(app.random.bytes().map_err(Failure::from)?);
    let input = (bound.0, new, app.mail.enrolment()?);
    let kept = app.store.write(input, |tx, (id, new, draft)| {
        Box::pin(async move {
            let Some(locked) = account::lock(tx, *id).await? else { return Ok(None) };
            let Some((enrolled, _)) = factor::standing(tx, *id, Timestamp::EPOCH).await? else { return Ok(None) };
            if !enrolled.has_factor() {
                ask_for_code(tx, draft.as_ref(), &locked.user, locked.now).await?;
            }
            let handle = factor::keep_user_handle(tx, *id, *new).await?;
            Ok(Some((locked.user, handle, factor::passkeys(tx, *id).await?, locked.now)))
        })
    });
    let (user, handle, passkeys, now) = kept.await.map_err(Failure::from)?.ok_or(PasskeyError::Gone)?;
    app.mail.wake();
    if passkeys.len() >= MAX_PASSKEYS {
        return Err(PasskeyError::TooMany);
    }
    let made = app.factor.cookies.ceremony(presented, CeremonyFor::Registration, Some(bound), now);
    let (ceremony, cookie) = made.map_err(Failure::from)?;
    Ok(CreationOptions {
        rp_id: rp_id.clone(),
        rp_name: app.factor.issuer.clone(),
        handle,
        user,
        challenge: ceremony.challenge,
        algorithms: ALGORITHMS,
        exclude: known(passkeys, rp_id),
        cookie,
    })
}

/// To sign in by a passkey alone. Asks nothing of the database.
///
/// # Errors
/// See [`PasskeyError`].
pub fn login_options(app: &App, presented: &[String]) -> Result<RequestOptions, PasskeyError> {
    let relying_party = app.factor.passkeys.as_deref().ok_or(PasskeyError::Unavailable)?;
    let made = app.factor.cookies.ceremony(presented, CeremonyFor::SignIn, None, app.clock.now());
    Ok(request(relying_party, made.map_err(Failure::from)?, Vec::new(), true))
}

/// To prove a passkey once more in a session.
///
/// # Errors
/// See [`PasskeyError`].
pub async fn reproof_options(app: &App, caller: &Caller, presented: &[String]) -> Result<RequestOptions, PasskeyError> {
    let bound = (caller.user.id, caller.session.id.0);
    options_of(app, presented, CeremonyFor::Reproof, bound, true).await
}

/// For one of the passkeys of somebody who is known.
pub(in crate::service) async fn options_of(
    app: &App,
    presented: &[String],
    purpose: CeremonyFor,
    bound: (UserId, [u8; 16]),
    must_verify: bool,
) -> Result<RequestOptions, PasskeyError> {
    let relying_party = app.factor.passkeys.as_deref().ok_or(PasskeyError::Unavailable)?;
    let mut tx = app.store.read().await.map_err(Failure::from)?;
    let now = tx.now().await.map_err(Failure::from)?;
    let allow = known(factor::passkeys(&mut tx, bound.0).await.map_err(Failure::from)?, &relying_party.id);
    if allow.is_empty() {
        // An empty list would ask for whichever there is.
        return Err(PasskeyError::NoFactor);
    }
    let made = app.factor.cookies.ceremony(presented, purpose, Some(bound), now);
    Ok(request(relying_party, made.map_err(Failure::from)?, allow, must_verify))
}

fn request(
    relying_party: &RelyingParty,
    (ceremony, cookie): (Ceremony, String),
    allow: Vec<Known>,
    must_verify: bool,
) -> RequestOptions {
    RequestOptions { rp_id: relying_party.id.clone(), challenge: ceremony.challenge, allow, must_verify, cookie }
}

fn known(passkeys: Vec<Passkey>, rp_id: &str) -> Vec<Known> {
    let credentials = passkeys.into_iter().map(|passkey| passkey.credential).filter(|one| one.rp_id == rp_id);
    credentials.map(|one| Known { id: one.id, transports: one.transports }).collect()
}
