//! Carrying sealed secrets over a change of the server's key.

use super::context;
use crate::domain::account::UserId;
use crate::domain::session::KeyId;
use crate::service::{App, Failure};
use crate::storage::factor;

/// How many are read at once.
const PAGE: u32 = 500;

/// What a key has sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedBy {
    /// Which key.
    pub key_id: KeyId,
    /// Which of the server's it is.
    pub key: WhichKey,
    /// How many secrets there are.
    pub secrets: u64,
}

/// Which of the server's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichKey {
    /// `SECRET_KEY`.
    Current,
    /// One that is accepted still.
    Previous,
    /// None of them.
    Missing,
}

/// Seals by the current key what an accepted one has sealed, so that the accepted one can go. Returns how many.
///
/// # Errors
/// When the database does not answer; what was sealed until then stays so.
pub async fn reseal(app: &App) -> Result<u64, Failure> {
    let seals = &app.factor.seals;
    let (mut after, mut count) = (UserId(i64::MIN), 0);
    loop {
        let page = {
            let mut tx = app.store.read().await?;
            factor::sealed_by_others(&mut tx, seals.current(), after, PAGE).await?
        };
        let Some((last, _)) = page.last() else { return Ok(count) };
        after = *last;
        for (id, old) in page {
            let Some(secret) = seals.open(&old, &context(id)) else { continue };
            let new = seals.seal(&secret, &context(id))?;
            let moved =
                app.store.write((id, old, new), |tx, (id, old, new)| Box::pin(factor::reseal(tx, *id, old, new)));
            moved.await?;
            count += 1;
        }
    }
}

/// Which keys the secrets in the database need.
///
/// # Errors
/// When the database does not answer.
pub async fn sealed_by(app: &App) -> Result<Vec<SealedBy>, Failure> {
    let keys = factor::sealing_keys(&mut app.store.read().await?).await?;
    let which = |key_id| match key_id {
        current if current == app.factor.seals.current() => WhichKey::Current,
        previous if app.factor.seals.knows(previous) => WhichKey::Previous,
        _ => WhichKey::Missing,
    };
    Ok(keys.into_iter().map(|(key_id, secrets)| SealedBy { key_id, key: which(key_id), secrets }).collect())
}

/// The accounts whose apps no key of the server opens.
pub(in crate::service) async fn unreadable(app: &App) -> Result<Vec<UserId>, Failure> {
    let seals = &app.factor.seals;
    let (mut after, mut found) = (UserId(i64::MIN), Vec::new());
    let mut tx = app.store.read().await?;
    loop {
        let page = factor::sealed_by_others(&mut tx, seals.current(), after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = *last;
        found.extend(page.iter().filter(|(_, sealed)| !seals.knows(sealed.key_id)).map(|(id, _)| *id));
    }
}
