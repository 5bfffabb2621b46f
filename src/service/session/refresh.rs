//! Refresh rotation: the session's next tokens for a presented refresh token.

use std::sync::Arc;

use super::authenticate::{Identified, identify_refresh, recognise, remembered_refresh};
use super::rotate::rotate_unchanged;
use super::{AuthError, Browser, Caller, IssuedTokens, end_session, end_unbound, issue_tokens, session_ended};
use crate::domain::account::ExternalId;
use crate::domain::audit::Event;
use crate::domain::mail::Kind;
use crate::domain::session::{EndReason, Generation, Presented, Refusal, Session, SessionId, Verdict};
use crate::domain::timestamp::Timestamp;
use crate::service::mail::Draft;
use crate::service::throttle::Limited;
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{self, Tx, account, audit, session};

/// Why there are no new tokens.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// No authentic refresh token was presented.
    #[error("no authentic refresh token")]
    NotAuthenticated,
    /// The session can't be used any more.
    #[error("the session can't be used: {0:?}")]
    Refused(Refusal),
    /// This session is refreshed too often, or this client has presented too many tokens that are none of ours.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble: the session is as it was.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What a refresh leads to.
pub enum Refreshed {
    /// New tokens.
    Issued(Box<IssuedTokens>),
    /// The session is bound to a device, by which the browser renews it without being asked; and the access token is good.
    ByDevice(Box<Caller>),
}

/// What the transaction decided; a value, so that it commits.
pub(super) enum Decision {
    Issue(Verdict, Box<Session>, Option<ExternalId>, Timestamp),
    /// And which generation the session has.
    Refuse(Refusal, Generation),
    /// The session must end, which takes the user's row first: decide again under that lock.
    EndIt,
    Gone,
}

impl Decision {
    /// A word for it, for metrics. None: there is no session.
    pub(super) const fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Issue(Verdict::Rotate { ahead: true }, ..) => "ahead",
            Self::Issue(Verdict::Same, ..) => "same",
            Self::Issue(Verdict::Successor, ..) => "successor",
            Self::Issue(Verdict::Reissue, ..) => "reissued",
            Self::Issue(..) => "rotated",
            Self::Refuse(Refusal::Expired, _) => "expired",
            Self::Refuse(Refusal::Ended(_), _) => "ended",
            Self::Refuse(Refusal::DeviceProof, _) => "unproved",
            Self::Refuse(Refusal::Unbound, _) => "unbound",
            Self::EndIt => "reuse",
            Self::Gone => return None,
        })
    }
}

/// Refreshes the session of the presented cookies. Where it is bound to a device they do not suffice; then `access` tells whether its
/// device has renewed it.
///
/// # Errors
/// See [`RefreshError`]. Only a reuse, decided and committed, ends the session.
pub async fn refresh(
    app: &Arc<App>,
    client: Client,
    browser: &Browser,
    access: &[String],
) -> Result<Refreshed, RefreshError> {
    let refreshed = refresh_once(app, client, browser, access).await;
    // What was decided on a session is counted where it is; here is what led to no decision.
    match &refreshed {
        Ok(_) | Err(RefreshError::Refused(_)) => {}
        Err(RefreshError::NotAuthenticated) => app.metrics.refreshes.add("not_authentic"),
        Err(RefreshError::Limited(_)) => app.metrics.refreshes.add("limited"),
        Err(RefreshError::Failed(_)) => app.metrics.refreshes.add("failed"),
    }
    refreshed
}

async fn refresh_once(
    app: &Arc<App>,
    client: Client,
    browser: &Browser,
    access: &[String],
) -> Result<Refreshed, RefreshError> {
    let now = app.clock.now();
    let counters = &app.limits.counters;
    if !browser.refresh.is_empty() {
        counters.may_present(client.ip, now).map_err(Limited::from)?;
    }
    let identified = match remembered_refresh(app, browser) {
        Some(identified) => Some(identified),
        None => identify_refresh(app, &client, browser).await?,
    };
    let Identified { token, live } = identified.ok_or(RefreshError::NotAuthenticated)?;
    counters.refresh(token.session_id, now).map_err(Limited::from)?;
    if let Some(tokens) = rotate_unchanged(app, &client, live, token.presented()).await? {
        return Ok(Refreshed::Issued(Box::new(tokens)));
    }
    let (app, access) = (Arc::clone(app), access.to_vec());
    in_own_task(async move {
        let presented = (token.session_id, token.presented());
        let mut decision = decide(&app, &client, presented, false).await?;
        if matches!(decision, Decision::EndIt) {
            decision = decide(&app, &client, presented, true).await?;
        }
        if let Some(word) = decision.word() {
            app.metrics.refreshes.add(word);
        }
        match decision {
            Decision::Issue(verdict, session, external_id, now) => {
                if verdict == Verdict::Successor {
                    // An honest client repeats itself, and so may a dishonest one: a few records tell as much as thousands.
                    app.limits.counters.note_record(session.id, now);
                }
                note(&session);
                Ok(Refreshed::Issued(Box::new(issue_tokens(&app, &session, external_id.as_ref(), now)?)))
            }
            Decision::Refuse(Refusal::DeviceProof, _) => match recognise(&app, &access, &[]).await {
                Ok(caller) if caller.session.id == token.session_id => Ok(Refreshed::ByDevice(Box::new(caller))),
                Err(AuthError::Failed(failure)) => Err(failure.into()),
                _ => {
                    note_missing_proof(&app, client, token.session_id).await?;
                    Err(RefreshError::Refused(Refusal::DeviceProof))
                }
            },
            Decision::Refuse(refusal, _) => {
                if refusal == Refusal::Unbound {
                    end_unbound(&app, token.session_id).await?;
                }
                Err(RefreshError::Refused(refusal))
            }
            Decision::EndIt => {
                session_ended(&app, token.session_id, EndReason::Reuse);
                app.mail.wake();
                tracing::warn!(session_id = %token.session_id, "a refresh token was used again: its session has ended");
                Err(RefreshError::Refused(Refusal::Ended(EndReason::Reuse)))
            }
            Decision::Gone => Err(RefreshError::NotAuthenticated),
        }
    })
    .await
}

