//! Logging in.

use std::sync::Arc;

use super::authenticate::identify_refresh;
use super::credentials::{Credentials, Typed};
use super::enter::{Entered, Entry};
use super::{Browser, IssuedTokens, prepare_session};
use crate::config::mail::Verification;
use crate::domain::account::{Email, UserId};
use crate::domain::audit::Event;
use crate::domain::factor::{Decision, Method, Proof, Ticket, TicketFor, decide};
use crate::domain::mail::{Budget, Kind};
use crate::domain::password::PasswordHash;
use crate::domain::throttle::{Guesser, Scope};
use crate::domain::timestamp::Timestamp;
use crate::platform::hashing::Place;
use crate::service::mail::verification;
use crate::service::password::{HungUp, Looks, verify, waiting};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit, factor};

/// What a right password leads to.
pub enum LoginOutcome {
    /// The person is logged in.
    SignedIn(IssuedTokens),
    /// The password is one of two.
    SecondFactor {
        /// What the browser shows with the second.
        ticket: String,
        /// How it can be proved.
        methods: Vec<Method>,
    },
    /// Everybody needs a second factor, and this account has none yet.
    Enrol {
        /// What the browser shows when it sets one up.
        ticket: String,
        /// Which it can be.
        methods: Vec<Method>,
    },
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
    /// `users.credentials_version` beside it.
    pub version: i64,
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
            Self::SecondFactor { .. } => "second_factor",
            Self::Enrol { .. } => "enrolment",
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

/// Logs in. Where no account can have what was typed it takes as long as a wrong password. What the browser
/// brings tells whether it has been here before, and which session the new one replaces.
///
/// Whoever is not admitted is told so before anything of the account is read, and so learns nothing of it.
///
/// # Errors
/// See [`LoginError`].
pub async fn login(app: &Arc<App>, client: Client, typed: Typed, browser: Browser) -> Result<LoginOutcome, LoginError> {
    let outcome = match Attempt::may_begin(app, Scope::Login, &client) {
        // In a box: a flood is refused before it, and needs no room for it.
        Ok(()) => Box::pin(log_in(app, client, typed.credentials(), browser)).await,
        Err(limited) => Err(limited.into()),
    };
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
    let attempt = Attempt::begin_to_hash::<LoginError>(app, Scope::Login, &client, account).await?;
    let mut admitted = attempt.place::<LoginError>().await?;
    let (_waiting, mut hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(async move {
        let mut looks = Looks::default();
        loop {
            let (attempt, outcome) = look(&app, admitted, &client, credentials.clone(), &browser, &mut hung_up).await?;
            if let Some(outcome) = outcome {
                // The password was right. Codes are counted apart.
                attempt.succeeded().await;
                return Ok(outcome);
            }
            admitted = looks.again(attempt, LoginError::Incorrect).await?;
        }
    })
    .await
}

/// Looks at the password, and at what it opens. No outcome: what is stored was changed meanwhile.
async fn look(
    app: &App,
    admitted: (Attempt, Place),
    client: &Client,
    credentials: Option<Credentials>,
    browser: &Browser,
    hung_up: &mut HungUp,
) -> Result<(Attempt, Option<LoginOutcome>), LoginError> {
    let (attempt, verified) = verify_credentials(app, admitted, client, credentials, hung_up).await?;
    let (user_id, version, email) = (verified.user_id, verified.version, verified.email.clone());
    let known = app.session.devices.device(&browser.device, &email);
    if app.mail.verification() == Verification::Required && !verified.is_confirmed {
        // An account from before that was asked for, or one that an operator has made.
        attempt.succeeded().await;
        mail_link(app, user_id, known).await?;
        return Err(LoginError::EmailNotVerified);
    }
    let entry = at_the_door(app, client, user_id, browser, known.is_none() && !verified.is_first).await?;
    let ticket = |purpose| -> Result<String, Failure> {
        Ok(app.factor.cookies.ticket(purpose, user_id, version, app.clock.now() + Ticket::LIFE)?)
    };
    let outcome = match begin(app, entry, verified).await? {
        Found::In(entered) => LoginOutcome::SignedIn(entered.welcome(app, browser, &email)?),
        Found::Half(methods) => LoginOutcome::SecondFactor { ticket: ticket(TicketFor::SecondFactor)?, methods },
        Found::Enrol => {
            let passkey = app.factor.passkeys.as_ref().map(|_| Method::Passkey);
            let methods = [Method::Totp].into_iter().chain(passkey).collect();
            LoginOutcome::Enrol { ticket: ticket(TicketFor::Enrolment)?, methods }
        }
        Found::Changed => return Ok((attempt, None)),
    };
    Ok((attempt, Some(outcome)))
}

/// Gathers what a session needs before its transaction.
pub(super) async fn at_the_door(
    app: &App,
    client: &Client,
    user_id: UserId,
    browser: &Browser,
    is_new: bool,
) -> Result<Entry, Failure> {
    // Only a token that would still have refreshed is of a session that this browser uses.
    let presented = identify_refresh(app, client, browser).await?.map(|identified| identified.token);
    // Nobody need be told of the first login of all.
    let notice = if is_new { app.mail.notice(Kind::NewDevice)? } else { None };
    let (prepared, policy) = (prepare_session(app, user_id, browser.delivery)?, app.session.policy.clone());
    Ok(Entry { prepared, client: client.clone(), policy, presented, notice })
}

/// Looks at the password. Takes the same number of hash rounds whatever is wrong.
pub(in crate::service) async fn verify_credentials(
    app: &App,
    (attempt, place): (Attempt, Place),
    client: &Client,
    credentials: Option<Credentials>,
    hung_up: &mut HungUp,
) -> Result<(Attempt, Verified), LoginError> {
    let stored = match &credentials {
        Some(Credentials { email, .. }) => {
            let mut tx = app.store.read().await.map_err(Failure::from)?;
            account::credentials(&mut tx, email).await.map_err(Failure::from)?
        }
        None => None,
    };
    let version = stored.as_ref().map(|stored| stored.version);
    let (known, stored_hash) = stored.map(|stored| (stored.user, stored.password_hash)).unzip();
    let (email, password) = credentials.map(|credentials| (credentials.email, credentials.password)).unzip();
    let Some(verified) = verify(place, password.clone(), stored_hash.clone(), hung_up).await else {
        // Nobody waits for this answer.
        attempt.failed();
        return Err(LoginError::Incorrect);
    };
    let (attempt, verified) = attempt.unless_refused::<_, LoginError>(verified).await?;
    match (known, stored_hash.zip(version), email.zip(password)) {
        (Some(user), Some((password_hash, version)), Some((email, password))) if verified.matches && user.is_active => {
            let rehashed = if verified.outdated { app.password.hashing.hash(password).await.ok() } else { None };
            let (is_first, is_confirmed) = (user.last_login.is_none(), user.email_verified_at.is_some());
            let verified =
                Verified { user_id: user.id, email, password_hash, version, rehashed, is_first, is_confirmed };
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
pub(super) async fn mail_link(app: &App, id: UserId, known: Option<[u8; 16]>) -> Result<(), Failure> {
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

/// What the transaction found, as a value, so that it commits.
enum Found {
    In(Box<Entered>),
    /// The password is one of two.
    Half(Vec<Method>),
    /// It is all that there is, and not enough.
    Enrol,
    /// The stored hash was renewed or the password changed, a factor enrolled, or the account disabled, meanwhile.
    Changed,
}

/// Decides on a right password, in one transaction.
async fn begin(app: &App, entry: Entry, verified: Verified) -> Result<Found, Failure> {
    let found = app.store.write((entry, verified), |tx, (entry, verified)| {
        Box::pin(async move {
            let Verified { user_id, password_hash, version, rehashed, .. } = verified;
            let owner = entry.lock_before(tx).await?;
            let not_before = entry.policy.not_before.unwrap_or(Timestamp::EPOCH);
            let Some((enrolled, now_version)) = factor::standing(tx, *user_id, not_before).await? else {
                return Ok(Found::Changed);
            };
            if now_version != *version {
                return Ok(Found::Changed);
            }
            let found = match decide(enrolled, &[Proof::Password], entry.policy.second_factor) {
                Decision::SignedIn(signed_in) => {
                    let looked_at = (password_hash, *version);
                    let Some(entered) = entry.enter(tx, owner, looked_at, (&signed_in, None)).await? else {
                        return Ok(Found::Changed);
                    };
                    Found::In(Box::new(entered))
                }
                Decision::Wanted(methods) => Found::Half(methods),
                Decision::Enrol => Found::Enrol,
            };
            if let Some(rehashed) = rehashed {
                account::replace_hash(tx, *user_id, password_hash, rehashed).await?;
            }
            Ok(found)
        })
    });
    Ok(found.await?)
}
