//! Logging out.

use std::sync::Arc;
use std::time::Duration;

use super::authenticate::identify_each_refresh;
use super::{Browser, end_by_id};
use crate::domain::session::{EndReason, RefreshToken};
use crate::domain::throttle::Throttled;
use crate::service::{App, Client, Failure, in_own_task};

/// Why the person is logged in still.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// This client has presented too many tokens that are none of ours.
    #[error("too many tokens that are none of ours")]
    Overloaded {
        /// When they will be looked at again.
        retry_after: Duration,
    },
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Whether one of our keys has made this token, an access token or a refresh token, expired or not. Says nothing of its session.
#[must_use]
pub fn is_ours(app: &App, token: &str) -> bool {
    let refresh = RefreshToken::parse(token);
    refresh.is_some_and(|token| app.session.keys.refresh.find(token.key_id).is_some())
        || app.session.access_tokens.verify(token, app.clock.now()).is_some()
}

/// Ends every session that an authentic token was presented of: a refresh token of any generation, or an access token. Not by one
/// that has expired: an old leak must not be usable to log people out. Nothing presented, or nothing authentic, is no error: logging
/// out twice is logging out.
///
/// # Errors
/// When the database can't be asked, or the tokens are not looked at: then the person is still logged in, and must be told.
pub async fn logout(app: &Arc<App>, client: Client, browser: &Browser, access: &[String]) -> Result<(), LogoutError> {
    let now = app.clock.now();
    let looked_at = identify_each_refresh(app, &client, browser).await?;
    let refresh = looked_at.map_err(|Throttled { retry_after }| LogoutError::Overloaded { retry_after })?;
    let live = refresh.into_iter().filter(|identified| now < identified.token.expires);
    let mut ids: Vec<_> = live.map(|identified| identified.token.session_id).collect();
    let access = access.iter().filter_map(|text| app.session.access_tokens.verify(text, now));
    ids.extend(access.filter(|token| !token.is_expired(now)).map(|token| token.session_id));
    ids.sort_unstable();
    ids.dedup();
    let app = Arc::clone(app);
    in_own_task(async move {
        for id in ids {
            end_by_id(&app, id, EndReason::Logout, &client).await?;
        }
        Ok(())
    })
    .await
}
