//! Adding a passkey.

use std::sync::Arc;

use super::look::Looker;
use super::{NewFactor, NotRecent, PasskeyOf, Shown, add, draw_codes, ensure_recent};
use crate::domain::account::ExternalId;
use crate::domain::factor::{
    Attestation, CeremonyFor, Decision, EnrolmentCode, MAX_PASSKEYS, Method, Passkey, PasskeyId, PasskeyName, Proof,
    RecoveryCode, Requirement, decide,
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

struct Input {
    caller: Caller,
    client: Client,
    answer: Attestation,
    name: PasskeyName,
    first: Shown,
    id: PasskeyId,
    codes: Vec<NewRecoveryCode>,
    looker: Looker,
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
    NewPasskey { answer, name, enrolment_code }: NewPasskey,
) -> Result<Added, PasskeyError> {
    if app.factor.passkeys.is_none() {
        return Err(PasskeyError::Unavailable);
    }
    ensure_recent(app, &caller).await?;
    let account = throttle::in_session(app, &caller);
    let attempt = Attempt::begin::<PasskeyError>(app, Scope::Profile, &client, Some(account)).await?;
    let looker = Looker::new(app, presented, &client);
    let app = Arc::clone(app);
    in_own_task(async move {
        let session_id = caller.session.id;
        let (shown, codes) = draw_codes(&app)?;
        let id = PasskeyId(app.random.bytes().map_err(Failure::from)?);
        let notice = app.mail.notice(Kind::FactorAdded)?;
        let first = Shown::look(&app, &caller.user, enrolment_code.as_ref()).await?;
        let input = Input { caller, client, answer, name, first, id, codes, looker, notice };
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
    let Input { caller, client, answer, name, first, id, codes, looker, notice } = input;
    let (user_id, session_id) = (caller.user.id, caller.session.id);
    let Some(locked) = account::lock(tx, user_id).await? else { return Ok(Found::Not(PasskeyError::Gone)) };
    let now = locked.now;
    let Some(row) = session::lock(tx, session_id).await? else { return Ok(Found::Not(PasskeyError::Gone)) };
    let standing = factor::standing(tx, user_id, Timestamp::EPOCH).await?.filter(|_| row.session.ended.is_none());
    let Some((enrolled, _)) = standing else { return Ok(Found::Not(PasskeyError::Gone)) };
    let asked = (CeremonyFor::Registration, Some((user_id, session_id.0)));
    let Some(ceremony) = looker.ceremony(tx, &answer.client_data, asked, now).await? else {
        return Ok(Found::Not(PasskeyError::ChallengeExpired));
    };
    let checked = looker.relying_party().map(|relying_party| relying_party.register(answer, &ceremony.challenge));
    let credential = match checked {
        Some(Ok(credential)) => credential,
        Some(Err(refused)) => {
            tracing::info!(%user_id, why = %refused, "a new passkey was refused");
            return Ok(Found::Not(PasskeyError::Invalid));
        }
        None => return Ok(Found::Not(PasskeyError::Unavailable)),
    };
    if enrolled.passkeys as usize >= MAX_PASSKEYS {
        return Ok(Found::Not(PasskeyError::TooMany));
    }
    let is_first = !enrolled.has_factor();
    if is_first && !first.admit(tx, &locked.user, client, now).await? {
        return Ok(Found::Not(PasskeyError::EnrolmentCode));
    }
    if !factor::spend(tx, &ProofCookies::spent_ceremony(&ceremony), ceremony.expires).await? {
        return Ok(Found::Not(PasskeyError::ChallengeExpired));
    }
    let synced = credential.is_synced;
    let passkey = Passkey { id: *id, credential, name: name.clone(), created_at: now, last_used_at: None };
    if !factor::add_passkey(tx, user_id, &passkey).await? {
        tracing::info!(%user_id, why = "its id is taken", "a new passkey was refused");
        return Ok(Found::Not(PasskeyError::Invalid));
    }
    let new = NewFactor { what: "passkey", first: is_first.then_some(codes), kept: Some(session_id) };
    let ended = add(tx, &locked.user, new, client, notice.as_ref(), now).await?;
    // A recent proof was asked for, and this is one of the new factor, whose owner was verified.
    let mut proved = Proof::of(&row.session.amr);
    proved.push(Proof::Passkey { verified: true, synced });
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
