//! Telling owners of a removal: each day that it goes on, and when its wait is over.

use std::time::Duration;

use super::{may_recover, void_links};
use crate::domain::account::UserId;
use crate::domain::mail::{Kind, Purpose};
use crate::service::mail::Draft;
use crate::service::{App, Client, Failure};
use crate::storage::{Error, Tx, account, factor};

/// How often.
pub(super) const EVERY: Duration = Duration::from_hours(24);
/// How many are looked for at once.
const PAGE: u32 = 100;

/// Tells all that are to be told now.
///
/// # Errors
/// When the database can't be asked.
pub(in crate::service) async fn tell(app: &App) -> Result<(), Failure> {
    loop {
        let ids = {
            let mut tx = app.store.read().await?;
            let now = tx.now().await?;
            factor::recoveries_to_tell(&mut tx, now, PAGE).await?
        };
        if ids.is_empty() {
            return Ok(());
        }
        for id in ids {
            let drafts = (app.mail.notice(Kind::FactorRecoveryStarted)?, app.mail.notice(Kind::FactorRecoveryReady)?);
            let input = (id, app.mail.factor_recovery().is_some(), drafts);
            let told = app.store.write(input, |tx, (id, is_on, (goes_on, ready))| {
                Box::pin(tell_one(tx, *id, *is_on, (goes_on.as_ref(), ready.as_ref())))
            });
            told.await?;
        }
    }
}

async fn tell_one(
    tx: &mut Tx,
    id: UserId,
    is_on: bool,
    (goes_on, ready): (Option<&Draft>, Option<&Draft>),
) -> Result<(), Error> {
    let Some(locked) = account::lock(tx, id).await? else { return Ok(()) };
    let (user, now, nobody) = (&locked.user, locked.now, Client::default());
    let Some(recovery) = factor::recovery(tx, id).await? else { return Ok(()) };
    let stands = is_on && may_recover(user) && recovery.stands(locked.version, user.is_superuser);
    // The link that removes is good for a day, and mailed twice; with the second one this ends.
    let is_over = now >= recovery.due_at + 2 * Purpose::RecoveryFinish.lifetime();
    let is_due = now >= recovery.due_at;
    let next_at = if is_due { now + Purpose::RecoveryFinish.lifetime() } else { (now + EVERY).min(recovery.due_at) };
    if !factor::tell_recovery_at(tx, id, next_at, now).await? {
        return Ok(());
    }
    if !stands || is_over {
        factor::end_recovery(tx, id).await?;
        return void_links(tx, id).await;
    }
    let (draft, on) = if is_due { (ready, None) } else { (goes_on, Some(recovery.due_at)) };
    if let Some(draft) = draft {
        draft.tell_of(tx, user, &nobody, on, now).await?;
    }
    Ok(())
}
