//! What operators do with mail.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;

use super::{assemble, print};
use crate::config::Config;
use crate::domain::account::Email;
use crate::domain::mail::Kind;
use crate::platform::clock::Clock;
use crate::platform::random::Random;
use crate::service::mail;
use crate::storage::Store;

#[derive(Clone, Subcommand)]
pub(super) enum Command {
    /// Send a mail to see whether it arrives: at once, past the queue
    Test {
        /// Whom to
        #[arg(value_parser = email)]
        address: Email,
    },
    /// Print a mail as it would be, by your template or Doorward's own
    Preview {
        /// Which: `reset`, `new_device`, ..
        #[arg(value_parser = kind)]
        kind: Kind,
    },
    /// Tell how many mails wait, since when, and which were given up
    Status,
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let store = Store::open(&config.database, clock.clone()).await?;
    store.migrate().await?;
    let app = assemble::app(config, store, clock, Random::system())?;
    let done = carry_out(&app, command).await;
    app.store.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn carry_out(app: &crate::service::App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Test { address } => match mail::test(app, &address).await {
            Ok(Some(file)) => print(&format!("SMTP_HOST is not set: the mail is in {}\n", file.display())),
            Ok(None) => print("the mail server has taken it\n"),
            Err(mail::TestError::Unavailable) => bail!("no mail can be sent: set SMTP_HOST and MAIL_FROM"),
            Err(error) => Err(error).context("the mail was not taken"),
        },
        Command::Preview { kind } => print(&mail::preview(app, kind).map_err(|problem| anyhow!("{problem}"))?),
        Command::Status => {
            let status = mail::status(app).await?;
            let oldest = status.oldest.map_or_else(String::new, |oldest| format!(", the oldest since {oldest}"));
            print(&format!("{} waiting{oldest}; {} given up\n", status.waiting, status.dead))?;
            for (at, kind, why) in status.troubles {
                print(&format!("  {at}  {kind}  {why}\n"))?;
            }
            Ok(())
        }
    }
}

fn email(text: &str) -> Result<Email, &'static str> {
    Email::parse(text).map_err(|_| "this is not an email address")
}

fn kind(text: &str) -> Result<Kind, String> {
    let all = || Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    Kind::read(text).ok_or_else(|| format!("there is no such mail; there are {}", all()))
}
