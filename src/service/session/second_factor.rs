//! Logging in, the second step: a code after the password.

use std::sync::Arc;

use super::enter::{Entered, Entry};
use super::login::at_the_door;
use super::{Browser, IssuedTokens};
use crate::domain::account::User;
use crate::domain::factor::{CeremonyFor, Decision, Proof, Ticket, TicketFor, decide};
use crate::domain::throttle::Guesser;
use crate::domain::timestamp::Timestamp;
use crate::platform::proof_cookies::ProofCookies;
use crate::service::factor::{
    Looked, Looker, Notices, Offered, PasskeyError, RequestOptions, note_wrong, options_of, used,
};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, factor};

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// There is no ticket that is good: none, a forged one, one that was used, one that is too old, or one from before a change of the
    /// account's credentials. Log in anew.
    #[error("no ticket that is good")]
    TicketExpired,
    /// Another code, or one that was used.
    #[error("another code, or one that was used")]
    Incorrect,
    /// The browser holds no challenge that the passkey could have signed.
    #[error("no challenge that is good")]
    ChallengeExpired,
    /// The first factor is being set up, and the enrolment code is missing, or another one.
    #[error("the enrolment code is missing, or another one")]
    EnrolmentCode,
    /// The app's secret can't be read: the server lacks the key. Other methods may work.
    #[error("the factor can't be read")]
    Unavailable,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl SecondFactorError {
    const fn word(&self) -> &'static str {
        match self {
            Self::TicketExpired | Self::Incorrect | Self::ChallengeExpired | Self::EnrolmentCode => "incorrect_code",
            Self::Limited(limited) => limited.word(),
            Self::Unavailable | Self::Failed(_) => "failed",
        }
    }
}

/// Somebody who is logged in by two factors.
pub struct SecondFactorIn {
    /// Their tokens.
    pub tokens: IssuedTokens,
    /// How many recovery codes are left, where that is worth a word.
    pub few_codes: Option<u32>,
}

/// Logs in whoever proves the second factor, with the ticket that the first has given. A ticket and a code are good once.
///
/// # Errors
/// See [`SecondFactorError`].
pub async fn second_factor(
    app: &Arc<App>,
    client: Client,
    browser: Browser,
    offered: Offered,
) -> Result<SecondFactorIn, SecondFactorError> {
    let outcome = prove(app, client, browser, offered).await;
    app.metrics.logins.add(outcome.as_ref().map_or_else(SecondFactorError::word, |_| "signed_in"));
    outcome
}

async fn prove(
    app: &Arc<App>,
    client: Client,
    browser: Browser,
    offered: Offered,
) -> Result<SecondFactorIn, SecondFactorError> {
    let (ticket, user) = holder(app, &browser, TicketFor::SecondFactor).await?;
    let known = app.session.devices.device(&browser.device, &user.email);
    let account = throttle::account(app, &user.email, known.map_or(Guesser::Stranger, Guesser::Device));
    let attempt = Attempt::begin::<SecondFactorError>(app, offered.scope(), &client, Some(account)).await?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let entry = at_the_door(&app, &client, user.id, &browser, known.is_none()).await?;
        let looker = Looker::new(&app, &browser.ceremonies, &client);
        let input = (entry, ticket, offered, looker, Notices::draw(&app)?);
        let found = app.store.write(input, |tx, (entry, ticket, offered, looker, notices)| {
            Box::pin(decide_on(tx, entry, ticket, offered, looker, notices))
        });
        match found.await.map_err(Failure::from)? {
            Found::In(entered, left) => {
                attempt.succeeded().await;
                let tokens = entered.welcome(&app, &browser, &user.email)?;
                Ok(SecondFactorIn { tokens, few_codes: (left < FEW).then_some(left) })
            }
            Found::Wrong => {
                attempt.failed();
                app.mail.wake();
                tracing::info!(user_id = %user.id, "a wrong code after a right password");
                Err(SecondFactorError::Incorrect)
            }
            Found::Unreadable => {
                attempt.succeeded().await;
                Err(SecondFactorError::Unavailable)
            }
            Found::Void => {
                attempt.succeeded().await;
                Err(SecondFactorError::TicketExpired)
            }
            Found::ChallengeVoid => {
                attempt.succeeded().await;
                Err(SecondFactorError::ChallengeExpired)
            }
        }
    })
    .await
}

