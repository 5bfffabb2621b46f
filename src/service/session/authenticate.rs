//! Who is asking: access tokens and refresh tokens, checked against the session that they belong to.

use std::sync::Arc;

use super::{Browser, end_unbound};
use crate::cache::sessions::{Known, Live};
use crate::domain::account::User;
use crate::domain::session::AccessToken;
use crate::domain::session::RefreshToken;
use crate::domain::session::{Delivery, Refusal, Session, SessionId};
use crate::domain::throttle::Throttled;
use crate::domain::timestamp::Timestamp;
use crate::platform::refresh_token;
use crate::service::{App, Client, Failure};
use crate::storage::session as sessions;

/// How many of the refresh tokens of one request are looked at.
pub(super) const MAX_LOOKED_AT: usize = 2;

/// Why nobody is authenticated.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No authentic access token was presented, or two different ones.
    #[error("no authentic access token")]
    NotAuthenticated,
    /// An authentic access token of a live session has expired: time to refresh.
    #[error("the access token has expired")]
    TokenExpired(SessionId),
    /// The session can't be used any more.
    #[error("the session can't be used: {1:?}")]
    Refused(SessionId, Refusal),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub user: User,
    /// In which session.
    pub session: Session,
    /// What the browser brings that may tell that they have proved it a moment ago: not looked into.
    pub recent: Vec<String>,
    /// Whether their page is one of many that a `*` allows: whoever can put one there has not proved anything.
    pub one_of_many: bool,
}

/// An authentic refresh token and the session it belongs to, as it was read without a lock.
pub(super) struct Identified {
    pub(super) token: RefreshToken,
    pub(super) session: Session,
}

/// Finds out who presents these access tokens (one `Bearer` token, or every cookie of the access cookie's name). The refresh
/// cookies that came along prove that the client holds the newest generation: see `domain::session`. A session that was to be bound to a
/// device and is not has ended when this returns.
///
/// # Errors
/// See [`AuthError`].
pub async fn authenticate(app: &Arc<App>, access: &[String], refresh: &[String]) -> Result<Caller, AuthError> {
    let caller = recognise(app, access, refresh).await;
    if let Err(AuthError::Refused(id, Refusal::Unbound)) = &caller {
        end_unbound(app, *id).await?;
    }
    caller
}

/// As [`authenticate`], and ends nothing.
pub(super) async fn recognise(app: &Arc<App>, access: &[String], refresh: &[String]) -> Result<Caller, AuthError> {
    let now = app.clock.now();
    let authentic = access.iter().filter_map(|text| app.session.access_tokens.verify(text, now));
    let newest = of_one_session(authentic, |token| token.session_id, |token| (token.generation, token.expires));
    let token = newest.ok_or(AuthError::NotAuthenticated)?;
    let known = known(app, &token, now);
    app.metrics.session_lookups.add(if known.is_some() { "hit" } else { "miss" });
    let live = match known {
        Some(Known::Live(live)) => live,
        Some(Known::Ended(reason)) => return Err(AuthError::Refused(token.session_id, Refusal::Ended(reason))),
        None => load(app, &token).await?.ok_or(AuthError::NotAuthenticated)?,
    };
    if let Some(refusal) = live.session.refusal(live.user.is_active, &app.session.policy, now) {
        return Err(AuthError::Refused(token.session_id, refusal));
    }
    if token.is_expired(now) {
        return Err(AuthError::TokenExpired(token.session_id));
    }
    confirm(app, &live.session, refresh, now);
    Ok(Caller { user: live.user.clone(), session: live.session.clone(), recent: Vec::new(), one_of_many: false })
}

/// What this node remembers, where it is enough to answer. A remembered session that could not be used, or that is older than
/// the token, may have been rotated on another node: then the row decides.
fn known(app: &App, token: &AccessToken, now: Timestamp) -> Option<Known> {
    app.session.cache.get(token.session_id, app.clock.monotonic()).filter(|known| match known {
        Known::Ended(_) => true,
        Known::Live(live) => {
            live.session.user_id == token.user_id
                && live.session.generation >= token.generation
                && live.session.refusal(live.user.is_active, &app.session.policy, now).is_none()
        }
    })
}

