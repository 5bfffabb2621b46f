//! Looking at accounts.

use std::sync::Arc;

use crate::domain::account::{Email, User, UserId};
use crate::domain::audit::Event;
use crate::service::account::{Export, hand_out};
use crate::service::{App, Client, Failure};
use crate::storage::account;

/// How many users are read at once.
const PAGE: u32 = 500;

/// The account with this email.
///
/// # Errors
/// When the database can't be asked.
pub async fn find(app: &App, email: &Email) -> Result<Option<User>, Failure> {
    let mut tx = app.store.read().await?;
    Ok(account::credentials(&mut tx, email).await?.map(|found| found.user))
}

/// All accounts, in the order of their ids.
///
/// # Errors
/// When the database can't be asked.
pub async fn list(app: &App) -> Result<Vec<User>, Failure> {
    let mut tx = app.store.read().await?;
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map_or(UserId(0), |user| user.id);
        let page = account::list(&mut tx, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Everything stored about a person, as they get it themselves. None: there is no such account.
///
/// # Errors
/// When the database can't be asked.
pub async fn export(app: &Arc<App>, id: UserId, client: &Client) -> Result<Option<Export>, Failure> {
    hand_out(app, id, client.record(Event::DataExported, id, None)).await
}
