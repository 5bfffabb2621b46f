//! Logging in.

use std::sync::Arc;

use super::authenticate::identify_refresh;
use super::{
    Begun, Browser, IssuedTokens, begin_session, end_session, issue_first_tokens, prepare_session, session_begun,
    session_ended,
};
use crate::config::mail::Verification;
use crate::domain::account::{Email, ExternalId, UserId};
use crate::domain::audit::Event;
use crate::domain::mail::{Budget, Kind};
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::{AuthMethod, EndReason, Policy, RefreshToken, Refusal, SessionId, Verdict};
use crate::domain::throttle::{Guesser, Scope};
use crate::platform::hashing::Place;
use crate::service::mail::{Draft, verification};
use crate::service::password::{HungUp, verify, waiting};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, audit, session};

/// What a person logs in with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// In canonical form.
    pub email: Email,
    /// As typed; the policy is not asked: an imported account may not satisfy it.
    pub password: Password,
}

/// What a successful login leads to. A second factor would be another variant.
pub enum LoginOutcome {
    /// The person is logged in.
    SignedIn(IssuedTokens),
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown email, wrong password, disabled account, or a value that no account can have: nobody outside learns which.
    #[error("incorrect email or password")]
    Incorrect,
    /// The password is right, and the address must be confirmed first. A link is on its way.
    #[error("the email is not verified")]
    EmailNotVerified,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A person whose password was right.
#[derive(Clone)]
pub(in crate::service) struct Verified {
    pub user_id: UserId,
    pub email: Email,
    /// The stored one.
    pub password_hash: PasswordHash,
    /// The same password by our own bcrypt at the configured cost, where the stored one was another.
    rehashed: Option<PasswordHash>,
    /// Nobody has logged in to the account before.
    is_first: bool,
    /// The address is.
    pub is_confirmed: bool,
}

impl LoginOutcome {
    /// A word for it, for metrics.
    const fn word(&self) -> &'static str {
        match self {
            Self::SignedIn(_) => "signed_in",
        }
    }
}

impl LoginError {
    const fn word(&self) -> &'static str {
        match self {
            Self::Incorrect => "incorrect",
            Self::EmailNotVerified => "email_not_verified",
            Self::Limited(limited) => limited.word(),
            Self::Failed(_) => "failed",
        }
    }
}

/// Logs in. `credentials` are none when no account can have what was submitted: that takes as long as a wrong password. What the
/// browser brings tells whether it has been here before, and which session the new one replaces.
///
/// Whoever is not admitted is told so before anything of the account is read, and so learns nothing of it.
///
/// # Errors
/// See [`LoginError`].
pub async fn login(
    app: &Arc<App>,
    client: Client,
    credentials: Option<Credentials>,
    browser: Browser,
) -> Result<LoginOutcome, LoginError> {
    let outcome = log_in(app, client, credentials, browser).await;
    app.metrics.logins.add(outcome.as_ref().map_or_else(LoginError::word, LoginOutcome::word));
    outcome
}

