//! Where addresses must be confirmed: another one for an account that nobody has confirmed the address of. Who can't read the mail of an
//! address that was mistyped has no session, and gets none before.

use std::sync::Arc;

use super::{Draft, Unavailable};
use crate::config::mail::Verification;
use crate::domain::account::Email;
use crate::domain::audit::Event;
use crate::domain::mail::{Budget, Kind, Purpose};
use crate::domain::throttle::{Guesser, Scope};
use crate::service::password::{Looks, waiting};
use crate::service::session::{Credentials, LoginError, Verified, verify_credentials};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, audit};

/// Why no link is on its way.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// Nobody sends mail.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// As for a login; or the account needs no correction: its person can log in.
    #[error("incorrect email or password")]
    Incorrect,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<LoginError> for CorrectError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Incorrect | LoginError::EmailNotVerified => Self::Incorrect,
            LoginError::Limited(limited) => Self::Limited(limited),
            LoginError::Failed(cause) => Self::Failed(cause),
        }
    }
}

/// Mails a link to the address that an unconfirmed account shall have, and a notice to the one that it has: with its password, and
/// nothing else that it opens. The link confirms the address, and sets a password. Whether another account has the address is not told:
/// its owner is. `credentials` and `device` as in a login.
///
/// # Errors
/// See [`CorrectError`].
pub async fn correct_email(
    app: &Arc<App>,
    client: Client,
    credentials: Option<Credentials>,
    new: Email,
    device: &[String],
) -> Result<(), CorrectError> {
    let known = credentials.as_ref().and_then(|of| app.session.devices.device(device, &of.email));
    let by = known.map_or(Guesser::Stranger, Guesser::Device);
    let account = credentials.as_ref().map(|of| throttle::account(app, &of.email, by));
    let attempt = Attempt::begin_to_hash::<CorrectError>(app, Scope::Login, &client, account).await?;
    let mut admitted = attempt.place::<CorrectError>().await?;
    let link = app.mail.link_mail(Kind::Verify)??;
    let drafts = (link, app.mail.notice(Kind::AddressTaken)?, app.mail.notice(Kind::EmailChanging)?);
    let (_waiting, mut hung_up) = waiting();
    let app = Arc::clone(app);
    // Large, and seldom.
    in_own_task(Box::pin(async move {
        let (wanted, mut looks) = (Arc::new((client.clone(), new, drafts)), Looks::default());
        let mut mailing = None;
        loop {
            let credentials = credentials.clone();
            let (attempt, verified) = verify_credentials(&app, admitted, &client, credentials, &mut hung_up).await?;
            match correct(&app, &wanted, verified, &mut mailing).await {
                Ok(false) => admitted = looks.again(attempt, CorrectError::Incorrect).await?,
                done => {
                    // The password was right.
                    attempt.succeeded().await;
                    done?;
                    break;
                }
            }
        }
        if let Some(mailing) = mailing {
            mailing.succeeded().await;
        }
        app.mail.wake();
        Ok(())
    }))
    .await
}

type Wanted = (Client, Email, (Draft, Option<Draft>, Option<Draft>));

/// Whether the mails are written: not, where the account is no longer what was looked at.
async fn correct(
    app: &Arc<App>,
    wanted: &Arc<Wanted>,
    verified: Verified,
    mailing: &mut Option<Attempt>,
) -> Result<bool, CorrectError> {
    if app.mail.verification() != Verification::Required || verified.is_confirmed {
        return Err(CorrectError::Incorrect);
    }
    if mailing.is_none() {
        // Whoever does not know the password draws on none of it.
        let account = throttle::account(app, &verified.email, Guesser::Session);
        *mailing = Some(Attempt::begin::<CorrectError>(app, Scope::Mail, &wanted.0, Some(account)).await?);
    }
    let asked =
        app.store.write((Arc::clone(wanted), verified), |tx, (wanted, verified)| Box::pin(ask(tx, wanted, verified)));
    Ok(asked.await.map_err(Failure::from)?)
}

async fn ask(tx: &mut Tx, wanted: &Wanted, verified: &Verified) -> Result<bool, storage::Error> {
    let (id, (client, new, (link, taken, notice))) = (verified.user_id, wanted);
    let Some(locked) = account::lock(tx, id).await? else { return Ok(false) };
    let is_same = locked.password_hash == verified.password_hash;
    if !is_same || locked.user.email_verified_at.is_some() {
        return Ok(false);
    }
    match (taken, account::owner(tx, new, locked.now).await?.filter(|owner| *owner != id)) {
        (Some(taken), Some(owner)) => {
            let to = (new, Some(owner));
            taken.mail_word(tx, Purpose::Verify, to, None, &Budget::Asked, locked.now).await?;
        }
        _ => link.mail_new(tx, Purpose::Verify, (new, Some(id)), None, locked.now).await?,
    }
    if let Some(notice) = notice {
        notice.tell(tx, &locked.user, client, locked.now).await?;
    }
    audit::append(tx, &client.record(Event::EmailChangeAsked, id, None), locked.now).await?;
    Ok(true)
}
