//! Who is asking: access tokens and refresh tokens, checked against the session that they belong to.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

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

/// Somebody who is logged in: the user, and the session.
#[derive(Clone, Debug)]
pub struct Caller {
    live: Arc<Live>,
    /// What the browser brings that may tell that they have proved it a moment ago: not looked into.
    pub recent: Vec<String>,
    /// Whether their page is one of many that a `*` allows: whoever can put one there has not proved anything.
    pub one_of_many: bool,
}

impl Deref for Caller {
    type Target = Live;

    fn deref(&self) -> &Live {
        &self.live
    }
}

impl Caller {
    /// How their session is called in answers.
    #[must_use]
    pub fn session_name(&self, app: &App) -> Bytes {
        let name = || app.session.name_of(self.session.id).to_string().into();
        self.answers.session_name.get_or_init(name).clone()
    }

    /// How they are told who they are: `write` makes it where nobody has asked yet.
    #[must_use]
    pub fn told(&self, write: impl FnOnce(&User) -> Bytes) -> Bytes {
        self.answers.user.get_or_init(|| write(&self.user)).clone()
    }
}

/// An authentic refresh token and the session it belongs to, with its user, as they were read without a lock.
pub(super) struct Identified {
    pub(super) token: RefreshToken,
    pub(super) live: Arc<Live>,
}

/// Finds out who presents these access tokens (one `Bearer` token, or every cookie of the access cookie's name). The refresh
/// cookies that came along prove that the client holds the newest generation: see `domain::session`. A session that was to be bound to a
/// device and is not has ended when this returns.
///
/// # Errors
/// See [`AuthError`].
pub async fn authenticate<T: AsRef<str>>(app: &Arc<App>, access: &[T], refresh: &[T]) -> Result<Caller, AuthError> {
    let caller = recognise(app, access, refresh).await;
    if let Err(AuthError::Refused(id, Refusal::Unbound)) = &caller {
        end_unbound(app, *id).await?;
    }
    caller
}

/// As [`authenticate`], and ends nothing.
pub(super) async fn recognise<T: AsRef<str>>(app: &Arc<App>, access: &[T], refresh: &[T]) -> Result<Caller, AuthError> {
    let now = app.clock.now();
    let authentic = access.iter().filter_map(|text| app.session.access_tokens.verify(text.as_ref(), now));
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
    Ok(Caller { live, recent: Vec::new(), one_of_many: false })
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
    let live = Arc::new(Live::new(session, user, read_at));
    if live.session.ended.is_none() {
        app.session.cache.learn(Arc::clone(&live));
    }
    Ok(Some(live))
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
    Ok(of_one_session(authentic.into_iter(), |one| one.token.session_id, |one| one.token.generation))
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
    let read_at = app.clock.monotonic();
    let found = {
        let mut tx = app.store.read().await?;
        sessions::find_two(&mut tx, ids).await?
    };
    let found: Vec<_> = found.into_iter().map(|(session, user)| Arc::new(Live::new(session, user, read_at))).collect();
    let mut authentic = Vec::with_capacity(tokens.len());
    for token in tokens {
        let live = found.iter().find(|live| live.session.id == token.session_id);
        match live.filter(|live| refresh_token::is_authentic(&app.session.keys, &token, &live.session.secret)) {
            Some(live) if live.session.delivery != browser.delivery => {}
            Some(live) => authentic.push(Identified { token, live: Arc::clone(live) }),
            None => app.limits.counters.note_forgery(client.ip, now),
        }
    }
    Ok(Ok(authentic))
}

/// The presented refresh token, where it is one alone, has come as it was delivered, and is authentic by what this node remembers of its
/// session. Another node may have changed the row since: nothing may follow from it that does not look at that.
pub(super) fn remembered_refresh(app: &App, browser: &Browser) -> Option<Identified> {
    let [text] = browser.refresh.as_slice() else { return None };
    let token = RefreshToken::parse(text)?;
    let Known::Live(live) = app.session.cache.get(token.session_id, app.clock.monotonic())? else { return None };
    let is_its_own = live.session.delivery == browser.delivery
        && refresh_token::is_authentic(&app.session.keys, &token, &live.session.secret);
    is_its_own.then_some(Identified { token, live })
}

/// Remembers that the client holds the newest refresh token, when the cookie that came along proves it. Not awaited: the
/// answer does not depend on it, and a lost confirmation is made again by the next request.
fn confirm<T: AsRef<str>>(app: &Arc<App>, session: &Session, refresh: &[T], now: Timestamp) {
    if session.delivery != Delivery::Cookies || !session.is_confirmed_by(session.generation, &app.session.policy, now) {
        // None of them would.
        return;
    }
    let proved = refresh.iter().filter_map(|text| RefreshToken::parse(text.as_ref())).any(|token| {
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