/// Reads the row, and remembers a live one.
async fn load(app: &App, token: &AccessToken) -> Result<Option<Arc<Live>>, Failure> {
    let read_at = app.clock.monotonic();
    let mut tx = app.store.read().await?;
    let found = sessions::find(&mut tx, token.session_id).await?;
    let Some((session, user)) = found.filter(|(session, _)| session.user_id == token.user_id) else { return Ok(None) };
    let live = Live { session, user, read_at };
    if live.session.ended.is_none() {
        app.session.cache.learn(live.clone());
    }
    Ok(Some(Arc::new(live)))
}

/// Of several authentic tokens of one session the newest counts: a browser may hold two after a change of the cookie's domain. Those of
/// two sessions are none: somebody may have planted one.
fn of_one_session<T, R: Ord>(
    mut authentic: impl Iterator<Item = T>,
    session: impl Fn(&T) -> SessionId,
    rank: impl Fn(&T) -> R,
) -> Option<T> {
    let first = authentic.next()?;
    authentic.try_fold(first, |newest, other| {
        (session(&newest) == session(&other)).then(|| if rank(&other) > rank(&newest) { other } else { newest })
    })
}

/// The authentic one of the presented refresh tokens, whatever its session's state. None, too, when this client's are not looked at.
pub(super) async fn identify_refresh(
    app: &App,
    client: &Client,
    browser: &Browser,
) -> Result<Option<Identified>, Failure> {
    let authentic = identify_each_refresh(app, client, browser).await?.unwrap_or_default();
    Ok(of_one_session(authentic.into_iter(), |one| one.session.id, |one| one.token.generation))
}

/// The authentic ones of the presented refresh tokens, of any generation, expired ones too. A browser sends one, or two after a change
/// of the cookie's domain: no more are looked at, in one statement. Forged ones count against the client's address; one that has
/// presented too many is told to wait. A token that comes in another way than it was delivered is none.
pub(super) async fn identify_each_refresh(
    app: &App,
    client: &Client,
    browser: &Browser,
) -> Result<Result<Vec<Identified>, Throttled>, Failure> {
    // A token that names no key of ours is not worth a query.
    let ours = |token: &RefreshToken| app.session.keys.refresh.find(token.key_id).is_some();
    let mut tokens: Vec<RefreshToken> = Vec::with_capacity(MAX_LOOKED_AT);
    for token in browser.refresh.iter().filter_map(|text| RefreshToken::parse(text)).filter(ours) {
        if tokens.len() < MAX_LOOKED_AT && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    let (Some(first), last) = (tokens.first(), tokens.last()) else { return Ok(Ok(Vec::new())) };
    let now = app.clock.now();
    if let Err(throttled) = app.limits.counters.may_present(client.ip, now) {
        return Ok(Err(throttled));
    }
    let ids = [first.session_id, last.unwrap_or(first).session_id];
    let found = {
        let mut tx = app.store.read().await?;
        sessions::find_two(&mut tx, ids).await?
    };
    let mut authentic = Vec::with_capacity(tokens.len());
    for token in tokens {
        let session = found.iter().find(|session| session.id == token.session_id);
        match session.filter(|session| refresh_token::is_authentic(&app.session.keys, &token, &session.secret)) {
            Some(session) if session.delivery != browser.delivery => {}
            Some(session) => authentic.push(Identified { token, session: session.clone() }),
            None => app.limits.counters.note_forgery(client.ip, now),
        }
    }
    Ok(Ok(authentic))
}

/// Remembers that the client holds the newest refresh token, when the cookie that came along proves it. Not awaited: the
/// answer does not depend on it, and a lost confirmation is made again by the next request.
fn confirm(app: &Arc<App>, session: &Session, refresh: &[String], now: Timestamp) {
    let proved = session.delivery == Delivery::Cookies
        && refresh.iter().filter_map(|text| RefreshToken::parse(text)).any(|token| {
            token.session_id == session.id
                && session.is_confirmed_by(token.generation, &app.session.policy, now)
                && refresh_token::is_authentic(&app.session.keys, &token, &session.secret)
        });
    if !proved {
        return;
    }
    let (app, id, generation, rotated_at) = (Arc::clone(app), session.id, session.generation, session.rotated_at);
    app.session.cache.confirmed(id, generation);
    tokio::spawn(async move {
        let confirmed = app
            .store
            .write((), move |tx, ()| Box::pin(async move { sessions::confirm(tx, id, generation, rotated_at).await }))
            .await;
        if let Err(error) = confirmed {
            tracing::warn!(session_id = %id, error = %error, "a refresh token's receipt could not be recorded");
        }
    });
}
