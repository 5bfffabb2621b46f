//! Logging out.

use std::sync::Arc;

use super::authenticate::identify_each_refresh;
use super::end_by_id;
use crate::domain::session::EndReason;
use crate::service::{App, Client, Failure, in_own_task};

/// Ends every session that an authentic token was presented of: refresh tokens of any generation, access tokens, expired ones
/// too. Nothing presented, or nothing authentic, is no error: logging out twice is logging out.
///
/// # Errors
/// When the database can't be asked: then the person is still logged in, and must be told.
pub async fn logout(app: &Arc<App>, client: Client, refresh: Vec<String>, access: Vec<String>) -> Result<(), Failure> {
    let now = app.clock.now();
    let mut ids: Vec<_> =
        identify_each_refresh(app, &refresh).await?.into_iter().map(|(_, identified)| identified.session.id).collect();
    ids.extend(access.iter().filter_map(|text| Some(app.access_tokens.verify(text, now)?.session_id)));
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
