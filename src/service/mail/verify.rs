//! Showing that whoever has an account reads the mail of its address.

use std::sync::Arc;

use super::{AskError, Draft, leave};
use crate::domain::account::{Email, FullName, User, UserId};
use crate::domain::audit::{Event, Record};
use crate::domain::mail::{Budget, Kind, LinkToken, Purpose};
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::{EndReason, SessionId};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::digest::sha256;
use crate::service::session::{Caller, end_sessions_of, session_ended};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::account::NewUser;
use crate::storage::mail::{Token, TokenHash};
use crate::storage::{self, Tx, account, audit, mail, password};

/// Why an address is not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Unknown, used, or expired; or the account has another address by now: nobody outside learns which.
    #[error("the token is invalid or expired")]
    Invalid,
    /// Without a session of the account the link sets a password, and there was none.
    #[error("a password is needed")]
    PasswordRequired,
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

/// Mails the caller a link that confirms their address; the same one again while it is good. Nothing where it is confirmed.
///
/// # Errors
/// See [`AskError`].
pub async fn send_verification(app: &Arc<App>, caller: &Caller, client: Client) -> Result<(), AskError> {
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<AskError>(app, Scope::Mail, &client, Some(account)).await?;
    let draft = app.mail.link_mail(Kind::Verify)??;
    let (app, id) = (Arc::clone(app), caller.user.id);
    in_own_task(async move {
        let sent = app.store.write((id, draft), |tx, (id, draft)| {
            Box::pin(async move {
                let Some(locked) = account::lock(tx, *id).await? else { return Ok(()) };
                if locked.user.email_verified_at.is_none() {
                    verification(tx, draft, &locked.user, &Budget::Asked, locked.now).await?;
                }
                Ok(())
            })
        });
        sent.await.map_err(Failure::from)?;
        attempt.succeeded().await;
        app.mail.wake();
        Ok(())
    })
    .await
}

/// Mails a link that confirms a person's address. The user's row must be locked.
pub(in crate::service) async fn verification(
    tx: &mut Tx,
    draft: &Draft,
    user: &User,
    budget: &Budget,
    now: Timestamp,
) -> Result<(), storage::Error> {
    draft.mail_link(tx, Purpose::Verify, (&user.email, Some(user)), budget, now).await
}

/// What a pending registration holds: JSON. The password is set by whoever reads the mail.
fn pending(name: Option<&FullName>) -> String {
    serde_json::json!({ "full_name": name.map(FullName::as_str) }).to_string()
}

/// Writes down that somebody wants an account, and mails the address a link that makes it; or tells its owner that somebody tried. The
/// same statements, whoever has it.
pub(in crate::service) async fn pend(
    tx: &mut Tx,
    (link, taken): (&Draft, &Draft),
    email: &Email,
    name: Option<&FullName>,
    now: Timestamp,
) -> Result<(), storage::Error> {
    let found = account::id_of(tx, email).await?;
    let owner = account::lock(tx, found.unwrap_or(UserId(0))).await?.map(|locked| locked.user);
    let left = account::left(tx, email, now).await?.map(|(id, _)| id);
    match owner.as_ref().map(|owner| owner.id).or(left) {
        Some(id) => taken.mail_word(tx, Purpose::Register, (email, Some(id)), None, &Budget::Asked, now).await,
        None => link.mail_new(tx, Purpose::Register, (email, None), Some(&pending(name)), now).await,
    }
}

/// Takes the token of a link that confirms an address, or makes the account that somebody has asked for. Where nobody is logged in to
/// the account it sets a password too, and ends all sessions: whoever registered somebody else's address does not keep it.
/// `new` satisfies the policy.
///
/// # Errors
/// See [`VerifyError`].
pub async fn verify(
    app: &Arc<App>,
    client: Client,
    caller: Option<Caller>,
    token: Option<LinkToken>,
    new: Option<Password>,
) -> Result<(), VerifyError> {
    let attempt = Attempt::begin_to_hash::<VerifyError>(app, Scope::Reset, &client, None).await?;
    let (attempt, place) = attempt.place::<VerifyError>().await?;
    let hash = sha256(token.ok_or(VerifyError::Invalid)?.bytes());
    let found = look(app, &hash).await?.ok_or(VerifyError::Invalid)?;
    let is_owner = matches!((&found, &caller), (Found::Account(user, _), Some(caller)) if caller.user.id == user.id);
    let (attempt, password) = if is_owner {
        (attempt, None)
    } else {
        let new = new.ok_or(VerifyError::PasswordRequired)?;
        if new.reveal().eq_ignore_ascii_case(found.email().as_str()) {
            return Err(VerifyError::PasswordIsEmail);
        }
        let (attempt, password) = attempt.unless_refused::<_, VerifyError>(place.hash(new).await).await?;
        (attempt, Some(password))
    };
    let notice = app.mail.notice(Kind::EmailChanged)?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let input = (client, hash, found, password, notice);
        let done = app.store.write(input, |tx, (client, hash, found, password, notice)| {
            Box::pin(async move {
                match (found, password) {
                    (Found::Account(user, email), password) => {
                        let to = (email, notice.as_ref());
                        confirm(tx, client, user.id, to, hash, password.as_ref()).await
                    }
                    (Found::Pending(email, name), Some(password)) => {
                        let new =
                            NewUser { email: email.clone(), full_name: name.clone(), password_hash: password.clone() };
                        make(tx, client, hash, &new).await
                    }
                    // Nobody is logged in to an account that is not there.
                    (Found::Pending(..), None) => Ok(None),
                }
            })
        });
        let Some((user, ended)) = done.await.map_err(Failure::from)? else {
            attempt.failed();
            return Err(VerifyError::Invalid);
        };
        attempt.succeeded().await;
        for session in ended {
            session_ended(&app, session, EndReason::PasswordChanged);
        }
        app.session.cache.user_changed(user, app.clock.now(), app.clock.monotonic());
        tracing::info!(user_id = %user, "email verified");
        Ok(())
    })
    .await
}

