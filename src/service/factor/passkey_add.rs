//! Adding a passkey.

use std::sync::Arc;

use super::look::Looker;
use super::{NewFactor, NotRecent, PasskeyOf, Shown, add, draw_codes, ensure_recent};
use crate::domain::account::{ExternalId, User};
use crate::domain::factor::{
    Attestation, CeremonyFor, Decision, Enrolled, EnrolmentCode, MAX_PASSKEYS, Method, Passkey, PasskeyId, PasskeyName,
    Proof, RecoveryCode, Requirement, decide,
};
use crate::domain::mail::Kind;
use crate::domain::session::{EndReason, Session, SessionId};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::proof_cookies::ProofCookies;
use crate::service::mail::Draft;
use crate::service::session::{Caller, IssuedTokens, issue_tokens, session_ended};
use crate::service::throttle::{self, Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::account::Locked;
use crate::storage::factor::NewRecoveryCode;
use crate::storage::{self, Tx, account, factor, session};

/// Why the account has the passkeys that it had.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// There are no passkeys here: `PASSKEY_RP_ID`.
    #[error("there are no passkeys here")]
    Unavailable,
    /// It is to be proved again who asks.
    #[error("it was proved too long ago")]
    Wanted(Vec<Method>),
    /// The account is gone.
    #[error("the account is gone")]
    Gone,
    /// It has as many as it may.
    #[error("the account has as many passkeys as it may")]
    TooMany,
    /// The browser holds no challenge that is good.
    #[error("no challenge that is good")]
    ChallengeExpired,
    /// It is none that can be used, or its id is taken.
    #[error("the passkey can't be used")]
    Invalid,
    /// It is the account's first factor, and the code that was mailed, or given, is another one or missing. The challenge is good still.
    #[error("the enrolment code is missing, or another one")]
    EnrolmentCode,
    /// The account has no such one.
    #[error("the account has no such passkey")]
    NotFound,
    /// The account has none.
    #[error("the account has no passkey")]
    NoFactor,
    /// It is the last factor, and everybody needs one.
    #[error("it is the last factor")]
    LastFactor,
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<NotRecent> for PasskeyError {
    fn from(error: NotRecent) -> Self {
        match error {
            NotRecent::Wanted(methods) => Self::Wanted(methods),
            NotRecent::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// What somebody sends who has made one.
pub struct NewPasskey {
    /// What the authenticator has made.
    pub answer: Attestation,
    /// How it is called.
    pub name: PasskeyName,
    /// The enrolment code, where there is one. None inside: it can't be one.
    pub enrolment_code: Option<Option<EnrolmentCode>>,
}

/// A passkey that was added.
pub struct Added {
    /// It.
    pub passkey: PasskeyOf,
    /// The session's tokens: it has proved two factors now.
    pub tokens: IssuedTokens,
    /// The recovery codes, where this was the account's first factor.
    pub recovery_codes: Option<Vec<RecoveryCode>>,
}

/// The same, with what is needed to look at it.
pub(in crate::service) struct Made {
    pub(in crate::service) answer: Attestation,
    pub(in crate::service) name: PasskeyName,
    pub(in crate::service) first: Shown,
    pub(in crate::service) id: PasskeyId,
    pub(in crate::service) looker: Looker,
}

impl NewPasskey {
    /// Looks at what comes with it. `presented`: the challenges that the browser holds.
    pub(in crate::service) async fn made(
        self,
        app: &App,
        user: &User,
        presented: &[String],
        client: &Client,
    ) -> Result<Made, Failure> {
        let Self { answer, name, enrolment_code } = self;
        let first = Shown::look(app, user, enrolment_code.as_ref()).await?;
        let (id, looker) = (PasskeyId(app.random.bytes()?), Looker::new(app, presented, client));
        Ok(Made { answer, name, first, id, looker })
    }
}

struct Input {
    caller: Caller,
    client: Client,
    made: Made,
    codes: Vec<NewRecoveryCode>,
    notice: Option<Draft>,
}

/// What the transaction found, as a value, so that it commits.
enum Found {
    Done(Box<Done>),
    Not(PasskeyError),
}

struct Done {
    passkey: Passkey,
    session: Session,
    external_id: Option<ExternalId>,
    is_first: bool,
    ended: Vec<SessionId>,
    now: Timestamp,
}

/// Gives the caller's account a passkey, by an answer to the challenge that this session was given. With the first factor come recovery
/// codes, and the account's other sessions end.
///
/// # Errors
/// See [`PasskeyError`].
pub async fn add_passkey(
    app: &Arc<App>,
    caller: Caller,
    (client, presented): (Client, &[String]),
    new: NewPasskey,
) -> Result<Added, PasskeyError> {
    if app.factor.passkeys.is_none() {
        return Err(PasskeyError::Unavailable);
    }
    ensure_recent(app, &caller).await?;
    let account = throttle::in_session(app, &caller);
    let attempt = Attempt::begin::<PasskeyError>(app, Scope::Profile, &client, Some(account)).await?;
    let made = new.made(app, &caller.user, presented, &client).await?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let session_id = caller.session.id;
        let (shown, codes) = draw_codes(&app)?;
        let notice = app.mail.notice(Kind::FactorAdded)?;
        let input = Input { caller, client, made, codes, notice };
        let found = app.store.write(input, |tx, input| Box::pin(add_one(tx, input))).await.map_err(Failure::from)?;
        attempt.succeeded().await;
        let done = match found {
            Found::Done(done) => *done,
            Found::Not(error) => return Err(error),
        };
        app.mail.wake();
        app.session.cache.forget(session_id);
        for ended in done.ended {
            session_ended(&app, ended, EndReason::SecondFactor);
        }
        tracing::info!(user_id = %done.session.user_id, first = done.is_first, "a passkey was added");
        let tokens = issue_tokens(&app, &done.session, done.external_id.as_ref(), done.now)?;
        let recent = Some(app.factor.cookies.recent(session_id, done.now));
        Ok(Added {
            passkey: done.passkey.into(),
            tokens: IssuedTokens { recent, ..tokens },
            recovery_codes: done.is_first.then_some(shown),
        })
    })
    .await
}

async fn add_one(tx: &mut Tx, input: &Input) -> Result<Found, storage::Error> {
    let Input { caller, client, made, codes, notice } = input;
    let (user_id, session_id) = (caller.user.id, caller.session.id);
    let Some(locked) = account::lock(tx, user_id).await? else { return Ok(Found::Not(PasskeyError::Gone)) };
    let now = locked.now;
    let Some(row) = session::lock(tx, session_id).await? else { return Ok(Found::Not(PasskeyError::Gone)) };
    let standing = factor::standing(tx, user_id, Timestamp::EPOCH).await?.filter(|_| row.session.ended.is_none());
    let Some((enrolled, _)) = standing else { return Ok(Found::Not(PasskeyError::Gone)) };
    let is_first = !enrolled.has_factor();
    let passkey = match register(tx, &locked, enrolled, session_id.0, made, client).await? {
        Ok(passkey) => passkey,
        Err(error) => return Ok(Found::Not(error)),
    };
    let new = NewFactor { what: "passkey", first: is_first.then_some(codes), kept: Some(session_id) };
    let ended = add(tx, &locked.user, new, client, notice.as_ref(), now).await?;
    // A recent proof was asked for, and this is one of the new factor, whose owner was verified.
    let mut proved = Proof::of(&row.session.amr);
    proved.push(Proof::Passkey { verified: true, synced: passkey.credential.is_synced });
    let Some((enrolled, _)) = factor::standing(tx, user_id, Timestamp::EPOCH).await? else {
        return Ok(Found::Not(PasskeyError::Gone));
    };
    let mut session = row.session;
    if let Decision::SignedIn(signed_in) = decide(enrolled, &proved, Requirement::Optional) {
        session::prove(tx, session.id, signed_in.methods(), now).await?;
        (session.amr, session.proved_at) = (signed_in.methods().to_vec(), Some(now));
    }
    let external_id = locked.user.external_id;
    Ok(Found::Done(Box::new(Done { passkey, session, external_id, is_first, ended, now })))
}

/// Makes the account's what answers a challenge that is bound to this: a session, or a ticket. Where it is the first factor it takes
/// the enrolment code.
pub(in crate::service) async fn register(
    tx: &mut Tx,
    locked: &Locked,
    enrolled: Enrolled,
    bound_to: [u8; 16],
    made: &Made,
    client: &Client,
) -> Result<Result<Passkey, PasskeyError>, storage::Error> {
    let (user_id, now) = (locked.user.id, locked.now);
    let asked = (CeremonyFor::Registration, Some((user_id, bound_to)));
    let Some(ceremony) = made.looker.ceremony(tx, &made.answer.client_data, asked, now).await? else {
        return Ok(Err(PasskeyError::ChallengeExpired));
    };
    let relying_party = made.looker.relying_party();
    let credential = match relying_party.map(|party| party.register(&made.answer, &ceremony.challenge)) {
        Some(Ok(credential)) => credential,
        Some(Err(refused)) => {
            tracing::info!(%user_id, why = %refused, "a new passkey was refused");
            return Ok(Err(PasskeyError::Invalid));
        }
        None => return Ok(Err(PasskeyError::Unavailable)),
    };
    if enrolled.passkeys as usize >= MAX_PASSKEYS {
        return Ok(Err(PasskeyError::TooMany));
    }
    if !enrolled.has_factor() && !made.first.admit(tx, &locked.user, client, now).await? {
        return Ok(Err(PasskeyError::EnrolmentCode));
    }
    if !factor::spend(tx, &ProofCookies::spent_ceremony(&ceremony), ceremony.expires).await? {
        return Ok(Err(PasskeyError::ChallengeExpired));
    }
    let passkey = Passkey { id: made.id, credential, name: made.name.clone(), created_at: now, last_used_at: None };
    if !factor::add_passkey(tx, user_id, &passkey).await? {
        tracing::info!(%user_id, why = "its id is taken", "a new passkey was refused");
        return Ok(Err(PasskeyError::Invalid));
    }
    Ok(Ok(passkey))
}
