//! Another address for an account, and the way back.

use std::sync::Arc;

use super::{Draft, Unavailable};
use crate::domain::account::{Email, User, UserId};
use crate::domain::audit::{Event, Record};
use crate::domain::mail::{Budget, Kind, LinkToken, Purpose};
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::EndReason;
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::digest::sha256;
use crate::service::password::{Looks, Proof, ProofError, prove, waiting};
use crate::service::session::{Caller, end_sessions_of, session_ended};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::mail::TokenHash;
use crate::storage::{self, Tx, account, audit, mail, password};

/// Why no change of the address is under way.
#[derive(Debug, thiserror::Error)]
pub enum ChangeEmailError {
    /// Nobody sends mail.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The account has this address.
    #[error("it is the account's address")]
    Same,
    /// The password was not proved.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl From<Failure> for ChangeEmailError {
    fn from(failure: Failure) -> Self {
        Self::Proof(failure.into())
    }
}

/// Mails a link to the address that the caller wants to have, and a notice to the one that they have. Whether another account has the
/// address is not told: its owner is.
///
/// # Errors
/// See [`ChangeEmailError`].
pub async fn change_email(app: &Arc<App>, proof: Proof, email: Email) -> Result<(), ChangeEmailError> {
    let account = throttle::in_session(app, &proof.caller);
    let attempt = Attempt::begin_to_hash::<ProofError>(app, Scope::EmailChange, &proof.client, Some(account)).await?;
    let mut admitted = attempt.place::<ProofError>().await?;
    let link = app.mail.link_mail(Kind::EmailChange)??;
    let drafts = (link, app.mail.notice(Kind::AddressTaken)?, app.mail.notice(Kind::EmailChanging)?);
    if proof.caller.user.email == email {
        return Err(ChangeEmailError::Same);
    }
    let (_waiting, mut hung_up) = waiting();
    let app = Arc::clone(app);
    // Large, and seldom.
    in_own_task(Box::pin(async move {
        let wanted = Arc::new((proof.caller.user.id, proof.client.clone(), email, drafts));
        let mut looks = Looks::default();
        let attempt = loop {
            let (attempt, verified) = prove(&app, admitted, &proof, &mut hung_up).await?;
            let input = (Arc::clone(&wanted), verified);
            let asked = app.store.write(input, |tx, (wanted, verified)| Box::pin(ask(tx, wanted, verified)));
            if asked.await.map_err(Failure::from)? {
                break attempt;
            }
            admitted = looks.again(attempt, ProofError::Incorrect).await?;
        };
        attempt.succeeded().await;
        app.mail.wake();
        Ok(())
    }))
    .await
}

type Wanted = (UserId, Client, Email, (Draft, Option<Draft>, Option<Draft>));

/// Whether the mails are written: not, where another hash is stored than the one that was verified.
async fn ask(tx: &mut Tx, wanted: &Wanted, verified: &PasswordHash) -> Result<bool, storage::Error> {
    let (id, client, email, (link, taken, notice)) = wanted;
    let Some(locked) = account::lock(tx, *id).await? else { return Ok(false) };
    if locked.password_hash != *verified {
        return Ok(false);
    }
    // Of several that were asked for the last counts.
    mail::void(tx, Purpose::EmailChange, *id).await?;
    match (taken, account::owner(tx, email, locked.now).await?.filter(|owner| owner != id)) {
        (Some(taken), Some(owner)) => {
            let to = (email, Some(owner));
            taken.mail_word(tx, Purpose::EmailChange, to, None, &Budget::Asked, locked.now).await?;
        }
        _ => link.mail_new(tx, Purpose::EmailChange, (email, Some(*id)), None, locked.now).await?,
    }
    if let Some(notice) = notice {
        notice.tell(tx, &locked.user, client, locked.now).await?;
    }
    audit::append(tx, &client.record(Event::EmailChangeAsked, *id, None), locked.now).await?;
    Ok(true)
}

/// Why the account has the address that it had.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// Unknown, used, replaced, expired, or another account's: nobody outside learns which.
    #[error("the token is invalid or expired")]
    Invalid,
    /// Another account has taken the address meanwhile.
    #[error("the email is taken")]
    EmailUnavailable,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What became of a change, as a value, so that it commits.
enum Changed {
    Done(User),
    Taken,
    Void,
}

/// Gives the caller the address that a link was mailed to. The old one is told, and stays reserved for a while; where it was confirmed
/// it gets a way back.
///
/// # Errors
/// See [`ConfirmError`].
pub async fn confirm_email_change(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
    token: Option<LinkToken>,
) -> Result<User, ConfirmError> {
    let attempt = Attempt::begin::<ConfirmError>(app, Scope::Reset, &client, None).await?;
    let hash = sha256(token.ok_or(ConfirmError::Invalid)?.bytes());
    let notice = app.mail.notice(Kind::EmailChanged)?;
    let (app, id) = (Arc::clone(app), caller.user.id);
    in_own_task(async move {
        let changed = app.store.write((id, client, hash, notice), |tx, (id, client, hash, notice)| {
            Box::pin(confirm(tx, *id, client, hash, notice.as_ref()))
        });
        match changed.await.map_err(Failure::from)? {
            Changed::Done(user) => {
                attempt.succeeded().await;
                app.session.cache.user_changed(id, app.clock.now(), app.clock.monotonic());
                app.mail.wake();
                Ok(user)
            }
            Changed::Taken => {
                attempt.failed();
                Err(ConfirmError::EmailUnavailable)
            }
            Changed::Void => {
                attempt.failed();
                Err(ConfirmError::Invalid)
            }
        }
    })
    .await
}