/// What a token is about.
enum Found {
    /// An account, and the address that is confirmed by it: the account's own, or the one that it shall have, where nobody has confirmed
    /// one yet.
    Account(User, Email),
    /// An account that is not there yet.
    Pending(Email, Option<FullName>),
}

impl Found {
    const fn email(&self) -> &Email {
        match self {
            Self::Account(_, email) | Self::Pending(email, _) => email,
        }
    }
}

async fn look(app: &App, hash: &TokenHash) -> Result<Option<Found>, Failure> {
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    if let Some(token) = mail::find(&mut tx, Purpose::Verify, hash, now).await? {
        let email = token.sent_to.and_then(|text| Email::parse(&text).ok());
        let Some((id, email)) = token.user.zip(email) else { return Ok(None) };
        return Ok(account::by_id(&mut tx, id).await?.map(|user| Found::Account(user, email)));
    }
    let token = mail::find(&mut tx, Purpose::Register, hash, now).await?;
    Ok(token.and_then(|token| read_pending(&token)))
}

fn read_pending(token: &Token) -> Option<Found> {
    let email = Email::parse(token.sent_to.as_deref()?).ok()?;
    let payload: serde_json::Value = serde_json::from_str(token.payload.as_deref()?).ok()?;
    let name = payload["full_name"].as_str().and_then(|name| FullName::parse(name).ok().flatten());
    Some(Found::Pending(email, name))
}

type Done = Option<(UserId, Vec<SessionId>)>;

async fn confirm(
    tx: &mut Tx,
    client: &Client,
    id: UserId,
    (email, notice): (&Email, Option<&Draft>),
    hash: &TokenHash,
    new: Option<&PasswordHash>,
) -> Result<Done, storage::Error> {
    let Some(locked) = account::lock(tx, id).await? else { return Ok(None) };
    if mail::take(tx, Purpose::Verify, hash, locked.now).await?.is_none() {
        return Ok(None);
    }
    if locked.user.email == *email {
        account::confirm_email(tx, id, locked.now).await?;
    } else {
        // Corrected, unless somebody has shown meanwhile that they read the mail of the one that is, or has taken the new one.
        let is_taken = account::owner(tx, email, locked.now).await?.is_some_and(|owner| owner != id);
        if is_taken || locked.user.email_verified_at.is_some() {
            return Ok(None);
        }
        if account::set_email(tx, id, email, Some(locked.now), locked.now).await?.is_none() {
            return Ok(None);
        }
        leave(tx, &locked.user, client, notice, locked.now).await?;
        account::forget_left(tx, email).await?;
        audit::append(tx, &client.record(Event::EmailChanged, id, None), locked.now).await?;
    }
    audit::append(tx, &client.record(Event::EmailVerified, id, None), locked.now).await?;
    let mut ended = Vec::new();
    if let Some(new) = new {
        password::void(tx, id).await?;
        account::set_password(tx, id, new, locked.now).await?;
        let detail = Some("verification".to_owned());
        let record = Record { detail, ..client.record(Event::PasswordChanged, id, None) };
        audit::append(tx, &record, locked.now).await?;
        ended = end_sessions_of(tx, id, None, &EndReason::PasswordChanged, client, locked.now).await?;
    }
    Ok(Some((id, ended)))
}

async fn make(tx: &mut Tx, client: &Client, hash: &TokenHash, new: &NewUser) -> Result<Done, storage::Error> {
    let now = tx.now().await?;
    if mail::take(tx, Purpose::Register, hash, now).await?.is_none()
        || account::left(tx, &new.email, now).await?.is_some()
    {
        return Ok(None);
    }
    // Somebody may have been faster; who reads the mail of this address then knows.
    let Some(user) = account::insert(tx, new, now).await? else { return Ok(None) };
    account::confirm_email(tx, user.id, now).await?;
    audit::append(tx, &client.record(Event::Registered, user.id, None), now).await?;
    audit::append(tx, &client.record(Event::EmailVerified, user.id, None), now).await?;
    Ok(Some((user.id, Vec::new())))
}
