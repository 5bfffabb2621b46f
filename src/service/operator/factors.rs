//! An account's factors, as an operator looks at them, and takes them away from whoever has lost them.

use super::Changed;
use super::change::{Change, Work};
use crate::domain::account::{Email, UserId};
use crate::domain::factor::EnrolmentCode;
use crate::domain::mail::Kind;
use crate::domain::session::EndReason;
use crate::domain::timestamp::Timestamp;
use crate::service::factor::{Listed, factors_of, forget_all, removed, unreadable};
use crate::service::mail::Draft;
use crate::service::{App, Client, Failure};
use crate::storage::{account, factor};

/// What an account has beside its password.
///
/// # Errors
/// When the database can't be asked.
pub async fn factors(app: &App, id: UserId) -> Result<Listed, Failure> {
    let not_before = app.session.policy.not_before.unwrap_or(Timestamp::EPOCH);
    Ok(factors_of(&mut app.store.read().await?, id, not_before).await?)
}

/// Removes all factors of an account, and ends its sessions: from then on the password is enough. Its owner is told. Where mail reaches
/// nobody the account gets its next factor by the code that comes of it alone, which the operator gives to its owner; an earlier one is
/// void. Nothing happens to an account that has neither a factor nor such a code.
///
/// # Errors
/// When the database can't be asked.
pub async fn reset_factors(
    app: &App,
    id: UserId,
    client: &Client,
) -> Result<(Changed, Option<EnrolmentCode>), Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::SecondFactor, force: true };
    let seed: Option<[u8; 32]> = if app.mail.reaches_people() { None } else { Some(app.random.bytes()?) };
    let input = (app.mail.notice(Kind::FactorRemoved)?, seed);
    let work: Work<(Option<Draft>, Option<[u8; 32]>)> = |tx, change, (notice, seed), locked| {
        Box::pin(async move {
            let removed = forget_all(tx, &locked.user, &change.client, notice.as_ref(), locked.now).await?;
            if let Some(seed) = seed
                && (removed || factor::given_code(tx, change.id).await?.is_some())
            {
                factor::give_code(tx, change.id, seed, locked.now).await?;
            }
            if !removed {
                return Ok(Some(Vec::new()));
            }
            change.end_sessions(tx, &locked).await.map(Some)
        })
    };
    let changed = change.carry_out(app, input, work).await?;
    let given = factor::given_code(&mut app.store.read().await?, id).await?;
    let seed = given.filter(|given| Some(*given) == seed);
    Ok((changed, seed.and_then(|seed| app.mail.enrolment_code(&seed))))
}

/// Removes the apps whose secrets no key of the server opens, and ends the sessions of their owners; passkeys stay, and an account that
/// has none is reset. Returns whose they were, and their codes.
///
/// # Errors
/// When the database can't be asked.
pub async fn reset_unreadable(app: &App, client: &Client) -> Result<Vec<(Email, Option<EnrolmentCode>)>, Failure> {
    let mut reset = Vec::new();
    for id in unreadable(app).await? {
        let user = account::by_id(&mut app.store.read().await?, id).await?;
        let code = if factors(app, id).await?.passkeys.is_empty() {
            reset_factors(app, id, client).await?.1
        } else {
            remove_totp(app, id, client).await?;
            None
        };
        reset.extend(user.map(|user| (user.email, code)));
    }
    Ok(reset)
}

async fn remove_totp(app: &App, id: UserId, client: &Client) -> Result<Changed, Failure> {
    let change = Change { id, client: client.clone(), reason: EndReason::SecondFactor, force: true };
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
    change.carry_out(app, notice, work).await
}
