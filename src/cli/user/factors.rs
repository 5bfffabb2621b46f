//! What a person has beside the password, shown and taken away.

use std::fmt::Write as _;

use super::{done, print, tell};
use crate::domain::account::UserId;
use crate::domain::factor::EnrolmentCode;
use crate::service::operator;
use crate::service::{App, Client};

pub(super) async fn show(app: &App, id: UserId) -> anyhow::Result<()> {
    let listed = operator::factors(app, id).await?;
    if listed.totp.is_none() && listed.passkeys.is_empty() {
        return print("none\n");
    }
    let mut text = String::new();
    if let Some(totp) = listed.totp {
        let _ = writeln!(text, "totp            since {}, last used {}", totp.since, totp.last_used_at);
    }
    for passkey in listed.passkeys {
        let used = passkey.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"));
        let _ = writeln!(text, "passkey         since {}, {used}: {}", passkey.since, passkey.name.as_str());
    }
    if let Some((made, left)) = listed.recovery_codes {
        let _ = writeln!(text, "recovery codes  made {made}, {left} left");
    }
    print(&text)
}

pub(super) async fn reset(app: &App, id: UserId, me: &Client) -> anyhow::Result<()> {
    let (changed, code) = operator::reset_factors(app, id, me).await?;
    done(changed)?;
    let Some(code) = code else { return Ok(()) };
    tell(
        "no mail is sent, so this is the code by which the person, and nobody else, sets up the next second factor: give it to them alone",
    );
    print(&format!("{}\n", code.reveal()))
}

pub(super) async fn reset_unreadable(app: &App, me: &Client) -> anyhow::Result<()> {
    let reset = operator::reset_unreadable(app, me).await?;
    let mut text = String::new();
    for (email, code) in &reset {
        let code = code.as_ref().map(EnrolmentCode::reveal).unwrap_or_default();
        let _ = writeln!(text, "{}", format!("{}  {code}", email.as_str()).trim_end());
    }
    tell(&format!(
        "{} accounts have no second factor any more; beside each stands the code for the next one, where no mail is sent",
        reset.len()
    ));
    print(&text)
}
