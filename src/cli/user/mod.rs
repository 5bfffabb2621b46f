//! What operators do with accounts. A server beside this command notices within two seconds.

mod arguments;
mod factors;
mod shown;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use futures_util::TryStreamExt as _;
use url::Url;

use self::arguments::{email, new_password, page, ttl};
use self::shown::{pretty, show, table};
use super::{assemble, print, tell};
use crate::api::account::{User as UserShown, export_text};
use crate::config::Config;
use crate::domain::account::Email;
use crate::domain::account::{FullName, User, UserId};
use crate::platform::clock::Clock;
use crate::platform::random::Random;
use crate::service::account::{self, NewAccount, RegisterError, Registered};
use crate::service::operator::{self, Changed};
use crate::service::{App, Client};
use crate::storage::Store;

#[derive(Clone, Subcommand)]
pub(super) enum Command {
    /// Make an account; the password is asked for, or read from standard input
    Create {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
        /// The person's name
        #[arg(long)]
        name: Option<String>,
        /// Print the account as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List all accounts
    List {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show one account
    Show {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// End all sessions of a person, and let them log in no more
    Disable {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
        /// Also when it is the last active superuser
        #[arg(long)]
        force: bool,
    },
    /// Let a disabled person log in again
    Enable {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// Let a person log in at once whose account is under attack: what was counted against it is forgiven
    Unblock {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// Set a password, asked for or read from standard input, and end all sessions of the person
    SetPassword {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// Make a person a superuser, for the application beside Doorward
    MakeSuperuser {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// End all sessions of a person
    Logout {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// Give an account another address; both are told
    SetEmail {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
        /// The one that it shall be
        #[arg(value_parser = email)]
        new: Email,
    },
    /// Note that a person reads the mail of their address
    ConfirmEmail {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// Show what a person has beside their password
    Factors {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// Take a person's authenticator app, passkeys and recovery codes away, and end all their sessions: who has lost them logs in by password alone
    ///
    /// Make sure first who asks: docs/operations.md says how. The person is told by mail. Where no mail is sent it prints a code, without
    /// which the account gets no factor again: give it to the person alone.
    ResetFactors {
        /// The person's email
        #[arg(value_parser = email, required_unless_present = "unreadable")]
        email: Option<Email>,
        /// Of everybody whose app was set up under a key that is lost
        #[arg(long, conflicts_with = "email")]
        unreadable: bool,
    },
    /// Print a link that lets a person set a new password, once; an earlier one is void
    ///
    /// The link is `RESET_URL` with the token behind `#token=`. Send it to the person alone: whoever has it sets the password.
    ResetLink {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
        /// The page of your application that takes the token, in place of `RESET_URL`
        #[arg(long, value_parser = page)]
        url: Option<Url>,
        /// How long it can be used, such as `30m` or `1d`: at most `7d`
        #[arg(long, default_value = "30m", value_parser = ttl)]
        ttl: Duration,
    },
    /// Print everything that is stored about a person, as one JSON object: what the person gets from /api/auth/me/export
    Export {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
    },
    /// Erase a person's account for ever
    Delete {
        /// The person's email
        #[arg(value_parser = email)]
        email: Email,
        /// Also when it is the last active superuser
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let clock = Clock::system();
    let store = Store::open(&config.database, clock.clone()).await?;
    store.migrate().await?;
    let app = Arc::new(assemble::app(config, store, clock, Random::system())?);
    let done = carry_out(&app, config.passwords.reset_url.as_ref(), command).await;
    app.store.close().await;
    done
}

async fn carry_out(app: &Arc<App>, reset_url: Option<&Url>, command: Command) -> anyhow::Result<()> {
    let me = Client::operator();
    match command {
        Command::Create { email, name, json } => create(app, email, name.as_deref(), json).await,
        Command::List { json } => {
            let all = operator::list(app).await?;
            print(&if json { pretty(&all.into_iter().map(UserShown::json).collect()) } else { table(&all) })
        }
        Command::Show { email, json } => show(find(app, &email).await?, json),
        Command::Disable { email, force } => done(operator::disable(app, id(app, &email).await?, &me, force).await?),
        Command::Enable { email } => done(operator::enable(app, id(app, &email).await?, &me).await?),
        Command::Unblock { email } => done(operator::unblock(app, id(app, &email).await?, &me).await?),
        Command::MakeSuperuser { email } => done(operator::make_superuser(app, id(app, &email).await?, &me).await?),
        Command::Logout { email } => done(operator::log_out(app, id(app, &email).await?, &me).await?),
        Command::SetPassword { email } => {
            let user = find(app, &email).await?;
            let password = new_password(app, &user.email)?;
            let hash = app.password.hashing.hash(password).await?;
            done(operator::set_password(app, user.id, hash, &me).await?)
        }
        Command::SetEmail { email, new } => done(operator::set_email(app, id(app, &email).await?, new, &me).await?),
        Command::ConfirmEmail { email } => done(operator::confirm_email(app, id(app, &email).await?, &me).await?),
        Command::Factors { email } => factors::show(app, id(app, &email).await?).await,
        Command::ResetFactors { email: Some(email), .. } => factors::reset(app, id(app, &email).await?, &me).await,
        Command::ResetFactors { email: None, .. } => factors::reset_unreadable(app, &me).await,
        Command::ResetLink { email, url, ttl } => {
            let id = id(app, &email).await?;
            let token = operator::make_reset(app, id, ttl, &me).await?.ok_or_else(unknown)?.reveal();
            if let Some(url) = url.as_ref().or(reset_url) {
                return print(&format!("{url}#token={token}\n"));
            }
            tell("RESET_URL is not set, so this is the token alone: your page passes it to /api/auth/password/reset");
            print(&format!("{token}\n"))
        }
        Command::Export { email } => {
            let id = id(app, &email).await?;
            let everything = operator::export(app, id, &me).await?.ok_or_else(unknown)?;
            let mut text = pin!(export_text(everything, None));
            while let Some(part) = text.try_next().await? {
                print(&part)?;
            }
            Ok(())
        }
        Command::Delete { email, force } => done(operator::erase(app, id(app, &email).await?, &me, force).await?),
    }
}

async fn create(app: &Arc<App>, email: Email, name: Option<&str>, json: bool) -> anyhow::Result<()> {
    let full_name = FullName::parse(name.unwrap_or_default())
        .map_err(|_| anyhow!("a name has at most 200 characters, and no control characters"))?;
    let password = new_password(app, &email)?;
    match account::register(app, Client::operator(), NewAccount { email, password, full_name }).await {
        Ok(Registered::Account(user)) => show(user, json),
        Ok(Registered::Mailed) => bail!("there is no account yet: the address must be confirmed first"),
        Err(RegisterError::EmailUnavailable) => bail!("there is an account with this email"),
        Err(error) => Err(error.into()),
    }
}

fn done(changed: Changed) -> anyhow::Result<()> {
    match changed {
        Changed::Done => Ok(()),
        Changed::Unknown => Err(unknown()),
        Changed::Taken => bail!("an account has this address, or has left it in the last 30 days"),
        Changed::LastSuperuser => bail!("this is the last active superuser; --force does it all the same"),
    }
}

fn unknown() -> anyhow::Error {
    anyhow!("there is no account with this email")
}

async fn find(app: &App, email: &Email) -> anyhow::Result<User> {
    operator::find(app, email).await?.ok_or_else(unknown)
}

async fn id(app: &App, email: &Email) -> anyhow::Result<UserId> {
    Ok(find(app, email).await?.id)
}
