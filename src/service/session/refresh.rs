//! Refresh rotation: the session's next tokens for a presented refresh token.

use std::sync::Arc;

use super::authenticate::{Identified, identify_refresh};
use super::{Browser, IssuedTokens, end_session, issue_tokens, session_ended};
use crate::domain::audit::Event;
use crate::domain::mail::Kind;
use crate::domain::session::RefreshToken;
use crate::domain::session::{EndReason, Refusal, Session, Verdict};
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

/// What the transaction decided; a value, so that it commits.
enum Decision {
    Issue(Verdict, Box<Session>, Timestamp),
    Refuse(Refusal),
    /// The session must end, which takes the user's row first: decide again under that lock.
    EndIt,
    Gone,
}

impl Decision {
    /// A word for it, for metrics. None: there is no session.
    const fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Issue(Verdict::Rotate { ahead: true }, ..) => "ahead",
            Self::Issue(Verdict::Same, ..) => "same",
            Self::Issue(Verdict::Successor, ..) => "successor",
            Self::Issue(Verdict::Reissue, ..) => "reissued",
            Self::Issue(..) => "rotated",
            Self::Refuse(Refusal::Expired) => "expired",
            Self::Refuse(Refusal::Ended(_)) => "ended",
            Self::EndIt => "reuse",
            Self::Gone => return None,
        })
    }
}

/// Refreshes the session of the presented cookies.
///
/// # Errors
/// See [`RefreshError`]. Only a reuse, decided and committed, ends the session.
pub async fn refresh(app: &Arc<App>, client: Client, browser: &Browser) -> Result<IssuedTokens, RefreshError> {
    let refreshed = refresh_once(app, client, browser).await;
    // What was decided on a session is counted where it is; here is what led to no decision.
    match &refreshed {
        Ok(_) | Err(RefreshError::Refused(_)) => {}
        Err(RefreshError::NotAuthenticated) => app.metrics.refreshes.add("not_authentic"),
        Err(RefreshError::Limited(_)) => app.metrics.refreshes.add("limited"),
        Err(RefreshError::Failed(_)) => app.metrics.refreshes.add("failed"),
    }
    refreshed
}

async fn refresh_once(app: &Arc<App>, client: Client, browser: &Browser) -> Result<IssuedTokens, RefreshError> {
    let now = app.clock.now();
    let (counters, presented) = (&app.limits.counters, &browser.refresh);
    if !presented.is_empty() {
        counters.may_present(client.ip, now).map_err(Limited::from)?;
    }
    let identified = identify_refresh(app, &client, presented).await?;
    let Identified { token, .. } = identified.ok_or(RefreshError::NotAuthenticated)?;
    counters.refresh(token.session_id, now).map_err(Limited::from)?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let mut decision = decide(&app, &client, &token, false).await?;
        if matches!(decision, Decision::EndIt) {
            decision = decide(&app, &client, &token, true).await?;
        }
        if let Some(word) = decision.word() {
            app.metrics.refreshes.add(word);
        }
        match decision {
            Decision::Issue(verdict, session, now) => {
                if verdict == Verdict::Successor {
                    // An honest client repeats itself, and so may a dishonest one: a few records tell as much as thousands.
                    app.limits.counters.note_record(session.id, now);
                }
                tracing::info!(
                    user_id = %session.user_id, session_id = %session.id, generation = session.generation, "refreshed"
                );
                Ok(issue_tokens(&app, &session, now)?)
            }
            Decision::Refuse(refusal) => Err(RefreshError::Refused(refusal)),
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

async fn decide(app: &Arc<App>, client: &Client, token: &RefreshToken, user_first: bool) -> Result<Decision, Failure> {
    let may_record = app.limits.counters.may_record(token.session_id, app.clock.now());
    // Only under this lock does a session end.
    let notice = if user_first { app.mail.notice(Kind::SessionReuse)? } else { None };
    let input = (app.session.policy.clone(), client.clone(), token.clone(), (user_first, may_record), notice);
    let decided = app
        .store
        .write(input, |tx, (policy, client, token, (user_first, may_record), notice)| {
            Box::pin(async move {
                let locked = if *user_first {
                    session::lock_after_user(tx, token.session_id).await?
                } else {
                    session::lock(tx, token.session_id).await?
                };
                let Some(mut locked) = locked else { return Ok(Decision::Gone) };
                let presented = token.presented();
                let verdict = locked.session.judge(locked.user_active, presented, policy, locked.now);
                match verdict {
                    Verdict::Refuse(refusal) => return Ok(Decision::Refuse(refusal)),
                    Verdict::Reuse => {
                        if *user_first {
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
                if verdict != Verdict::Successor || *may_record {
                    record(tx, &verdict, &locked.session, client, locked.now).await?;
                }
                Ok(Decision::Issue(verdict, Box::new(locked.session), locked.now))
            })
        })
        .await?;
    Ok(decided)
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
