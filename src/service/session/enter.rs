//! Coming in: what every login does once enough is proved.

use std::net::IpAddr;

use super::{
    Begun, Browser, IssuedTokens, Prepared, begin_session, end_session, issue_first_tokens, session_begun,
    session_ended,
};
use crate::domain::account::{Email, User, UserId};
use crate::domain::factor::SignedIn;
use crate::domain::password::PasswordHash;
use crate::domain::session::{
    AuthMethod, Delivery, EndReason, Policy, RefreshToken, Refusal, Session, SessionId, Verdict,
};
use crate::service::factor::stop_recovery;
use crate::service::mail::Draft;
use crate::service::{App, Client, Failure};
use crate::storage::{self, Tx, account, session};

/// Somebody at the door.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) prepared: Prepared,
    pub(super) client: Client,
    pub(super) policy: Policy,
    /// What the browser holds of a session that the new one replaces.
    pub(super) presented: Option<RefreshToken>,
    /// To whoever has not been here with this browser before.
    pub(super) notice: Option<Draft>,
}

/// Somebody who is in.
pub(super) struct Entered {
    begun: Begun,
    replaced: Option<SessionId>,
    user: User,
}

impl Entry {
    /// Finds whose session it is that the new one replaces, and locks their row where it comes before this user's: rows of users are
    /// locked in the order of their ids.
    pub(super) async fn lock_before(&self, tx: &mut Tx) -> Result<Option<UserId>, storage::Error> {
        let owner = match &self.presented {
            Some(token) => session::owner(tx, token.session_id).await?,
            None => None,
        };
        if let Some(owner) = owner.filter(|owner| *owner < self.prepared.user_id) {
            account::lock(tx, owner).await?;
        }
        Ok(owner)
    }

    /// Makes the session, if hash and credentials are still those that were looked at: a login that races a change of the password would
    /// leave a session behind that was made with the old one. The session that it replaces ends in the same transaction: none is left
    /// behind. It may be another user's, `owner`.
    pub(super) async fn enter(
        &self,
        tx: &mut Tx,
        owner: Option<UserId>,
        looked_at: (&PasswordHash, i64),
        signed_in: (&SignedIn, Option<&str>),
    ) -> Result<Option<Entered>, storage::Error> {
        let Self { prepared, client, policy, presented, notice } = self;
        let recorded = account::record_login(tx, prepared.user_id, looked_at).await?;
        let Some((user, now)) = recorded else { return Ok(None) };
        if let Some(owner) = owner.filter(|owner| *owner > prepared.user_id) {
            account::lock(tx, owner).await?;
        }
        let replaced = match presented {
            Some(token) if owner.is_some() => replace(tx, token, prepared.user_id, policy, client).await?,
            _ => None,
        };
        let begun = begin_session(tx, prepared, signed_in, None, policy, client, now).await?;
        if signed_in.0.methods().contains(&AuthMethod::MultiFactor) {
            // Whoever holds a factor has not lost it.
            stop_recovery(tx, user.id, Some(begun.session.id), client, now).await?;
        }
        if let Some(notice) = notice {
            notice.tell(tx, &user, client, now).await?;
        }
        Ok(Some(Entered { begun, replaced, user }))
    }
}

impl Entered {
    /// After the commit: what the browser gets.
    pub(super) fn welcome(self, app: &App, browser: &Browser, email: &Email) -> Result<IssuedTokens, Failure> {
        if let Some(replaced) = self.replaced {
            session_ended(app, replaced, EndReason::Replaced);
        }
        session_begun(app, &self.begun);
        app.mail.wake();
        let device = match browser.delivery {
            Delivery::Cookies => Some(app.session.devices.issue(&browser.device, email)?),
            Delivery::Body => None,
        };
        let Begun { session, now, .. } = self.begun;
        tell_of_crowd(app, &session);
        let tokens = issue_first_tokens(app, &session, self.user.external_id.as_ref(), now, browser.binds)?;
        let recent = app.factor.cookies.recent(session.id, now);
        Ok(IssuedTokens { device, recent: Some(recent), ..tokens })
    }
}

/// Says it when many accounts come from one private address: their proxy does not say whose requests it hands on.
fn tell_of_crowd(app: &App, session: &Session) {
    let is_crowd = |ip: &IpAddr| app.limits.crowd.note(*ip, session.user_id, app.clock.monotonic());
    if let Some(address) = session.client_ip.filter(is_crowd) {
        tracing::warn!(
            "twenty accounts have logged in from {address} within an hour, a private address: all of them share one rate limit. If it is \
             a proxy, it must append the address that it sees to X-Forwarded-For, and TRUSTED_PROXIES must hold it"
        );
    }
}

/// Ends the session of a presented token, if that would still have refreshed it. Its user's row is locked. A token of a bound session
/// refreshes nothing by itself: who logs in to the same account may end it all the same, nobody else.
async fn replace(
    tx: &mut Tx,
    token: &RefreshToken,
    by: UserId,
    policy: &Policy,
    client: &Client,
) -> Result<Option<SessionId>, storage::Error> {
    let Some(old) = session::lock(tx, token.session_id).await? else { return Ok(None) };
    let verdict = old.session.judge(old.user_active, token.presented(), policy, old.now);
    match verdict {
        Verdict::Refuse(Refusal::DeviceProof) if old.session.user_id == by => {}
        Verdict::Refuse(_) | Verdict::Reuse => return Ok(None),
        _ => {}
    }
    let ended = end_session(tx, &old.session, &EndReason::Replaced, client, old.now).await?;
    Ok(ended.then_some(token.session_id))
}
