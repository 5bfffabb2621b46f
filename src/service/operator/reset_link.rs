//! Letting a person set a new password.

use std::time::Duration;

use crate::domain::account::UserId;
use crate::domain::audit::Event;
use crate::domain::mail::LinkToken;
use crate::platform::digest::sha256;
use crate::service::{App, Client, Failure};
use crate::storage::{account, audit, password};

/// Makes a reset that can be used once, until `ttl` has passed; an earlier one is void. None: there is no such account.
///
/// # Errors
/// When the database can't be asked.
pub async fn make_reset(app: &App, id: UserId, ttl: Duration, client: &Client) -> Result<Option<LinkToken>, Failure> {
    let token = LinkToken::new(app.random.bytes()?);
    let input = (id, sha256(token.bytes()), ttl, client.clone());
    let made = app.store.write(input, |tx, (id, hash, ttl, client)| {
        Box::pin(async move {
            let Some(locked) = account::lock(tx, *id).await? else { return Ok(false) };
            password::put(tx, *id, hash, locked.now, locked.now + *ttl).await?;
            audit::append(tx, &client.record(Event::ResetRequested, *id, None), locked.now).await?;
            Ok(true)
        })
    });
    Ok(made.await?.then_some(token))
}
