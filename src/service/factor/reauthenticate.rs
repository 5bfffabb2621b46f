//! Proving once more, in a session, who one is: what is asked for before anything that a stolen session must not be enough for.

use std::sync::Arc;

use super::{Looked, Notices, Offered, look, note_wrong, used};
use crate::domain::account::ExternalId;
use crate::domain::audit::{Event, Record};
use crate::domain::factor::{Decision, Method, Proof, Requirement, decide};
use crate::domain::password::PasswordHash;
use crate::domain::session::Session;
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::sealed::Seals;
use crate::service::password::{self, ProofError, prove_password, waiting};
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

/// What somebody shows of themselves.
pub struct Reproof {
    /// The password.
    pub password: password::Proof,
    /// What they have beside it.
    pub offered: Option<Offered>,
}

enum Found {
    Proved(Box<(Session, Option<ExternalId>, Timestamp)>),
    Wanted(Vec<Method>),
    Wrong,
    Unreadable,
    Gone,
}

struct Input {
    caller: Caller,
    client: Client,
    verified: PasswordHash,
    offered: Option<Offered>,
    seals: Seals,
    not_before: Timestamp,
    notices: Notices,
}

/// Takes what a login would want now, and notes in the session that it was proved. The tokens tell it.
///
/// # Errors
/// See [`ReauthenticateError`].
pub async fn reauthenticate(app: &Arc<App>, proof: Reproof) -> Result<IssuedTokens, ReauthenticateError> {
    let Reproof { password, offered } = proof;
    if password.caller.one_of_many {
        return Err(ReauthenticateError::Wanted(Vec::new()));
    }
    let account = throttle::in_session(app, &password.caller);
    let attempt =
        Attempt::begin::<ReauthenticateError>(app, Scope::Reauthenticate, &password.client, Some(account)).await?;
    let admitted = attempt.place::<ReauthenticateError>().await?;
    let (_waiting, hung_up) = waiting();
    let app = Arc::clone(app);
    in_own_task(Box::pin(async move {
        let (caller, client) = (password.caller.clone(), password.client.clone());
        let (attempt, verified) = prove_password(&app, admitted, password, hung_up).await?;
        attempt.succeeded().await;
        let codes = match &offered {
            Some(_) => {
                Some(Attempt::begin::<ReauthenticateError>(&app, Scope::SecondFactor, &client, Some(account)).await?)
            }
            None => None,
        };
        let not_before = app.session.policy.not_before.unwrap_or(Timestamp::EPOCH);
        let (seals, notices) = (app.factor.seals.clone(), Notices::draw(&app)?);
        let id = caller.session.id;
        let input = Input { caller, client, verified, offered, seals, not_before, notices };
        let found = app.store.write(input, |tx, input| Box::pin(decide_on(tx, input))).await.map_err(Failure::from)?;
        match (codes, &found) {
            (Some(attempt), Found::Wrong) => attempt.failed(),
            (Some(attempt), _) => attempt.succeeded().await,
            (None, _) => {}
        }
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
            Found::Wrong => Err(ReauthenticateError::IncorrectCode),
            Found::Unreadable => Err(ReauthenticateError::Unavailable),
            Found::Gone => Err(ProofError::Gone.into()),
        }
    }))
    .await
}

async fn decide_on(tx: &mut Tx, input: &Input) -> Result<Found, storage::Error> {
    let Input { caller, client, verified, offered, seals, not_before, notices } = input;
    let Some(locked) = account::lock(tx, caller.user.id).await? else { return Ok(Found::Gone) };
    let (id, now) = (locked.user.id, locked.now);
    let Some(row) = session::lock(tx, caller.session.id).await? else { return Ok(Found::Gone) };
    if locked.password_hash != *verified || !locked.user.is_active || row.session.ended.is_some() {
        return Ok(Found::Gone);
    }
    let Some((enrolled, _)) = factor::standing(tx, id, *not_before).await? else { return Ok(Found::Gone) };
    let mut proved = vec![Proof::Password];
    if let Some(offered) = offered {
        match look(tx, seals, id, offered, *not_before, now).await? {
            Looked::Proved(proof) => {
                proved.push(proof);
                used(tx, &locked.user, proof, client, notices, now).await?;
            }
            Looked::Unreadable => return Ok(Found::Unreadable),
            Looked::Wrong => {
                note_wrong(tx, &locked.user, Some(caller.session.id), client, notices, now).await?;
                return Ok(Found::Wrong);
            }
        }
    }
    let signed_in = match decide(enrolled, &proved, Requirement::Optional) {
        Decision::SignedIn(signed_in) => signed_in,
        Decision::Wanted(methods) => return Ok(Found::Wanted(methods)),
        Decision::Enrol => return Ok(Found::Gone),
    };
    session::prove(tx, caller.session.id, signed_in.methods(), now).await?;
    let detail = proved.last().map(|proof| proof.as_str().to_owned());
    let record = Record { detail, ..client.record(Event::Reauthenticated, id, Some(caller.session.id)) };
    audit::append(tx, &record, now).await?;
    let mut session = row.session;
    (session.amr, session.proved_at) = (signed_in.methods().to_vec(), Some(now));
    Ok(Found::Proved(Box::new((session, locked.user.external_id, now))))
}