/// Says that a session goes on.
pub(super) fn note(session: &Session) {
    tracing::info!(user_id = %session.user_id, session_id = %session.id, generation = session.generation, "refreshed");
}

/// Judges what was presented of a session, with its row locked, and applies the verdict.
pub(super) async fn decide(
    app: &App,
    client: &Client,
    (id, presented): (SessionId, Presented),
    user_first: bool,
) -> Result<Decision, Failure> {
    let may_record = app.limits.counters.may_record(id, app.clock.now());
    // Only under this lock does a session end.
    let notice = if user_first { app.mail.notice(Kind::SessionReuse)? } else { None };
    let input = (app.session.policy.clone(), client.clone(), notice, app.clock.clone());
    let decided = app
        .store
        .write(input, move |tx, (policy, client, notice, clock)| {
            Box::pin(async move {
                let locked =
                    if user_first { session::lock_after_user(tx, id).await? } else { session::lock(tx, id).await? };
                let Some(mut locked) = locked else { return Ok(Decision::Gone) };
                // Where it was off nothing can be decided without the lock.
                clock.follow(locked.now);
                let verdict = locked.session.judge(locked.user_active, presented, policy, locked.now);
                match verdict {
                    Verdict::Refuse(refusal) => return Ok(Decision::Refuse(refusal, locked.session.generation)),
                    Verdict::Reuse => {
                        if user_first {
                            end_session(tx, &locked.session, &EndReason::Reuse, client, locked.now).await?;
                            tell(tx, notice.as_ref(), &locked.session, client, locked.now).await?;
                        }
                        return Ok(Decision::EndIt);
                    }
                    Verdict::Rotate { .. } | Verdict::Reissue => {
                        locked.session.apply(&verdict, presented, policy, locked.now);
                        if matches!(verdict, Verdict::Rotate { .. }) {
                            locked.session.client_ip = client.ip;
                            locked.session.user_agent.clone_from(&client.user_agent);
                        }
                        session::update(tx, &locked.session).await?;
                    }
                    Verdict::Same | Verdict::Successor => {}
                }
                if verdict != Verdict::Successor || may_record {
                    record(tx, &verdict, &locked.session, client, locked.now).await?;
                }
                Ok(Decision::Issue(verdict, Box::new(locked.session), locked.external_id, locked.now))
            })
        })
        .await?;
    Ok(decided)
}

/// Remembers that somebody holds a copy of the cookies, or a browser whose device can't sign; a few times, however often they try.
async fn note_missing_proof(app: &App, client: Client, id: SessionId) -> Result<(), Failure> {
    let now = app.clock.now();
    if !app.limits.counters.may_record(id, now) {
        return Ok(());
    }
    app.limits.counters.note_record(id, now);
    let noted = app.store.write(client, move |tx, client| {
        Box::pin(async move {
            let Some(owner) = session::owner(tx, id).await? else { return Ok(()) };
            let now = tx.now().await?;
            audit::append(tx, &client.record(Event::DeviceProofMissing, owner, Some(id)), now).await
        })
    });
    Ok(noted.await?)
}

/// Tells the owner of a session that it was ended for their safety.
async fn tell(
    tx: &mut Tx,
    notice: Option<&Draft>,
    session: &Session,
    client: &Client,
    now: Timestamp,
) -> Result<(), storage::Error> {
    let Some(notice) = notice else { return Ok(()) };
    if let Some(user) = account::by_id(tx, session.user_id).await? {
        notice.tell(tx, &user, client, now).await?;
    }
    Ok(())
}

/// What is worth remembering of a verdict.
async fn record(
    tx: &mut Tx,
    verdict: &Verdict,
    session: &Session,
    client: &Client,
    now: Timestamp,
) -> Result<(), storage::Error> {
    let event = match verdict {
        Verdict::Successor => Event::RefreshReplayed,
        Verdict::Reissue => Event::RefreshReissued,
        Verdict::Rotate { ahead: true } => {
            tracing::error!(
                session_id = %session.id, user_id = %session.user_id,
                "a refresh token is ahead of its session: the database has lost writes"
            );
            Event::GenerationAhead
        }
        _ => return Ok(()),
    };
    audit::append(tx, &client.record(event, session.user_id, Some(session.id)), now).await
}
