//! Whether somebody is logged in, for who merely wants to know.

use std::sync::Arc;

use super::authenticate::{identify_refresh, recognise};
use super::{AuthError, Browser, Caller};
use crate::domain::session::{Refusal, Verdict};
use crate::service::{App, Client, Failure};
use crate::storage::session;

/// How a browser stands.
pub enum State {
    /// Somebody is logged in.
    Authenticated(Box<Caller>),
    /// Nobody is by the access token; a refresh would log in whoever was.
    Refreshable,
    /// Nobody is.
    Anonymous,
}

/// Tells, and changes nothing.
///
/// # Errors
/// When the database can't be asked.
pub async fn state(app: &Arc<App>, client: &Client, access: &[String], browser: &Browser) -> Result<State, Failure> {
    match recognise(app, access, &browser.refresh).await {
        Ok(caller) => return Ok(State::Authenticated(Box::new(caller))),
        Err(AuthError::Failed(failure)) => return Err(failure),
        Err(_) => {}
    }
    let Some(identified) = identify_refresh(app, client, browser).await? else { return Ok(State::Anonymous) };
    let mut tx = app.store.read().await?;
    let now = tx.now().await?;
    let Some((session, user)) = session::find(&mut tx, identified.token.session_id).await? else {
        return Ok(State::Anonymous);
    };
    let verdict = session.judge(user.is_active, identified.token.presented(), &app.session.policy, now);
    Ok(match verdict {
        // The browser proves it by itself, as soon as it asks for something.
        Verdict::Refuse(Refusal::DeviceProof) => State::Refreshable,
        Verdict::Refuse(_) | Verdict::Reuse => State::Anonymous,
        _ => State::Refreshable,
    })
}
