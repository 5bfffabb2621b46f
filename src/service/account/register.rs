//! Making an account.

use std::sync::Arc;

use crate::config::Registration;
use crate::config::mail::Verification;
use crate::domain::account::{Email, FullName, User, UserId};
use crate::domain::audit::{Actor, Event, Record};
use crate::domain::mail::{Budget, Kind};
use crate::domain::password::Password;
use crate::domain::throttle::Scope;
use crate::service::mail::{pend, verification};
use crate::service::throttle::{Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::account::{self, NewUser};
use crate::storage::audit;

/// What a person registers with. The password satisfies the policy: the door has checked it.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// In canonical form.
    pub email: Email,
    /// Satisfies the policy.
    pub password: Password,
    /// As written.
    pub full_name: Option<FullName>,
}

/// What a registration leads to.
#[derive(Debug)]
pub enum Registered {
    /// There is an account.
    Account(User),
    /// A mail says how it goes on: with `EMAIL_VERIFICATION=required`, whoever has the address.
    Mailed,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Nobody but an operator makes accounts.
    #[error("registration is closed")]
    Closed,
    /// An account has this email, or has left it not long ago.
    #[error("the email is taken")]
    EmailUnavailable,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Makes an account. The password is hashed before the email is looked at, so that a taken one takes as long. Where addresses must be
/// confirmed there is none before that, and the answer and the work are the same whoever has the address; an operator makes one at once.
///
/// # Errors
/// See [`RegisterError`].
pub async fn register(app: &Arc<App>, client: Client, new: NewAccount) -> Result<Registered, RegisterError> {
    let made = make(app, client, new).await;
    app.metrics.registrations.add(match &made {
        Ok(Registered::Account(_)) => "registered",
        Ok(Registered::Mailed) => "mailed",
        Err(RegisterError::Closed) => "closed",
        Err(RegisterError::EmailUnavailable) => "taken",
        Err(RegisterError::Limited(limited)) => limited.word(),
        Err(RegisterError::Failed(_)) => "failed",
    });
    made
}

async fn make(app: &Arc<App>, client: Client, new: NewAccount) -> Result<Registered, RegisterError> {
    if app.registration == Registration::Closed && client.actor != Actor::Operator {
        return Err(RegisterError::Closed);
    }
    let by_operator = client.actor == Actor::Operator;
    if app.mail.verification() == Verification::Required && !by_operator {
        let attempt = Attempt::begin::<RegisterError>(app, Scope::Register, &client, None).await?;
        return ask(app, attempt, client, new).await;
    }
    let attempt = Attempt::begin_to_hash::<RegisterError>(app, Scope::Register, &client, None).await?;
    let (attempt, place) = attempt.place::<RegisterError>().await?;
    let NewAccount { email, password, full_name } = new;
    let hashed = place.hash(password).await;
    let (attempt, password_hash) = attempt.unless_refused::<_, RegisterError>(hashed).await?;
    let asks = app.mail.verification() != Verification::Off && !by_operator;
    let link = if asks { app.mail.link_mail(Kind::Verify)?.ok() } else { None };
    let app = Arc::clone(app);
    in_own_task(async move {
        let input = (NewUser { email, full_name, password_hash }, client, link);
        let made = app.store.write(input, |tx, (new, client, link)| {
            Box::pin(async move {
                let now = tx.now().await?;
                if account::left(tx, &new.email, now).await?.is_some() {
                    return Ok(None);
                }
                let Some(user) = account::insert(tx, new, now).await? else { return Ok(None) };
                audit::append(tx, &client.record(Event::Registered, user.id, None), now).await?;
                if let Some(link) = link {
                    verification(tx, link, &user, &Budget::Asked, now).await?;
                }
                Ok(Some(user))
            })
        });
        let Some(user) = made.await.map_err(Failure::from)? else {
            attempt.failed();
            return Err(RegisterError::EmailUnavailable);
        };
        attempt.succeeded().await;
        app.mail.wake();
        tracing::info!(user_id = %user.id, "registered");
        Ok(Registered::Account(user))
    })
    .await
}

/// Mails a link that makes the account, and sets its password: whoever types somebody else's address chooses nothing of it.
async fn ask(app: &Arc<App>, attempt: Attempt, client: Client, new: NewAccount) -> Result<Registered, RegisterError> {
    let link = app.mail.link_mail(Kind::Registration)?.ok().zip(app.mail.notice(Kind::AddressTaken)?);
    let app = Arc::clone(app);
    in_own_task(async move {
        let NewAccount { email, full_name, .. } = new;
        let asked = app.store.write((email, full_name, client, link), |tx, (email, name, client, link)| {
            Box::pin(async move {
                let now = tx.now().await?;
                if let Some((link, taken)) = link {
                    pend(tx, (link, taken), email, name.as_ref(), now).await?;
                }
                let detail = Some("asked".to_owned());
                let record = Record { user_id: None, detail, ..client.record(Event::Registered, UserId(0), None) };
                audit::append(tx, &record, now).await
            })
        });
        asked.await.map_err(Failure::from)?;
        attempt.succeeded().await;
        app.mail.wake();
        Ok(Registered::Mailed)
    })
    .await
}
