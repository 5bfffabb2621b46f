//! Proving once more, in a session, who one is: what is asked for before anything that a stolen session must not be enough for.

use std::sync::Arc;

use super::{Looked, Looker, Notices, Offered, note_wrong, stop_recovery, used};
use crate::domain::account::ExternalId;
use crate::domain::audit::{Event, Record};
use crate::domain::factor::{CeremonyFor, Decision, Method, Proof, Requirement, decide};
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::Session;
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::service::password::{Looks, Proof as PasswordProof, ProofError, prove_password, waiting};
use crate::service::session::{Caller, IssuedTokens, issue_tokens};
use crate::service::throttle::{self, Attempt};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, audit, factor, session};

/// Why it is not proved.
#[derive(Debug, thiserror::Error)]
pub enum ReauthenticateError {
    /// The password was not.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The password is right, and one of these is wanted beside it.
    #[error("a second factor is wanted")]
    Wanted(Vec<Method>),
    /// Another code, or one that was used.
    #[error("another code, or one that was used")]
    IncorrectCode,
    /// Another passkey, or it proves nothing.
    #[error("another passkey, or one that proves nothing")]
    IncorrectPasskey,
    /// The browser holds no challenge that the passkey could have signed.
    #[error("no challenge that is good")]
    ChallengeExpired,
    /// The app's secret can't be read.
    #[error("the factor can't be read")]
    Unavailable,
}

impl From<Failure> for ReauthenticateError {
    fn from(failure: Failure) -> Self {
        Self::Proof(failure.into())
    }
}

impl From<throttle::Limited> for ReauthenticateError {
    fn from(limited: throttle::Limited) -> Self {
        Self::Proof(limited.into())
    }
}

/// A password that somebody has typed. None: one that no account can have.
pub struct Typed(pub Option<Password>);

/// What somebody shows of themselves.
pub struct Reproof {
    /// Who they are.
    pub caller: Caller,
    /// From where they ask.
    pub client: Client,
    /// The password. None: a passkey is all that is shown.
    pub password: Option<Typed>,
    /// What they have beside it.
    pub offered: Option<Offered>,
    /// The challenges that their browser holds.
    pub ceremonies: Vec<String>,
}

enum Found {
    Proved(Box<(Session, Option<ExternalId>, Timestamp)>),
    Wanted(Vec<Method>),
    Wrong,
    Unreadable,
    Void,
    /// Another hash is stored than the one that was verified.
    Renewed,
    Gone,
}

struct Input {
    caller: Caller,
    client: Client,
    offered: Option<Offered>,
    looker: Looker,
    not_before: Timestamp,
    notices: Notices,
}

