//! Logging in where everybody needs a second factor, and this account has none yet: it is set up on the way in.

use std::sync::Arc;

use super::enter::{Entered, Entry};
use super::login::at_the_door;
use super::second_factor::holder;
use super::{Browser, IssuedTokens, SecondFactorError, session_ended};
use crate::domain::account::{Email, UserId};
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
use crate::storage::account::Locked;
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

type Input = (FirstFactor, (Option<Code>, Shown), Seals);

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
        let first = FirstFactor { entry, ticket, codes, notice: app.mail.notice(Kind::FactorAdded)? };
        let input: Input = (first, (typed.code, shown), app.factor.seals.clone());
        let found = app.store.write(input, |tx, input| Box::pin(confirm(tx, input))).await.map_err(Failure::from)?;
        match found {
            Found::In(entered, ended) => {
                let tokens = let_in(&app, attempt, (*entered, ended), &browser, &user.email).await?;
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
    let (first, (code, shown), seals) = input;
    let Some((owner, locked)) = first.lock(tx).await? else { return Ok(Found::Void) };
    let (user, now) = (&locked.user, locked.now);
    let Some(step) = right_step(tx, user, &first.ticket.nonce, *code, seals, now).await? else {
        return Ok(Found::Void);
    };
    let Some((secret, step)) = step else { return Ok(Found::Wrong) };
    // The enrolment ticket is of an account that had none, and of the credentials that it has still.
    if !shown.admit(tx, user, &first.entry.client, now).await? {
        return Ok(Found::Unproved);
    }
    factor::activate(tx, user.id, &secret, step, now).await?;
    let enrolled = Enrolled { totp: true, ..Enrolled::default() };
    let entered = first.enter(tx, owner, &locked, (enrolled, Proof::Totp)).await?;
    Ok(entered.map_or(Found::Void, |(entered, ended)| Found::In(Box::new(entered), ended)))
}

/// After the commit: what the browser gets of whoever has a factor now. Their other sessions have ended.
pub(super) async fn let_in(
    app: &App,
    attempt: Attempt,
    (entered, ended): (Entered, Vec<SessionId>),
    browser: &Browser,
    email: &Email,
) -> Result<IssuedTokens, Failure> {
    attempt.succeeded().await;
    for id in ended {
        session_ended(app, id, EndReason::SecondFactor);
    }
    entered.welcome(app, browser, email)
}

/// Whoever gets the account's first factor on the way in.
pub(super) struct FirstFactor {
    pub(super) entry: Entry,
    pub(super) ticket: Ticket,
    pub(super) codes: Vec<NewRecoveryCode>,
    pub(super) notice: Option<Draft>,
}

impl FirstFactor {
    /// Locks the account, and whose session the new one replaces. None: the ticket is good no more.
    pub(super) async fn lock(&self, tx: &mut Tx) -> Result<Option<(Option<UserId>, Locked)>, storage::Error> {
        let Self { entry, ticket, .. } = self;
        let owner = entry.lock_before(tx).await?;
        let Some(locked) = account::lock(tx, ticket.user_id).await? else { return Ok(None) };
        let (version, is_active) = (locked.version, locked.user.is_active);
        let is_good = ticket.admits(TicketFor::Enrolment, version, is_active, entry.policy.not_before, locked.now);
        if !is_good || factor::is_spent(tx, &ProofCookies::spent(ticket)).await? {
            return Ok(None);
        }
        Ok(Some((owner, locked)))
    }

    /// The account has the factor: uses the ticket up, and begins the session. The sessions that ended come with it.
    pub(super) async fn enter(
        &self,
        tx: &mut Tx,
        owner: Option<UserId>,
        Locked { user, now, .. }: &Locked,
        (enrolled, proof): (Enrolled, Proof),
    ) -> Result<Option<(Entered, Vec<SessionId>)>, storage::Error> {
        let Self { entry, ticket, codes, notice } = self;
        if !factor::spend(tx, &ProofCookies::spent(ticket), ticket.expires).await? {
            return Ok(None);
        }
        let new = NewFactor { what: proof.as_str(), first: Some(codes), kept: None };
        let ended = add(tx, user, new, &entry.client, notice.as_ref(), *now).await?;
        let Decision::SignedIn(signed_in) = decide(enrolled, &[Proof::Password, proof], Requirement::Required) else {
            return Ok(None);
        };
        // With the factor the account has got new credentials.
        let Some(locked) = account::lock(tx, user.id).await? else { return Ok(None) };
        let looked_at = (&locked.password_hash, locked.version);
        let entered = entry.enter(tx, owner, looked_at, (&signed_in, Some(proof.as_str()))).await?;
        Ok(entered.map(|entered| (entered, ended)))
    }
}
