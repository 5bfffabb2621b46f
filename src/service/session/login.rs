//! Logging in.

use std::sync::Arc;

use super::authenticate::{Identified, identify_refresh};
use super::{Begun, IssuedTokens, begin_session, end_by_id, issue_tokens, prepare_session, session_begun};
use crate::domain::account::Email;
use crate::domain::account::UserId;
use crate::domain::audit::Event;
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::EndReason;
use crate::domain::throttle::is_same_network;
use crate::service::throttle::{self, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit, session};

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
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A person whose password was right.
struct Verified {
    user_id: UserId,
    password_hash: PasswordHash,
    /// The same password at the configured cost, where the stored one was cheaper.
    rehashed: Option<PasswordHash>,
}

/// Logs in. `credentials` are none when no account can have what was submitted: that takes as long as a wrong password. A
/// browser's refresh cookies (`presented`) tell which session the new one replaces.
///
/// # Errors
/// See [`LoginError`].
pub async fn login(
    app: &Arc<App>,
    client: Client,
    credentials: Option<Credentials>,
    presented: Vec<String>,
) -> Result<LoginOutcome, LoginError> {
    let by_address = throttle::admit::<LoginError>(app, app.throttles.login(client.ip, app.clock.now())).await?;
    let replaced = identify_refresh(app, &presented).await?;
    let (stored, by_account) = match &credentials {
        Some(credentials) => {
            let found = look_up(app, &client, &credentials.email, replaced.as_ref()).await?;
            let name = throttle::name_of(app, &credentials.email);
            let here = app.throttles.account(name, found.known, app.clock.now());
            (found.stored, Some(throttle::admit::<LoginError>(app, here).await?))
        }
        // No account can have what was submitted, so that there is none to protect.
        None => (None, None),
    };
    let verified = verify(app, &client, credentials.map(|credentials| credentials.password), stored).await;
    let verified = match verified {
        // Nobody looked at the password.
        Err(LoginError::Limited(limited)) => {
            throttle::refund(app, by_account.into_iter().chain([by_address])).await;
            return Err(limited.into());
        }
        verified => verified?,
    };
    let app = Arc::clone(app);
    in_own_task(async move {
        // Only failures count against the account, also of a caller who has hung up.
        throttle::refund(&app, by_account).await;
        let Begun { session, now, .. } = begin(&app, &client, verified).await?.ok_or(LoginError::Incorrect)?;
        if let Some(Identified { session: old, .. }) = replaced {
            // In a transaction of its own: it may be another user's, whose row would have to be locked in order.
            end_by_id(&app, old.id, EndReason::Replaced, &client).await?;
        }
        Ok(LoginOutcome::SignedIn(issue_tokens(&app, &session, now)?))
    })
    .await
}

/// What is stored about the account that somebody wants to log in to.
struct Found {
    stored: Option<account::Credentials>,
    /// Whether this browser, or this network, has been used with the account before.
    known: bool,
}

/// Asks the same of an email that nobody has.
async fn look_up(app: &App, client: &Client, email: &Email, browser: Option<&Identified>) -> Result<Found, Failure> {
    let mut tx = app.store.read().await?;
    let stored = account::credentials(&mut tx, email).await?;
    let addresses = session::addresses_of(&mut tx, email).await?;
    let known_browser = browser.map(|browser| browser.session.user_id);
    let known = known_browser.is_some() && known_browser == stored.as_ref().map(|stored| stored.user.id)
        || client.ip.is_some_and(|ip| addresses.into_iter().any(|known| is_same_network(known, ip)));
    Ok(Found { stored, known })
}

/// Looks at the password. Takes the same number of hash rounds whatever is wrong.
async fn verify(
    app: &App,
    client: &Client,
    password: Option<Password>,
    stored: Option<account::Credentials>,
) -> Result<Verified, LoginError> {
    let (known, stored_hash) = stored.map(|stored| (stored.user, stored.password_hash)).unzip();
    let verified = match password.clone() {
        Some(password) => app.hashing.verify(password, stored_hash.clone()).await,
        None => app.hashing.verify_nobody().await,
    };
    let verified = throttle::unless_overloaded::<_, LoginError>(app, verified, []).await?;
    match (known, stored_hash, password) {
        (Some(user), Some(password_hash), Some(password)) if verified.matches && user.is_active => {
            let rehashed = if verified.outdated { app.hashing.hash(password).await.ok() } else { None };
            Ok(Verified { user_id: user.id, password_hash, rehashed })
        }
        (known, ..) => {
            refuse(app, client, known.map(|user| user.id)).await?;
            Err(LoginError::Incorrect)
        }
    }
}

/// Remembers a refused login; not whose it was, when the account was erased while its password was looked at. The same work
/// whether the account exists or not.
async fn refuse(app: &App, client: &Client, user_id: Option<UserId>) -> Result<(), Failure> {
    // Nobody has this id.
    let record = client.record(Event::LoginFailed, user_id.unwrap_or(UserId(0)), None);
    tracing::info!(user_id = user_id.map(|id| id.0), "login refused");
    app.store
        .write((), move |tx, ()| {
            let mut record = record.clone();
            Box::pin(async move {
                let id = record.user_id.take().unwrap_or(UserId(0));
                record.user_id = account::lock(tx, id).await?.map(|locked| locked.user.id);
                let now = tx.now().await?;
                audit::append(tx, &record, now).await
            })
        })
        .await?;
    Ok(())
}

/// Makes the session, in one transaction that begins with the user's row. bcrypt took a quarter of a second: the row is taken
/// only if the hash is still the one that was verified, else a login racing a password change would leave a session made with
/// the old password.
async fn begin(app: &App, client: &Client, verified: Verified) -> Result<Option<Begun>, Failure> {
    let new = prepare_session(app, client, verified.user_id)?;
    let (policy, client) = (app.sessions.clone(), client.clone());
    let Verified { password_hash, rehashed, .. } = verified;
    let begun = app
        .store
        .write((), move |tx, ()| {
            let (policy, client, new) = (policy.clone(), client.clone(), new.clone());
            let (password_hash, rehashed) = (password_hash.clone(), rehashed.clone());
            Box::pin(async move {
                let Some((_, now)) = account::record_login(tx, new.user_id, &password_hash).await? else {
                    return Ok(None);
                };
                if let Some(rehashed) = rehashed {
                    account::replace_hash(tx, new.user_id, &password_hash, &rehashed).await?;
                }
                begin_session(tx, new, &policy, &client, now).await.map(Some)
            })
        })
        .await?;
    if let Some(begun) = &begun {
        session_begun(app, begun);
    }
    Ok(begun)
}
