//! Logging in by a passkey and nothing else.

use std::sync::Arc;

use super::enter::{Entered, Entry};
use super::login::{at_the_door, mail_link};
use super::{Browser, IssuedTokens};
use crate::config::mail::Verification;
use crate::domain::account::{User, UserId};
use crate::domain::audit::{Event, Record};
use crate::domain::factor::{Assertion, CeremonyFor, Decision, decide};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::factor::{Looked, Looker, Offered};
use crate::service::throttle::{Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, audit, factor};

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyLoginError {
    /// There are no passkeys here: `PASSKEY_RP_ID`.
    #[error("there are no passkeys here")]
    Unavailable,
    /// The browser holds no challenge that the passkey could have signed.
    #[error("no challenge that is good")]
    ChallengeExpired,
    /// No account has it: the browser may forget it.
    #[error("no account has this passkey")]
    Unknown,
    /// It proves nothing, or not enough; or its account is disabled.
    #[error("the passkey proves nothing")]
    Incorrect,
    /// The address must be confirmed first. A link is on its way.
    #[error("the email is not verified")]
    EmailNotVerified,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl PasskeyLoginError {
    const fn word(&self) -> &'static str {
        match self {
            Self::ChallengeExpired | Self::Unknown | Self::Incorrect => "incorrect",
            Self::EmailNotVerified => "email_not_verified",
            Self::Limited(limited) => limited.word(),
            Self::Unavailable | Self::Failed(_) => "failed",
        }
    }
}

/// Logs in whoever has a passkey that has verified them. A challenge is good once.
///
/// # Errors
/// See [`PasskeyLoginError`].
pub async fn login_passkey(
    app: &Arc<App>,
    client: Client,
    browser: Browser,
    assertion: Assertion,
) -> Result<IssuedTokens, PasskeyLoginError> {
    let outcome = log_in(app, client, browser, assertion).await;
    app.metrics.logins.add(outcome.as_ref().map_or_else(PasskeyLoginError::word, |_| "signed_in"));
    outcome
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    In(Box<Entered>),
    Wrong,
    Void,
}

async fn log_in(
    app: &Arc<App>,
    client: Client,
    browser: Browser,
    assertion: Assertion,
) -> Result<IssuedTokens, PasskeyLoginError> {
    if app.factor.passkeys.is_none() {
        return Err(PasskeyLoginError::Unavailable);
    }
    let attempt = Attempt::begin::<PasskeyLoginError>(app, Scope::Passkey, &client, None).await?;
    let looker = Looker::new(app, &browser.ceremonies, &client);
    let user = match owner(app, &looker, &assertion).await? {
        Ok(user) => user,
        Err(error) => {
            attempt.failed();
            return Err(error);
        }
    };
    let known = app.session.devices.device(&browser.device, &user.email);
    let app = Arc::clone(app);
    in_own_task(Box::pin(async move {
        if app.mail.verification() == Verification::Required && user.email_verified_at.is_none() {
            mail_link(&app, user.id, known).await?;
            return Err(PasskeyLoginError::EmailNotVerified);
        }
        let is_new = known.is_none() && user.last_login.is_some();
        let entry = at_the_door(&app, &client, user.id, &browser, is_new).await?;
        let input = (entry, user.id, looker, Offered::Passkey(Box::new(assertion)));
        let found = app
            .store
            .write(input, |tx, (entry, id, looker, offered)| Box::pin(decide_on(tx, entry, *id, looker, offered)));
        match found.await.map_err(Failure::from)? {
            Found::In(entered) => {
                attempt.succeeded().await;
                Ok(entered.welcome(&app, &browser, &user.email)?)
            }
            Found::Wrong => {
                attempt.failed();
                Err(PasskeyLoginError::Incorrect)
            }
            Found::Void => {
                attempt.failed();
                Err(PasskeyLoginError::ChallengeExpired)
            }
        }
    }))
    .await
}

/// Whose passkey it is, as far as can be seen without a lock. What answers no challenge of ours learns nothing of it.
async fn owner(app: &App, looker: &Looker, assertion: &Assertion) -> Result<Result<User, PasskeyLoginError>, Failure> {
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    if !looker.holds(&mut tx, assertion, (CeremonyFor::SignIn, None), now).await? {
        return Ok(Err(PasskeyLoginError::ChallengeExpired));
    }
    let Some((id, _)) = factor::passkey(&mut tx, &assertion.id).await? else {
        let unknown = if app.factor.tells_unknown { PasskeyLoginError::Unknown } else { PasskeyLoginError::Incorrect };
        return Ok(Err(unknown));
    };
    let user = account::by_id(&mut tx, id).await?;
    Ok(user.ok_or(PasskeyLoginError::Incorrect))
}

async fn decide_on(
    tx: &mut Tx,
    entry: &Entry,
    id: UserId,
    looker: &Looker,
    offered: &Offered,
) -> Result<Found, storage::Error> {
    let owner = entry.lock_before(tx).await?;
    let Some(locked) = account::lock(tx, id).await? else { return Ok(Found::Wrong) };
    let (policy, now) = (&entry.policy, locked.now);
    let not_before = policy.not_before.unwrap_or(Timestamp::EPOCH);
    // None of a disabled account.
    let standing = factor::standing(tx, id, not_before).await?;
    let found = match &standing {
        Some(_) => looker.look(tx, id, offered, (CeremonyFor::SignIn, None), now).await?,
        None => Looked::Wrong,
    };
    let (proof, enrolled) = match (found, standing) {
        (Looked::Proved(proof), Some((enrolled, _))) => (proof, enrolled),
        (Looked::Void, _) => return Ok(Found::Void),
        _ => {
            let record =
                Record { detail: Some("passkey".to_owned()), ..entry.client.record(Event::LoginFailed, id, None) };
            audit::append(tx, &record, now).await?;
            return Ok(Found::Wrong);
        }
    };
    let Decision::SignedIn(signed_in) = decide(enrolled, &[proof], policy.second_factor) else {
        return Ok(Found::Wrong);
    };
    let looked_at = (&locked.password_hash, locked.version);
    let entered = entry.enter(tx, owner, looked_at, (&signed_in, Some(proof.as_str()))).await?;
    Ok(entered.map_or(Found::Wrong, |entered| Found::In(Box::new(entered))))
}