/// Takes what a login would want now, and notes in the session that it was proved. The tokens tell it.
///
/// # Errors
/// See [`ReauthenticateError`].
pub async fn reauthenticate(app: &Arc<App>, proof: Reproof) -> Result<IssuedTokens, ReauthenticateError> {
    let Reproof { caller, client, password, offered, ceremonies } = proof;
    if caller.one_of_many {
        return Err(ReauthenticateError::Wanted(Vec::new()));
    }
    let account = throttle::in_session(app, &caller);
    let admitted = match password {
        Some(Typed(password)) => {
            let attempt =
                Attempt::begin_to_hash::<ReauthenticateError>(app, Scope::Reauthenticate, &client, Some(account))
                    .await?;
            Some((attempt.place::<ReauthenticateError>().await?, password))
        }
        None => None,
    };
    let (_waiting, mut hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(Box::pin(async move {
        let not_before = app.session.policy.not_before.unwrap_or(Timestamp::EPOCH);
        let (looker, notices) = (Looker::new(&app, &ceremonies, &client), Notices::draw(&app)?);
        let is_passkey = matches!(offered, Some(Offered::Passkey(_)));
        let id = caller.session.id;
        let input = Arc::new(Input { caller, client, offered, looker, not_before, notices });
        let found = match admitted {
            None => look(&app, &input, None).await?,
            Some((mut admitted, password)) => {
                let (caller, client) = (input.caller.clone(), input.client.clone());
                let (shown, mut looks) = (PasswordProof { caller, client, password }, Looks::default());
                loop {
                    let (attempt, hash) = prove_password(&app, admitted, &shown, &mut hung_up).await?;
                    match look(&app, &input, Some(hash)).await {
                        Ok(Found::Renewed) => {
                            admitted =
                                looks.again::<ReauthenticateError>(attempt, ProofError::Incorrect.into()).await?;
                        }
                        found => {
                            // The password was right. Codes are counted apart.
                            attempt.succeeded().await;
                            break found?;
                        }
                    }
                }
            }
        };
        app.mail.wake();
        match found {
            Found::Proved(proved) => {
                let (session, external_id, now) = *proved;
                app.session.cache.forget(id);
                tracing::info!(user_id = %session.user_id, session_id = %id, "proved once more");
                let tokens = issue_tokens(&app, &session, external_id.as_ref(), now)?;
                Ok(IssuedTokens { recent: Some(app.factor.cookies.recent(id, now)), ..tokens })
            }
            Found::Wanted(methods) => Err(ReauthenticateError::Wanted(methods)),
            Found::Wrong if is_passkey => Err(ReauthenticateError::IncorrectPasskey),
            Found::Wrong => Err(ReauthenticateError::IncorrectCode),
            Found::Unreadable => Err(ReauthenticateError::Unavailable),
            Found::Void => Err(ReauthenticateError::ChallengeExpired),
            Found::Renewed | Found::Gone => Err(ProofError::Gone.into()),
        }
    }))
    .await
}

/// Looks at what is shown beside the password, which is an attempt of its own, and decides.
async fn look(
    app: &Arc<App>,
    input: &Arc<Input>,
    verified: Option<PasswordHash>,
) -> Result<Found, ReauthenticateError> {
    let attempt = match &input.offered {
        Some(offered) => {
            let account = throttle::in_session(app, &input.caller);
            let scope = offered.scope();
            Some(Attempt::begin::<ReauthenticateError>(app, scope, &input.client, Some(account)).await?)
        }
        None => None,
    };
    let found = app.store.write((Arc::clone(input), verified), |tx, (input, verified)| {
        Box::pin(decide_on(tx, input, verified.as_ref()))
    });
    let found = found.await.map_err(Failure::from)?;
    match (attempt, &found) {
        (Some(attempt), Found::Wrong) => attempt.failed(),
        (Some(attempt), _) => attempt.succeeded().await,
        (None, _) => {}
    }
    Ok(found)
}

async fn decide_on(tx: &mut Tx, input: &Input, verified: Option<&PasswordHash>) -> Result<Found, storage::Error> {
    let Input { caller, client, offered, looker, not_before, notices } = input;
    let Some(locked) = account::lock(tx, caller.user.id).await? else { return Ok(Found::Gone) };
    let (id, now) = (locked.user.id, locked.now);
    let Some(row) = session::lock(tx, caller.session.id).await? else { return Ok(Found::Gone) };
    if !locked.user.is_active || row.session.ended.is_some() {
        return Ok(Found::Gone);
    }
    if verified.is_some_and(|hash| locked.password_hash != *hash) {
        return Ok(Found::Renewed);
    }
    let Some((enrolled, _)) = factor::standing(tx, id, *not_before).await? else { return Ok(Found::Gone) };
    let mut proved: Vec<_> = verified.iter().map(|_| Proof::Password).collect();
    if let Some(offered) = offered {
        let asked = (CeremonyFor::Reproof, Some((id, caller.session.id.0)));
        match looker.look(tx, id, offered, asked, now).await? {
            Looked::Proved(proof) => {
                proved.push(proof);
                used(tx, &locked.user, proof, client, notices, now).await?;
            }
            Looked::Unreadable => return Ok(Found::Unreadable),
            Looked::Void => return Ok(Found::Void),
            Looked::Wrong => {
                note_wrong(tx, &locked.user, (Some(caller.session.id), offered), client, notices, now).await?;
                return Ok(Found::Wrong);
            }
        }
    }
    let signed_in = match decide(enrolled, &proved, Requirement::Optional) {
        Decision::SignedIn(signed_in) => signed_in,
        Decision::Wanted(methods) => return Ok(Found::Wanted(methods)),
        Decision::Enrol => return Ok(Found::Gone),
    };
    if proved.len() > 1 {
        stop_recovery(tx, id, Some(caller.session.id), client, now).await?;
    }
    session::prove(tx, caller.session.id, signed_in.methods(), now).await?;
    let detail = proved.last().map(|proof| proof.as_str().to_owned());
    let record = Record { detail, ..client.record(Event::Reauthenticated, id, Some(caller.session.id)) };
    audit::append(tx, &record, now).await?;
    let mut session = row.session;
    (session.amr, session.proved_at) = (signed_in.methods().to_vec(), Some(now));
    Ok(Found::Proved(Box::new((session, locked.user.external_id, now))))
}