async fn confirm(
    tx: &mut Tx,
    id: UserId,
    client: &Client,
    hash: &TokenHash,
    notice: Option<&Draft>,
) -> Result<Changed, storage::Error> {
    let Some(locked) = account::lock(tx, id).await? else { return Ok(Changed::Void) };
    let now = locked.now;
    let found = mail::find(tx, Purpose::EmailChange, hash, now).await?;
    let Some(token) = found.filter(|token| token.user == Some(id)) else { return Ok(Changed::Void) };
    let Some(email) = token.sent_to.and_then(|text| Email::parse(&text).ok()) else { return Ok(Changed::Void) };
    if account::left(tx, &email, now).await?.is_some_and(|(left, _)| left != id) {
        return Ok(Changed::Taken);
    }
    let Some(user) = account::set_email(tx, id, &email, Some(now), now).await? else { return Ok(Changed::Taken) };
    mail::take(tx, Purpose::EmailChange, hash, now).await?;
    leave(tx, &locked.user, client, notice, now).await?;
    // It may be one that the account had before.
    account::forget_left(tx, &email).await?;
    audit::append(tx, &client.record(Event::EmailChanged, id, None), now).await?;
    Ok(Changed::Done(user))
}

/// What follows when an account has another address: links to the old one are void, it stays reserved, and its reader is told.
pub(in crate::service) async fn leave(
    tx: &mut Tx,
    old: &User,
    client: &Client,
    notice: Option<&Draft>,
    now: Timestamp,
) -> Result<(), storage::Error> {
    password::void(tx, old.id).await?;
    for purpose in [Purpose::Verify, Purpose::Enrol] {
        mail::void(tx, purpose, old.id).await?;
    }
    account::reserve_left(tx, old.id, &old.email, now).await?;
    if let Some(notice) = notice {
        notice.tell(tx, old, client, now).await?;
    }
    Ok(())
}

/// Why there was no way back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Unknown, used, or expired: nobody outside learns which.
    #[error("the token is invalid or expired")]
    Invalid,
    /// The new password is the address.
    #[error("the new password is the email")]
    PasswordIsEmail,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Gives an account back to the reader of the address that it had: the address, and a new password, which satisfies the policy. All
/// sessions end, whatever was under way since is void, and a deletion that waits is called off.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(
    app: &Arc<App>,
    client: Client,
    token: Option<LinkToken>,
    new: Password,
) -> Result<(), RestoreError> {
    let attempt = Attempt::begin_to_hash::<RestoreError>(app, Scope::Reset, &client, None).await?;
    let (attempt, place) = attempt.place::<RestoreError>().await?;
    let hash = sha256(token.ok_or(RestoreError::Invalid)?.bytes());
    let (id, email) = whose(app, &hash).await?.ok_or(RestoreError::Invalid)?;
    if new.reveal().eq_ignore_ascii_case(email.as_str()) {
        return Err(RestoreError::PasswordIsEmail);
    }
    let (attempt, password) = attempt.unless_refused::<_, RestoreError>(place.hash(new).await).await?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let input = (client, hash, id, email, password);
        let done = app.store.write(input, |tx, (client, hash, id, email, new)| {
            Box::pin(async move {
                let Some(locked) = account::lock(tx, *id).await? else { return Ok(None) };
                let now = locked.now;
                let Some(token) = mail::take(tx, Purpose::WayBack, hash, now).await? else { return Ok(None) };
                if account::set_email(tx, *id, email, Some(now), now).await?.is_none() {
                    return Ok(None);
                }
                // Ways back that were given since lead to whoever took the account.
                mail::void_since(tx, Purpose::WayBack, *id, token.created_at).await?;
                for purpose in [Purpose::Verify, Purpose::NotMe] {
                    mail::void(tx, purpose, *id).await?;
                }
                password::void(tx, *id).await?;
                account::set_password(tx, *id, new, now).await?;
                account::call_off_erasure(tx, *id, now).await?;
                account::forget_left(tx, email).await?;
                audit::append(tx, &client.record(Event::EmailRestored, *id, None), now).await?;
                let detail = Some("way back".to_owned());
                let record = Record { detail, ..client.record(Event::PasswordChanged, *id, None) };
                audit::append(tx, &record, now).await?;
                end_sessions_of(tx, *id, None, &EndReason::PasswordChanged, client, now).await.map(Some)
            })
        });
        let ended = done.await.map_err(Failure::from)?.ok_or(RestoreError::Invalid)?;
        attempt.succeeded().await;
        for session in ended {
            session_ended(&app, session, EndReason::PasswordChanged);
        }
        tracing::info!(user_id = %id, "an address was taken back");
        Ok(())
    })
    .await
}

async fn whose(app: &App, hash: &TokenHash) -> Result<Option<(UserId, Email)>, Failure> {
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    let Some(token) = mail::find(&mut tx, Purpose::WayBack, hash, now).await? else { return Ok(None) };
    let email = token.sent_to.and_then(|text| Email::parse(&text).ok());
    Ok(token.user.zip(email))
}
