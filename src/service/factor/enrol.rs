//! Setting up an authenticator app: a secret that is shown once, and a code that shows that the app has it.

use std::sync::Arc;

use super::first::ask_for_code;
use super::look::open;
use super::{NotRecent, PENDING_FOR, Shown, context, draw_codes, ensure_recent};
use crate::domain::account::{ExternalId, User};
use crate::domain::audit::{Event, Record};
use crate::domain::factor::{
    Code, Decision, Enrolled, EnrolmentCode, Method, Proof, RecoveryCode, Requirement, SecretKey, Step, decide, steps,
    uri,
};
use crate::domain::mail::Kind;
use crate::domain::session::{EndReason, Session, SessionId};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::one_time_code::step_of;
use crate::platform::qr_code;
use crate::platform::sealed::{Sealed, Seals};
use crate::service::mail::Draft;
use crate::service::session::{Caller, IssuedTokens, end_sessions_of, issue_tokens, session_ended};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::factor::{NewRecoveryCode, Pending};
use crate::storage::{self, Tx, account, audit, factor, session};

/// What a person brings into their app. Shown once.
pub struct Enrolment {
    /// The `otpauth` address.
    pub uri: String,
    /// The secret, for an app that reads no symbol.
    pub secret: String,
    /// The address as a symbol: a `data:` address of an SVG image.
    pub qr_code: String,
    /// Whether it is confirmed by an enrolment code too.
    pub wants_code: bool,
}

/// What somebody types in who has set an app up.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// A code of the app. None: it can't be one.
    pub code: Option<Code>,
    /// The enrolment code, where there is one. None inside: it can't be one.
    pub enrolment_code: Option<Option<EnrolmentCode>>,
}

/// What became of a confirmation.
pub struct Confirmed {
    /// The session's tokens: it has proved two factors now.
    pub tokens: IssuedTokens,
    /// The recovery codes, where this was the account's first factor.
    pub recovery_codes: Option<Vec<RecoveryCode>>,
}

