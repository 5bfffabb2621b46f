//! Logging in without the second factor, which is lost: a link that begins its removal.

use std::sync::Arc;

use super::second_factor::holder;
use super::{Browser, SecondFactorError};
use crate::domain::factor::TicketFor;
use crate::domain::mail::Kind;
use crate::domain::throttle::{Guesser, Scope};
use crate::service::factor::may_recover;
use crate::service::mail::mail_recovery;
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure};
use crate::storage::account;

/// Why no link is mailed.
#[derive(Debug, thiserror::Error)]
pub enum AskRecoveryError {
    /// An operator removes lost factors: of everybody, or of this account.
    #[error("an operator does it")]
    Operator,
    /// There is no ticket that is good, or it is not now, or it is our own trouble.
    #[error(transparent)]
    Login(#[from] SecondFactorError),
}

impl From<Failure> for AskRecoveryError {
    fn from(failure: Failure) -> Self {
        Self::Login(failure.into())
    }
}

/// Mails a link that begins the removal of the account's factors, to whoever has proved the password. The ticket stays good: they may
/// find the phone.
///
/// # Errors
/// See [`AskRecoveryError`].
pub async fn ask_recovery(app: &Arc<App>, client: &Client, browser: &Browser) -> Result<(), AskRecoveryError> {
    let (_, user) = holder(app, browser, TicketFor::SecondFactor).await?;
    let account = throttle::account(app, &user.email, Guesser::Stranger);
    let attempt = Attempt::begin::<SecondFactorError>(app, Scope::Profile, client, Some(account)).await?;
    let link = app.mail.link_mail(Kind::FactorRecovery)?;
    let Some(link) = link.ok().filter(|_| app.mail.factor_recovery().is_some() && may_recover(&user)) else {
        attempt.succeeded().await;
        return Err(AskRecoveryError::Operator);
    };
    let mailed = app.store.write((user.id, link), |tx, (id, link)| {
        Box::pin(async move {
            match account::lock(tx, *id).await? {
                Some(locked) if may_recover(&locked.user) => mail_recovery(tx, link, &locked.user, locked.now).await,
                _ => Ok(()),
            }
        })
    });
    mailed.await.map_err(Failure::from)?;
    attempt.succeeded().await;
    app.mail.wake();
    Ok(())
}
