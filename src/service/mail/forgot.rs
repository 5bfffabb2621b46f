//! Somebody has forgotten their password, and asks for a link that sets a new one.

use std::sync::Arc;

use super::Unavailable;
use super::draft::day;
use crate::domain::account::{Email, UserId};
use crate::domain::audit::Event;
use crate::domain::mail::{Budget, Kind, Purpose};
use crate::domain::throttle::Scope;
use crate::service::throttle::{Attempt, Limited};
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{account, audit};

/// Why no mail is written, whoever has the address.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody sends mail.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Mails a link that sets a new password, if an active account has this address. The same answer, statements and commits whether one
/// has; mails to one address are bounded, and what is too much is not told either. `device` cookies give a browser that the
/// account knows a budget of its own.
///
/// # Errors
/// See [`AskError`].
pub async fn forgot(app: &Arc<App>, client: Client, email: Email, device: &[String]) -> Result<(), AskError> {
    let attempt = Attempt::begin::<AskError>(app, Scope::Ask, &client, None).await?;
    let draft = app.mail.link_mail(Kind::Reset)??;
    let moved = app.mail.notice(Kind::AddressLeft)?;
    let budget = app.session.devices.device(device, &email).map_or(Budget::Asked, Budget::Device);
    let app = Arc::clone(app);
    in_own_task(async move {
        let input = (client, email, (draft, moved), budget);
        let asked = app.store.write(input, |tx, (client, email, (draft, moved), budget)| {
            Box::pin(async move {
                let found = account::id_of(tx, email).await?;
                // Nobody has the id 0: the same statements.
                let locked = account::lock(tx, found.unwrap_or(UserId(0))).await?;
                let user = locked.map(|locked| locked.user).filter(|user| user.is_active && user.email == *email);
                let now = tx.now().await?;
                let left = account::left(tx, email, now).await?.filter(|_| found.is_none());
                if let (Some(moved), Some((id, at))) = (moved, left) {
                    let facts = day(at);
                    moved.mail_word(tx, Purpose::Reset, (email, Some(id)), facts.as_deref(), budget, now).await?;
                } else {
                    draft.mail_link(tx, Purpose::Reset, (email, user.as_ref()), budget, now).await?;
                }
                let mut record = client.record(Event::ResetRequested, UserId(0), None);
                record.user_id = user.map(|user| user.id);
                audit::append(tx, &record, now).await
            })
        });
        asked.await.map_err(Failure::from)?;
        attempt.succeeded().await;
        app.mail.wake();
        Ok(())
    })
    .await
}