async fn log_in(
    app: &Arc<App>,
    client: Client,
    credentials: Option<Credentials>,
    browser: Browser,
) -> Result<LoginOutcome, LoginError> {
    let known = credentials.as_ref().and_then(|of| app.session.devices.device(&browser.device, &of.email));
    let account = credentials.as_ref().map(|credentials| {
        let device = known;
        throttle::account(app, &credentials.email, device.map_or(Guesser::Stranger, Guesser::Device))
    });
    let attempt = Attempt::begin::<LoginError>(app, Scope::Login, &client, account).await?;
    let admitted = attempt.place::<LoginError>().await?;
    let (_waiting, hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(async move {
        let (attempt, verified) = verify_credentials(&app, admitted, &client, credentials, hung_up).await?;
        if app.mail.verification() == Verification::Required && !verified.is_confirmed {
            // An account from before that was asked for, or one that an operator has made.
            attempt.succeeded().await;
            mail_link(&app, verified.user_id, known).await?;
            return Err(LoginError::EmailNotVerified);
        }
        // Only a token that would still have refreshed is of a session that this browser uses.
        let presented = identify_refresh(&app, &client, &browser.refresh).await?.map(|identified| identified.token);
        let email = verified.email.clone();
        // Nobody need be told of the first login of all.
        let is_new = known.is_none() && !verified.is_first;
        let notice = if is_new { app.mail.notice(Kind::NewDevice)? } else { None };
        let Some((begun, external_id)) = begin(&app, &client, verified, presented, notice).await? else {
            attempt.failed();
            return Err(LoginError::Incorrect);
        };
        attempt.succeeded().await;
        if is_new {
            app.mail.wake();
        }
        let device = app.session.devices.issue(&browser.device, &email).map_err(Failure::from)?;
        let Begun { session, now, .. } = begun;
        let tokens = issue_first_tokens(&app, &session, external_id.as_ref(), now, browser.binds)?;
        Ok(LoginOutcome::SignedIn(IssuedTokens { device: Some(device), ..tokens }))
    })
    .await
}

/// Looks at the password. Takes the same number of hash rounds whatever is wrong.
pub(in crate::service) async fn verify_credentials(
    app: &App,
    (attempt, place): (Attempt, Place),
    client: &Client,
    credentials: Option<Credentials>,
    hung_up: HungUp,
) -> Result<(Attempt, Verified), LoginError> {
    let stored = match &credentials {
        Some(Credentials { email, .. }) => {
            let mut tx = app.store.read().await.map_err(Failure::from)?;
            account::credentials(&mut tx, email).await.map_err(Failure::from)?
        }
        None => None,
    };
    let (known, stored_hash) = stored.map(|stored| (stored.user, stored.password_hash)).unzip();
    let (email, password) = credentials.map(|credentials| (credentials.email, credentials.password)).unzip();
    let Some(verified) = verify(place, password.clone(), stored_hash.clone(), hung_up).await else {
        // Nobody waits for this answer.
        attempt.failed();
        return Err(LoginError::Incorrect);
    };
    let (attempt, verified) = attempt.unless_refused::<_, LoginError>(verified).await?;
    match (known, stored_hash, email.zip(password)) {
        (Some(user), Some(password_hash), Some((email, password))) if verified.matches && user.is_active => {
            let rehashed = if verified.outdated { app.password.hashing.hash(password).await.ok() } else { None };
            let (is_first, is_confirmed) = (user.last_login.is_none(), user.email_verified_at.is_some());
            let verified = Verified { user_id: user.id, email, password_hash, rehashed, is_first, is_confirmed };
            Ok((attempt, verified))
        }
        (known, ..) => {
            attempt.failed();
            refuse(app, client, known.map(|user| user.id)).await?;
            Err(LoginError::Incorrect)
        }
    }
}

/// Mails a link that confirms the address of somebody who knows the password.
async fn mail_link(app: &App, id: UserId, known: Option<[u8; 16]>) -> Result<(), Failure> {
    let Ok(link) = app.mail.link_mail(Kind::Verify)? else { return Ok(()) };
    let budget = known.map_or(Budget::Asked, Budget::Device);
    let mailed = app.store.write((id, link, budget), |tx, (id, link, budget)| {
        Box::pin(async move {
            let Some(locked) = account::lock(tx, *id).await? else { return Ok(()) };
            verification(tx, link, &locked.user, budget, locked.now).await
        })
    });
    mailed.await?;
    app.mail.wake();
    Ok(())
}

/// Remembers a refused login; not whose it was, when the account was erased while its password was looked at. The same work
/// whether the account exists or not.
async fn refuse(app: &App, client: &Client, user_id: Option<UserId>) -> Result<(), Failure> {
    tracing::info!(user_id = user_id.map(|id| id.0), "login refused");
    // Nobody has this id.
    let record = client.record(Event::LoginFailed, user_id.unwrap_or(UserId(0)), None);
    let noted = app.store.write(record, |tx, record| {
        Box::pin(async move {
            let mut record = record.clone();
            let id = record.user_id.take().unwrap_or(UserId(0));
            record.user_id = account::lock(tx, id).await?.map(|locked| locked.user.id);
            let now = tx.now().await?;
            audit::append(tx, &record, now).await
        })
    });
    Ok(noted.await?)
}

/// Makes the session, in one transaction. bcrypt took a quarter of a second: the user's row is taken only if the hash is still the one
/// that was verified, else a login racing a password change would leave a session made with the old password. The session that it
/// replaces ends in the same transaction: none is left behind. It may be another user's; rows of users are locked in the order of
/// their ids.
async fn begin(
    app: &App,
    client: &Client,
    verified: Verified,
    presented: Option<RefreshToken>,
    notice: Option<Draft>,
) -> Result<Option<(Begun, Option<ExternalId>)>, Failure> {
    let new = prepare_session(app, client, verified.user_id, vec![AuthMethod::Password])?;
    let input = (app.session.policy.clone(), client.clone(), new, (verified, presented), notice);
    let begun = app.store.write(input, |tx, (policy, client, new, (verified, presented), notice)| {
        Box::pin(async move {
            let owner = match presented {
                Some(token) => session::owner(tx, token.session_id).await?,
                None => None,
            };
            if let Some(owner) = owner.filter(|owner| *owner < new.user_id) {
                account::lock(tx, owner).await?;
            }
            let recorded = account::record_login(tx, new.user_id, &verified.password_hash).await?;
            let Some((user, now)) = recorded else { return Ok(None) };
            if let Some(owner) = owner.filter(|owner| *owner > new.user_id) {
                account::lock(tx, owner).await?;
            }
            if let Some(rehashed) = &verified.rehashed {
                account::replace_hash(tx, new.user_id, &verified.password_hash, rehashed).await?;
            }
            let replaced = match presented {
                Some(token) if owner.is_some() => replace(tx, token, new.user_id, policy, client).await?,
                _ => None,
            };
            let begun = begin_session(tx, new.clone(), policy, client, now).await?;
            if let Some(notice) = notice {
                notice.tell(tx, &user, client, now).await?;
            }
            Ok(Some((begun, replaced, user.external_id)))
        })
    });
    let Some((begun, replaced, external_id)) = begun.await? else { return Ok(None) };
    if let Some(replaced) = replaced {
        session_ended(app, replaced, EndReason::Replaced);
    }
    session_begun(app, &begun);
    Ok(Some((begun, external_id)))
}

/// Ends the session of a presented token, if that would still have refreshed it. Its user's row is locked. A token of a bound session
/// refreshes nothing by itself: who logs in to the same account may end it all the same, nobody else.
async fn replace(
    tx: &mut Tx,
    token: &RefreshToken,
    by: UserId,
    policy: &Policy,
    client: &Client,
) -> Result<Option<SessionId>, storage::Error> {
    let Some(old) = session::lock(tx, token.session_id).await? else { return Ok(None) };
    let verdict = old.session.judge(old.user_active, token.presented(), policy, old.now);
    match verdict {
        Verdict::Refuse(Refusal::DeviceProof) if old.session.user_id == by => {}
        Verdict::Refuse(_) | Verdict::Reuse => return Ok(None),
        _ => {}
    }
    let ended = end_session(tx, &old.session, &EndReason::Replaced, client, old.now).await?;
    Ok(ended.then_some(token.session_id))
}
