//! An account's factors, as an operator looks at them, and takes them away from whoever has lost them.

use super::Changed;
use super::change::{Change, Work};
use crate::domain::account::UserId;
use crate::domain::mail::Kind;
use crate::domain::session::EndReason;
use crate::domain::timestamp::Timestamp;
use crate::service::factor::{Listed, factors_of, forget_all, removed, unreadable};
use crate::service::mail::Draft;
use crate::service::{App, Client, Failure};
use crate::storage::factor;

/// What an account has beside its password.
///
/// # Errors
/// When the database can't be asked.
pub async fn factors(app: &App, id: UserId) -> Result<Listed, Failure> {
    let not_before = app.session.policy.not_before.unwrap_or(Timestamp::EPOCH);
    Ok(factors_of(&mut app.store.read().await?, id, not_before).await?)
}

/// Removes all factors of an account, and ends its sessions: from then on the password is enough. Its owner is told. Nothing happens to
/// an account that has none.
///
/// # Errors
/// When the database can't be asked.
pub async fn reset_factors(app: &App, id: UserId, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::SecondFactor, force: true };
    let notice = app.mail.notice(Kind::FactorRemoved)?;
    let work: Work<Option<Draft>> = |tx, change, notice, locked| {
        Box::pin(async move {
            if !forget_all(tx, &locked.user, &change.client, notice.as_ref(), locked.now).await? {
                return Ok(Some(Vec::new()));
            }
            change.end_sessions(tx, &locked).await.map(Some)
        })
    };
    change.carry_out(app, notice, work).await
}

/// Removes the apps whose secrets no key of the server opens, and ends the sessions of their owners; passkeys stay. Returns whose they were.
///
/// # Errors
/// When the database can't be asked.
pub async fn reset_unreadable(app: &App, client: &Client) -> Result<Vec<UserId>, Failure> {
    let ids = unreadable(app).await?;
    for id in &ids {
        let change = Change { id: *id, client: client.clone(), reason: EndReason::SecondFactor, force: true };
        let notice = app.mail.notice(Kind::FactorRemoved)?;
        let work: Work<Option<Draft>> = |tx, change, notice, locked| {
            Box::pin(async move {
                if !factor::remove_totp(tx, locked.user.id, locked.now).await? {
                    return Ok(Some(Vec::new()));
                }
                removed(tx, &locked.user, "totp", &change.client, notice.as_ref(), locked.now).await?;
                change.end_sessions(tx, &locked).await.map(Some)
            })
        };
        change.carry_out(app, notice, work).await?;
    }
    Ok(ids)
}
