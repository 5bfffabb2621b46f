//! An account's address, as an operator sets it.

use super::Changed;
use super::change::{Change, Work};
use crate::domain::account::{Email, UserId};
use crate::domain::audit::Event;
use crate::domain::mail::{Budget, Kind};
use crate::domain::session::EndReason;
use crate::service::mail::{Draft, leave, verification};
use crate::service::{App, Client, Failure};
use crate::storage::account;

/// Gives an account another address, which is not confirmed by that. Both are told: the new one by a link that confirms it. What an
/// operator decides the former address can't take back.
///
/// # Errors
/// When the database can't be asked.
pub async fn set_email(app: &App, id: UserId, email: Email, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Admin, force: true };
    let notice = app.mail.notice(Kind::EmailChanged)?.map(Draft::without_link);
    let link = app.mail.link_mail(Kind::Verify)?.ok();
    let work: Work<(Email, Option<Draft>, Option<Draft>)> = |tx, change, (email, notice, link), locked| {
        Box::pin(async move {
            let reserved = account::left(tx, email, locked.now).await?.is_some_and(|(by, _)| by != change.id);
            if reserved || locked.user.email == *email {
                return Ok(None);
            }
            let Some(user) = account::set_email(tx, change.id, email, None, locked.now).await? else { return Ok(None) };
            leave(tx, &locked.user, &change.client, notice.as_ref(), locked.now).await?;
            account::forget_left(tx, email).await?;
            if let Some(link) = link {
                verification(tx, link, &user, &Budget::Notice, locked.now).await?;
            }
            change.note(tx, Event::EmailChanged, &locked).await.map(Some)
        })
    };
    change.carry_out(app, (email, notice, link), work).await
}

/// Notes that the person reads the mail of the account's address: the operator knows it.
///
/// # Errors
/// When the database can't be asked.
pub async fn confirm_email(app: &App, id: UserId, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::Admin, force: true };
    let work: Work<()> = |tx, change, (), locked| {
        Box::pin(async move {
            account::confirm_email(tx, change.id, locked.now).await?;
            change.note(tx, Event::EmailVerified, &locked).await.map(Some)
        })
    };
    change.carry_out(app, (), work).await
}
