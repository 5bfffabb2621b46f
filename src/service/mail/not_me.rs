//! Somebody says that what a notice tells of was not them.

use std::sync::Arc;

use super::AskError;
use crate::domain::audit::Event;
use crate::domain::mail::{Budget, Kind, LinkToken, Purpose};
use crate::domain::session::EndReason;
use crate::domain::throttle::Scope;
use crate::platform::digest::sha256;
use crate::service::factor::stop_recovery;
use crate::service::session::{end_sessions_of, session_ended};
use crate::service::throttle::Attempt;
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit, mail};

/// Ends every session of the account that the notice was about, and mails a link that sets a new password to where the notice went.
/// Nothing tells whether the token was good: `token` is none when it is none of ours.
///
/// # Errors
/// See [`AskError`].
pub async fn not_me(app: &Arc<App>, client: Client, token: Option<LinkToken>) -> Result<(), AskError> {
    let attempt = Attempt::begin::<AskError>(app, Scope::Ask, &client, None).await?;
    // Where links of resets lead nowhere sessions end all the same.
    let reset = app.mail.notice(Kind::Reset)?;
    let Some(hash) = token.map(|token| sha256(token.bytes())) else {
        attempt.failed();
        return Ok(());
    };
    let app = Arc::clone(app);
    in_own_task(async move {
        let done = app.store.write((client, hash, reset), |tx, (client, hash, reset)| {
            Box::pin(async move {
                let Some(id) = mail::whose(tx, Purpose::NotMe, hash).await? else { return Ok(Vec::new()) };
                let Some(locked) = account::lock(tx, id).await? else { return Ok(Vec::new()) };
                let Some(token) = mail::take(tx, Purpose::NotMe, hash, locked.now).await? else {
                    return Ok(Vec::new());
                };
                let ended = end_sessions_of(tx, id, None, &EndReason::LogoutAll, client, locked.now).await?;
                mail::void(tx, Purpose::EmailChange, id).await?;
                stop_recovery(tx, id, None, client, locked.now).await?;
                audit::append(tx, &client.record(Event::NotMe, id, None), locked.now).await?;
                // The address may have been changed since; whoever reads the old one has another link for that.
                let email = &locked.user.email;
                if let Some(reset) = reset.as_ref().filter(|_| token.sent_to.as_deref() == Some(email.as_str())) {
                    let to = (email, Some(&locked.user));
                    reset.mail_link(tx, Purpose::Reset, to, &Budget::Notice, locked.now).await?;
                }
                Ok(ended)
            })
        });
        for session in done.await.map_err(Failure::from)? {
            session_ended(&app, session, EndReason::LogoutAll);
        }
        attempt.succeeded().await;
        app.mail.wake();
        Ok(())
    })
    .await
}