/// For a passkey of whoever holds a ticket.
///
/// # Errors
/// That of a ticket, or of passkeys.
pub async fn second_factor_options(
    app: &App,
    browser: &Browser,
) -> Result<Result<RequestOptions, PasskeyError>, SecondFactorError> {
    let (ticket, user) = holder(app, browser, TicketFor::SecondFactor).await?;
    Ok(options_of(app, &browser.ceremonies, CeremonyFor::SecondFactor, (user.id, ticket.nonce), false).await)
}

/// With fewer recovery codes it is time for new ones.
const FEW: u32 = 3;

/// Whose ticket the browser holds: one that is good still, as far as can be seen without a lock.
pub(super) async fn holder(
    app: &App,
    browser: &Browser,
    purpose: TicketFor,
) -> Result<(Ticket, User), SecondFactorError> {
    let of_purpose = |ticket: &Ticket| ticket.purpose == purpose;
    let ticket = app.factor.cookies.tickets(&browser.tickets).find(of_purpose);
    let ticket = ticket.ok_or(SecondFactorError::TicketExpired)?;
    let mut tx = app.store.read().await.map_err(Failure::from)?;
    let now = tx.now().await.map_err(Failure::from)?;
    let found = account::by_id(&mut tx, ticket.user_id).await.map_err(Failure::from)?;
    let not_before = app.session.policy.not_before;
    let is_spent = factor::is_spent(&mut tx, &ProofCookies::spent(&ticket)).await.map_err(Failure::from)?;
    let standing = factor::standing(&mut tx, ticket.user_id, Timestamp::EPOCH).await.map_err(Failure::from)?;
    let is_good = standing.is_some_and(|(_, version)| ticket.admits(purpose, version, true, not_before, now));
    let user = found.filter(|_| is_good && !is_spent);
    Ok((ticket, user.ok_or(SecondFactorError::TicketExpired)?))
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    /// And how many recovery codes are left.
    In(Box<Entered>, u32),
    Wrong,
    Unreadable,
    /// The ticket.
    Void,
    /// What the passkey has signed.
    ChallengeVoid,
}

async fn decide_on(
    tx: &mut Tx,
    entry: &Entry,
    ticket: &Ticket,
    offered: &Offered,
    looker: &Looker,
    notices: &Notices,
) -> Result<Found, storage::Error> {
    let owner = entry.lock_before(tx).await?;
    let Some(locked) = account::lock(tx, ticket.user_id).await? else { return Ok(Found::Void) };
    let (policy, now, spent) = (&entry.policy, locked.now, ProofCookies::spent(ticket));
    let (purpose, is_active) = (TicketFor::SecondFactor, locked.user.is_active);
    let is_good = ticket.admits(purpose, locked.version, is_active, policy.not_before, now);
    if !is_good || factor::is_spent(tx, &spent).await? {
        return Ok(Found::Void);
    }
    let not_before = policy.not_before.unwrap_or(Timestamp::EPOCH);
    let Some((enrolled, _)) = factor::standing(tx, locked.user.id, not_before).await? else { return Ok(Found::Void) };
    let asked = (CeremonyFor::SecondFactor, Some((locked.user.id, ticket.nonce)));
    let proof = match looker.look(tx, locked.user.id, offered, asked, now).await? {
        Looked::Proved(proof) => proof,
        Looked::Unreadable => return Ok(Found::Unreadable),
        Looked::Void => return Ok(Found::ChallengeVoid),
        Looked::Wrong => {
            note_wrong(tx, &locked.user, (None, offered), &entry.client, notices, now).await?;
            return Ok(Found::Wrong);
        }
    };
    let Decision::SignedIn(signed_in) = decide(enrolled, &[Proof::Password, proof], policy.second_factor) else {
        return Ok(Found::Void);
    };
    if !factor::spend(tx, &spent, ticket.expires).await? {
        return Ok(Found::Void);
    }
    let looked_at = (&locked.password_hash, locked.version);
    let Some(entered) = entry.enter(tx, owner, looked_at, (&signed_in, Some(proof.as_str()))).await? else {
        return Ok(Found::Void);
    };
    used(tx, &locked.user, proof, &entry.client, notices, now).await?;
    let left = enrolled.recovery_codes - u32::from(proof == Proof::RecoveryCode);
    Ok(Found::In(Box::new(entered), left))
}
