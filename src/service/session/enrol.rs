//! Logging in where everybody needs a second factor, and this account has none yet: it is set up on the way in.

use std::sync::Arc;

use super::enter::{Entered, Entry};
use super::login::at_the_door;
use super::second_factor::holder;
use super::{Browser, IssuedTokens, SecondFactorError, session_ended};
use crate::domain::factor::{Code, Decision, Enrolled, Proof, RecoveryCode, Requirement, Ticket, TicketFor, decide};
use crate::domain::mail::Kind;
use crate::domain::session::{EndReason, SessionId};
use crate::domain::throttle::{Guesser, Scope};
use crate::platform::proof_cookies::ProofCookies;
use crate::platform::sealed::Seals;
use crate::service::factor::{Confirmation, Enrolment, NewFactor, Shown, add, draw_codes, right_step, show};
use crate::service::mail::Draft;
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::factor::NewRecoveryCode;
use crate::storage::{self, Tx, account, factor};

/// Somebody who is logged in, and has a factor from now on.
pub struct EnrolledIn {
    /// Their tokens.
    pub tokens: IssuedTokens,
    /// The recovery codes.
    pub recovery_codes: Vec<RecoveryCode>,
}

/// Shows a new secret to whoever has a ticket for that.
///
/// # Errors
/// See [`SecondFactorError`].
pub async fn enrol_at_login(
    app: &Arc<App>,
    client: &Client,
    browser: &Browser,
) -> Result<Enrolment, SecondFactorError> {
    let (ticket, user) = holder(app, browser, TicketFor::Enrolment).await?;
    let account = throttle::account(app, &user.email, Guesser::Stranger);
    let attempt = Attempt::begin::<SecondFactorError>(app, Scope::Profile, client, Some(account)).await?;
    let enrolment = show(app, &user, ticket.nonce).await?;
    attempt.succeeded().await;
    enrolment.ok_or(SecondFactorError::TicketExpired)
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    In(Box<Entered>, Vec<SessionId>),
    Wrong,
    /// The enrolment code.
    Unproved,
    Void,
}

type Input = (Entry, Ticket, (Option<Code>, Shown), Vec<NewRecoveryCode>, (Seals, Option<Draft>));

/// Makes the app that was shown to the holder of the ticket the account's, and begins the session.
///
/// # Errors
/// See [`SecondFactorError`].
pub async fn confirm_at_login(
    app: &Arc<App>,
    client: Client,
    browser: Browser,
    typed: Confirmation,
) -> Result<EnrolledIn, SecondFactorError> {
    let (ticket, user) = holder(app, &browser, TicketFor::Enrolment).await?;
    let known = app.session.devices.device(&browser.device, &user.email);
    let account = throttle::account(app, &user.email, known.map_or(Guesser::Stranger, Guesser::Device));
    let attempt = Attempt::begin::<SecondFactorError>(app, Scope::SecondFactor, &client, Some(account)).await?;
    let app = Arc::clone(app);
    in_own_task(Box::pin(async move {
        let is_new = known.is_none() && user.last_login.is_some();
        let entry = at_the_door(&app, &client, user.id, &browser, is_new).await?;
        let (drawn, codes) = draw_codes(&app)?;
        let shown = Shown::look(&app, &user, typed.enrolment_code.as_ref()).await?;
        let is_guess = shown.is_guess();
        let tools = (app.factor.seals.clone(), app.mail.notice(Kind::FactorAdded)?);
        let input: Input = (entry, ticket, (typed.code, shown), codes, tools);
        let found = app.store.write(input, |tx, input| Box::pin(confirm(tx, input))).await.map_err(Failure::from)?;
        match found {
            Found::In(entered, ended) => {
                attempt.succeeded().await;
                for id in ended {
                    session_ended(&app, id, EndReason::SecondFactor);
                }
                let tokens = entered.welcome(&app, &browser, &user.email)?;
                Ok(EnrolledIn { tokens, recovery_codes: drawn })
            }
            Found::Wrong => {
                attempt.failed();
                Err(SecondFactorError::Incorrect)
            }
            Found::Unproved => {
                if is_guess {
                    attempt.failed();
                } else {
                    attempt.succeeded().await;
                }
                Err(SecondFactorError::EnrolmentCode)
            }
            Found::Void => {
                attempt.succeeded().await;
                Err(SecondFactorError::TicketExpired)
            }
        }
    }))
    .await
}

async fn confirm(tx: &mut Tx, input: &Input) -> Result<Found, storage::Error> {
    let (entry, ticket, (code, shown), codes, (seals, notice)) = input;
    let owner = entry.lock_before(tx).await?;
    let Some(locked) = account::lock(tx, ticket.user_id).await? else { return Ok(Found::Void) };
    let (id, now, spent) = (locked.user.id, locked.now, ProofCookies::spent(ticket));
    let (purpose, is_active) = (TicketFor::Enrolment, locked.user.is_active);
    let is_good = ticket.admits(purpose, locked.version, is_active, entry.policy.not_before, now);
    if !is_good || factor::is_spent(tx, &spent).await? {
        return Ok(Found::Void);
    }
    let Some(step) = right_step(tx, &locked.user, &ticket.nonce, *code, seals, now).await? else {
        return Ok(Found::Void);
    };
    let Some((secret, step)) = step else { return Ok(Found::Wrong) };
    // The enrolment ticket is of an account that had none, and of the credentials that it has still.
    if !shown.admit(tx, &locked.user, &entry.client, now).await? {
        return Ok(Found::Unproved);
    }
    if !factor::spend(tx, &spent, ticket.expires).await? {
        return Ok(Found::Void);
    }
    factor::activate(tx, id, &secret, step, now).await?;
    let new = NewFactor { what: "totp", first: Some(codes), kept: None };
    let ended = add(tx, &locked.user, new, &entry.client, notice.as_ref(), now).await?;
    let enrolled = Enrolled { totp: true, ..Enrolled::default() };
    let proved = [Proof::Password, Proof::Totp];
    let Decision::SignedIn(signed_in) = decide(enrolled, &proved, Requirement::Required) else {
        return Ok(Found::Void);
    };
    // With the factor the account has got new credentials.
    let Some(locked) = account::lock(tx, id).await? else { return Ok(Found::Void) };
    let looked_at = (&locked.password_hash, locked.version);
    let detail = Some(Proof::Totp.as_str());
    let entered = entry.enter(tx, owner, looked_at, (&signed_in, detail)).await?;
    Ok(entered.map_or(Found::Void, |entered| Found::In(Box::new(entered), ended)))
}
