//! The same by a passkey: an account's first factor, on the way in.

use std::sync::Arc;

use super::enrol::{FirstFactor, let_in};
use super::enter::Entered;
use super::login::at_the_door;
use super::second_factor::holder;
use super::{Browser, SecondFactorError};
use crate::domain::factor::{Enrolled, Passkey, Proof, TicketFor};
use crate::domain::mail::Kind;
use crate::domain::session::SessionId;
use crate::domain::throttle::{Guesser, Scope};
use crate::service::factor::{
    Added, CreationOptions, MadePasskey, NewPasskey, PasskeyError, creation_options, draw_codes, register_passkey,
};
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx};

/// Why nobody is logged in, or asked.
#[derive(Debug, thiserror::Error)]
pub enum EnrolPasskeyError {
    /// The passkey can't be the account's.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// There is no ticket that is good, or it is not now, or it is our own trouble.
    #[error(transparent)]
    Login(#[from] SecondFactorError),
}

impl From<Failure> for EnrolPasskeyError {
    fn from(failure: Failure) -> Self {
        Self::Login(failure.into())
    }
}

/// For a new passkey of whoever has a ticket for that.
///
/// # Errors
/// See [`EnrolPasskeyError`].
pub async fn passkey_options_at_login(
    app: &Arc<App>,
    client: &Client,
    browser: &Browser,
) -> Result<CreationOptions, EnrolPasskeyError> {
    if app.factor.passkeys.is_none() {
        return Err(PasskeyError::Unavailable.into());
    }
    let (ticket, user) = holder(app, browser, TicketFor::Enrolment).await?;
    let account = throttle::account(app, &user.email, Guesser::Stranger);
    let attempt = Attempt::begin::<SecondFactorError>(app, Scope::Profile, client, Some(account)).await?;
    let options = creation_options(app, (user.id, ticket.nonce), &browser.ceremonies).await;
    attempt.succeeded().await;
    Ok(options?)
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    In(Box<(Entered, Passkey)>, Vec<SessionId>),
    Not(PasskeyError),
    Void,
}

/// Gives the account of the ticket's holder the passkey that they have made, and begins the session.
///
/// # Errors
/// See [`EnrolPasskeyError`].
pub async fn add_passkey_at_login(
    app: &Arc<App>,
    client: Client,
    browser: Browser,
    new: NewPasskey,
) -> Result<Added, EnrolPasskeyError> {
    if app.factor.passkeys.is_none() {
        return Err(PasskeyError::Unavailable.into());
    }
    let (ticket, user) = holder(app, &browser, TicketFor::Enrolment).await?;
    let known = app.session.devices.device(&browser.device, &user.email);
    let account = throttle::account(app, &user.email, known.map_or(Guesser::Stranger, Guesser::Device));
    let attempt = Attempt::begin::<SecondFactorError>(app, Scope::SecondFactor, &client, Some(account)).await?;
    let app = Arc::clone(app);
    in_own_task(Box::pin(async move {
        let is_new = known.is_none() && user.last_login.is_some();
        let entry = at_the_door(&app, &client, user.id, &browser, is_new).await?;
        let (drawn, codes) = draw_codes(&app)?;
        let made = new.made(&app, &user, &browser.ceremonies, &client).await?;
        let is_guess = made.first.is_guess();
        let first = FirstFactor { entry, ticket, codes, notice: app.mail.notice(Kind::FactorAdded)? };
        let found = app.store.write((first, made), |tx, (first, made)| Box::pin(add(tx, first, made)));
        match found.await.map_err(Failure::from)? {
            Found::In(done, ended) => {
                let (entered, passkey) = *done;
                let tokens = let_in(&app, attempt, (entered, ended), &browser, &user.email).await?;
                Ok(Added { passkey: passkey.into(), tokens, recovery_codes: Some(drawn) })
            }
            Found::Not(error) => {
                // What is limited are guesses at the code that was mailed.
                if is_guess && matches!(error, PasskeyError::EnrolmentCode) {
                    attempt.failed();
                } else {
                    attempt.succeeded().await;
                }
                Err(error.into())
            }
            Found::Void => {
                attempt.succeeded().await;
                Err(SecondFactorError::TicketExpired.into())
            }
        }
    }))
    .await
}

async fn add(tx: &mut Tx, first: &FirstFactor, made: &MadePasskey) -> Result<Found, storage::Error> {
    let Some((owner, locked)) = first.lock(tx).await? else { return Ok(Found::Void) };
    // The enrolment ticket is of an account that had none, and of the credentials that it has still.
    let (none, bound_to) = (Enrolled::default(), first.ticket.nonce);
    let passkey = match register_passkey(tx, &locked, none, bound_to, made, &first.entry.client).await? {
        Ok(passkey) => passkey,
        Err(error) => return Ok(Found::Not(error)),
    };
    let enrolled = Enrolled { passkeys: 1, ..none };
    let proof = Proof::Passkey { verified: true, synced: passkey.credential.is_synced };
    let entered = first.enter(tx, owner, &locked, (enrolled, proof)).await?;
    Ok(entered.map_or(Found::Void, |(entered, ended)| Found::In(Box::new((entered, passkey)), ended)))
}
