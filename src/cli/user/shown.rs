//! Accounts as an operator sees them.

use serde_json::Value;

use super::print;
use crate::api::account as shown;
use crate::domain::account::{FullName, User};

pub(super) fn show(user: User, json: bool) -> anyhow::Result<()> {
    print(&if json { pretty(&shown::User::json(user)) } else { table(&[user]) })
}

pub(super) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

pub(super) fn table(users: &[User]) -> String {
    let width = users.iter().map(|user| user.email.as_str().len()).max().unwrap_or_default().max(5);
    let row = |id: &str, email: &str, confirmed: &str, state: &str, last_login: &str, name: &str| {
        let text = format!("{id:>6}  {email:width$}  {confirmed:9}  {state:9}  {last_login:20}  {name}");
        text.trim_end().to_owned() + "\n"
    };
    let mut text = row("id", "email", "confirmed", "state", "last login", "name");
    for user in users {
        let state = match (user.is_active, user.is_superuser) {
            (false, _) => "disabled",
            (true, true) => "superuser",
            (true, false) => "active",
        };
        let last_login = user.last_login.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let name = user.full_name.as_ref().map_or("", FullName::as_str);
        let confirmed = if user.email_verified_at.is_some() { "yes" } else { "no" };
        text += &row(&user.id.to_string(), user.email.as_str(), confirmed, state, &last_login, name);
    }
    text
}
