//! Refreshing a bound session: by a proof of its device, whatever cookies come with it.

use std::sync::Arc;

use super::authenticate::{MAX_LOOKED_AT, identify_each_refresh, recognise};
use super::device::{NextChallenge, challenge};
use super::refresh::{Decision, decide};
use super::{Browser, IssuedTokens, issue_tokens};
use crate::domain::session::{BindingName, Refusal, SessionId};
use crate::domain::throttle::Throttled;
use crate::service::throttle::Limited;
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::session;

/// What a browser is told that asks to go on with a bound session.
pub enum DeviceRefresh {
    /// The device has proved itself.
    Issued(Box<IssuedTokens>),
    /// It has not yet: it is to sign this.
    Prove(NextChallenge),
    /// There is no such session any more, or the browser has another one by now. No cookie may be touched: a newer login may have set it.
    Over,
}

/// Why there is no answer. A browser keeps its binding then, and asks again.
#[derive(Debug, thiserror::Error)]
pub enum DeviceRefreshError {
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble: the session is as it was.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Goes on with the session of this name, if `jwt` is a proof of its device. A proof counts alone, without any cookie: a browser that was
/// killed before its cookies were on the disk has its binding still. Nothing that is asked here ends a session.
///
/// # Errors
/// See [`DeviceRefreshError`].
pub async fn refresh_device(
    app: &Arc<App>,
    client: Client,
    name: BindingName,
    jwt: Option<&str>,
    access: &[String],
    browser: &Browser,
) -> Result<DeviceRefresh, DeviceRefreshError> {
    let now = app.clock.now();
    let counters = &app.limits.counters;
    match jwt {
        // Without a look at the row: that costs nothing, and the honest among those behind this address go on.
        None if counters.ask_unproved(client.ip, now).is_err() => {
            return Ok(DeviceRefresh::Prove(challenge(app, name, 0, now)));
        }
        None => {}
        Some(_) => counters.may_present(client.ip, now).map_err(Limited::from)?,
    }
    let found = {
        let mut tx = app.store.read().await.map_err(Failure::from)?;
        session::find_bound(&mut tx, name).await.map_err(Failure::from)?
    };
    let Some((session, user)) = found else { return Ok(DeviceRefresh::Over) };
    let Some(binding) = session.binding else { return Ok(DeviceRefresh::Over) };
    let over = session.refusal(user.is_active, &app.session.policy, now).is_some();
    if over || brings_another(app, &client, session.id, access, browser).await? {
        return Ok(DeviceRefresh::Over);
    }
    let proof = jwt.and_then(|jwt| app.session.device.proofs.refresh(jwt, &binding.key, name));
    let Some(presented) = proof.and_then(|proof| session.presented_by(&proof)) else {
        if jwt.is_some() {
            counters.note_forgery(client.ip, now);
        }
        return Ok(DeviceRefresh::Prove(challenge(app, name, session.generation, now)));
    };
    counters.refresh(session.id, now).map_err(Limited::from)?;
    let (app, id) = (Arc::clone(app), session.id);
    in_own_task(async move {
        let decision = decide(&app, &client, (id, presented), false).await?;
        if let Some(word) = decision.word() {
            app.metrics.refreshes.add(word);
        }
        match decision {
            Decision::Issue(verdict, session, external_id, now) => {
                tracing::info!(
                    user_id = %session.user_id, session_id = %id, generation = session.generation, ?verdict, "refreshed by its device"
                );
                Ok(DeviceRefresh::Issued(Box::new(issue_tokens(&app, &session, external_id.as_ref(), now)?)))
            }
            Decision::Refuse(Refusal::DeviceProof, generation) => {
                Ok(DeviceRefresh::Prove(challenge(&app, name, generation, app.clock.now())))
            }
            // Bound sessions do not end by what is presented.
            Decision::Refuse(..) | Decision::EndIt | Decision::Gone => Ok(DeviceRefresh::Over),
        }
    })
    .await
}

/// Whether the browser brings an authentic token of another live session: then it has logged in anew, and the cookies are that login's.
async fn brings_another(
    app: &Arc<App>,
    client: &Client,
    id: SessionId,
    access: &[String],
    browser: &Browser,
) -> Result<bool, DeviceRefreshError> {
    let now = app.clock.now();
    for token in access.iter().take(MAX_LOOKED_AT) {
        match recognise(app, std::slice::from_ref(token), &[]).await {
            Ok(caller) if caller.session.id != id => return Ok(true),
            Err(super::AuthError::Failed(failure)) => return Err(failure.into()),
            _ => {}
        }
    }
    let refresh = identify_each_refresh(app, client, browser).await?;
    let refresh = refresh.map_err(|Throttled { retry_after }| Limited::Throttled { retry_after })?;
    Ok(refresh.iter().any(|identified| {
        let (token, session) = (&identified.token, &identified.live.session);
        session.id != id && now < token.expires && session.refusal(true, &app.session.policy, now).is_none()
    }))
}