/// Why the account has the factors that it had.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// It is to be proved again who asks.
    #[error("it was proved too long ago")]
    Wanted(Vec<Method>),
    /// The account is gone.
    #[error("the account is gone")]
    Gone,
    /// The code is not one of the secret that was shown.
    #[error("the code is not one of the secret that was shown")]
    Incorrect,
    /// It is the account's first factor, and the code that was mailed, or given, is another one or missing.
    #[error("the enrolment code is missing, or another one")]
    EnrolmentCode,
    /// No secret was shown to this session, or too long ago.
    #[error("no secret waits to be confirmed")]
    NothingPending,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<NotRecent> for ConfirmError {
    fn from(error: NotRecent) -> Self {
        match error {
            NotRecent::Wanted(methods) => Self::Wanted(methods),
            NotRecent::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// Makes a new secret for the caller's app. It counts once a code of it was given in this session; an active app counts until then.
///
/// # Errors
/// See [`ConfirmError`].
pub async fn enrol_totp(app: &Arc<App>, caller: &Caller, client: &Client) -> Result<Enrolment, ConfirmError> {
    ensure_recent(app, caller).await?;
    let account = throttle::in_session(app, caller);
    let attempt = Attempt::begin::<ConfirmError>(app, Scope::Profile, client, Some(account)).await?;
    let enrolment = show(app, &caller.user, caller.session.id.0).await?;
    attempt.succeeded().await;
    enrolment.ok_or(ConfirmError::Gone)
}

/// Makes a new secret for an app of this user, to be confirmed by whoever holds what it is bound to. None: the account is gone.
pub(in crate::service) async fn show(app: &App, user: &User, bound_to: [u8; 16]) -> Result<Option<Enrolment>, Failure> {
    let secret = SecretKey::new(app.random.bytes()?);
    let uri = uri(&app.factor.issuer, &user.email, &secret);
    let qr_code = qr_code::data_uri(&uri).unwrap_or_default();
    let sealed = app.factor.seals.seal(secret.bytes(), &context(user.id))?;
    let input = (user.id, bound_to, sealed, app.mail.enrolment()?);
    let kept = app.store.write(input, |tx, (id, bound_to, sealed, draft)| {
        Box::pin(async move {
            let Some(locked) = account::lock(tx, *id).await? else { return Ok(None) };
            let Some((enrolled, _)) = factor::standing(tx, *id, Timestamp::EPOCH).await? else { return Ok(None) };
            let expires_at = locked.now + PENDING_FOR;
            let pending = Pending { bound_to: *bound_to, secret: sealed.clone(), expires_at };
            factor::keep_pending(tx, *id, &pending).await?;
            let is_first = !enrolled.has_factor();
            Ok(Some(is_first && ask_for_code(tx, draft.as_ref(), &locked.user, locked.now).await?))
        })
    });
    let kept = kept.await?;
    app.mail.wake();
    Ok(kept.map(|wants_code| Enrolment { uri, secret: secret.base32(), qr_code, wants_code }))
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    Done(Box<Done>),
    Wrong,
    /// The enrolment code.
    Unproved,
    NothingPending,
    Gone,
}

struct Done {
    session: Session,
    external_id: Option<ExternalId>,
    is_first: bool,
    ended: Vec<SessionId>,
    now: Timestamp,
}

struct Input {
    caller: Caller,
    client: Client,
    code: Option<Code>,
    shown: Shown,
    codes: Vec<NewRecoveryCode>,
    seals: Seals,
    notice: Option<Draft>,
}

/// Makes the app that was shown last to this session the account's, in the place of another. With the first factor come recovery codes,
/// and the account's other sessions end: they have proved less than is wanted now.
///
/// # Errors
/// See [`ConfirmError`].
pub async fn confirm_totp(
    app: &Arc<App>,
    caller: Caller,
    client: Client,
    typed: Confirmation,
) -> Result<Confirmed, ConfirmError> {
    ensure_recent(app, &caller).await?;
    let account = throttle::in_session(app, &caller);
    let attempt = Attempt::begin::<ConfirmError>(app, Scope::SecondFactor, &client, Some(account)).await?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let id = caller.session.id;
        let (drawn, codes) = draw_codes(&app)?;
        let (seals, notice) = (app.factor.seals.clone(), app.mail.notice(Kind::FactorAdded)?);
        let shown = Shown::look(&app, &caller.user, typed.enrolment_code.as_ref()).await?;
        let (code, is_guess) = (typed.code, shown.is_guess());
        let input = Input { caller, client, code, shown, codes, seals, notice };
        let found = app.store.write(input, |tx, input| Box::pin(confirm(tx, input)));
        let done = match found.await.map_err(Failure::from)? {
            Found::Done(done) => *done,
            Found::Wrong => {
                attempt.failed();
                return Err(ConfirmError::Incorrect);
            }
            Found::Unproved => {
                if is_guess {
                    attempt.failed();
                } else {
                    attempt.succeeded().await;
                }
                return Err(ConfirmError::EnrolmentCode);
            }
            Found::NothingPending => {
                attempt.succeeded().await;
                return Err(ConfirmError::NothingPending);
            }
            Found::Gone => return Err(ConfirmError::Gone),
        };
        attempt.succeeded().await;
        app.mail.wake();
        app.session.cache.forget(id);
        app.session.cache.user_changed(done.session.user_id, app.clock.now(), app.clock.monotonic());
        for ended in done.ended {
            session_ended(&app, ended, EndReason::SecondFactor);
        }
        tracing::info!(user_id = %done.session.user_id, first = done.is_first, "an authenticator app was set up");
        let tokens = issue_tokens(&app, &done.session, done.external_id.as_ref(), done.now)?;
        let recent = Some(app.factor.cookies.recent(id, done.now));
        Ok(Confirmed { tokens: IssuedTokens { recent, ..tokens }, recovery_codes: done.is_first.then_some(drawn) })
    })
    .await
}

async fn confirm(tx: &mut Tx, input: &Input) -> Result<Found, storage::Error> {
    let Input { caller, client, code, shown, codes, seals, notice } = input;
    let Some(locked) = account::lock(tx, caller.user.id).await? else { return Ok(Found::Gone) };
    let (id, now) = (locked.user.id, locked.now);
    let Some(row) = session::lock(tx, caller.session.id).await? else { return Ok(Found::Gone) };
    if row.session.ended.is_some() || !locked.user.is_active {
        return Ok(Found::Gone);
    }
    let Some(step) = right_step(tx, &locked.user, &caller.session.id.0, *code, seals, now).await? else {
        return Ok(Found::NothingPending);
    };
    let Some((secret, step)) = step else { return Ok(Found::Wrong) };
    let Some((before, _)) = factor::standing(tx, id, Timestamp::EPOCH).await? else { return Ok(Found::Gone) };
    let is_first = !before.has_factor();
    if is_first && !shown.admit(tx, &locked.user, client, now).await? {
        return Ok(Found::Unproved);
    }
    factor::activate(tx, id, &secret, step, now).await?;
    let what = if before.totp { "totp, in the place of another" } else { "totp" };
    let new = NewFactor { what, first: is_first.then_some(codes), kept: Some(caller.session.id) };
    let ended = add(tx, &locked.user, new, client, notice.as_ref(), now).await?;
    // A recent proof was asked for, and this is one of the new factor.
    let mut proved = Proof::of(&row.session.amr);
    proved.push(Proof::Totp);
    let enrolled = Enrolled { totp: true, ..before };
    let mut session = row.session;
    if let Decision::SignedIn(signed_in) = decide(enrolled, &proved, Requirement::Optional) {
        session::prove(tx, session.id, signed_in.methods(), now).await?;
        (session.amr, session.proved_at) = (signed_in.methods().to_vec(), Some(now));
    }
    Ok(Found::Done(Box::new(Done { session, external_id: locked.user.external_id, is_first, ended, now })))
}

/// The secret that was shown to whoever holds this, sealed, and the step of the code. None: none was, or too long ago. None inside:
/// another code.
pub(in crate::service) async fn right_step(
    tx: &mut Tx,
    user: &User,
    bound_to: &[u8; 16],
    code: Option<Code>,
    seals: &Seals,
    now: Timestamp,
) -> Result<Option<Option<(Sealed, Step)>>, storage::Error> {
    let Some(pending) = factor::pending(tx, user.id, bound_to, now).await? else { return Ok(None) };
    let Some(secret) = open(seals, user.id, &pending.secret) else { return Ok(None) };
    let step = code.and_then(|code| step_of(&secret, code, steps(now, Step::MIN)));
    Ok(Some(step.map(|step| (pending.secret, step))))
}

/// A factor that an account has got.
pub(in crate::service) struct NewFactor<'a> {
    /// Which, for the audit.
    pub(in crate::service) what: &'static str,
    /// The recovery codes that come with the first one.
    pub(in crate::service) first: Option<&'a Vec<NewRecoveryCode>>,
    /// The session that has added it.
    pub(in crate::service) kept: Option<SessionId>,
}

/// What comes with a new factor: with the first one recovery codes, and the end of the other sessions.
pub(in crate::service) async fn add(
    tx: &mut Tx,
    user: &User,
    new: NewFactor<'_>,
    client: &Client,
    notice: Option<&Draft>,
    now: Timestamp,
) -> Result<Vec<SessionId>, storage::Error> {
    let mut ended = Vec::new();
    if let Some(codes) = new.first {
        factor::replace_recovery_codes(tx, user.id, codes, now).await?;
        ended = end_sessions_of(tx, user.id, new.kept, &EndReason::SecondFactor, client, now).await?;
    }
    let record = Record { detail: Some(new.what.to_owned()), ..client.record(Event::FactorAdded, user.id, new.kept) };
    audit::append(tx, &record, now).await?;
    if let Some(notice) = notice {
        notice.tell(tx, user, client, now).await?;
    }
    Ok(ended)
}
