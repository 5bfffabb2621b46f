//! What operators do with accounts. A server beside this command notices within two seconds.

use std::io::{BufRead as _, IsTerminal as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Subcommand;
use futures_util::TryStreamExt as _;
use serde_json::Value;
use url::Url;

use super::{print, start, tell};
use crate::api::account::{self as shown, export_text};
use crate::config::{self, Config};
use crate::domain::account::Email;
use crate::domain::account::{FullName, User, UserId};
use crate::domain::password::{Password, PasswordPolicy, PasswordProblem};
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
    /// Make sure first who asks: docs/operations.md says how. The person is told by mail.
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
    let app = Arc::new(start::app(config, store, clock, Random::system())?);
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
            print(&if json { pretty(&all.into_iter().map(shown::User::json).collect()) } else { table(&all) })
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
        Command::Factors { email } => factors(app, &email).await,
        Command::ResetFactors { email: Some(email), .. } => {
            done(operator::reset_factors(app, id(app, &email).await?, &me).await?)
        }
        Command::ResetFactors { email: None, .. } => {
            let ids = operator::reset_unreadable(app, &me).await?;
            print(&format!("{} accounts have no second factor any more\n", ids.len()))
        }
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

async fn factors(app: &App, email: &Email) -> anyhow::Result<()> {
    let listed = operator::factors(app, id(app, email).await?).await?;
    if listed.totp.is_none() && listed.passkeys.is_empty() {
        return print("none\n");
    }
    let mut text = String::new();
    if let Some(totp) = listed.totp {
        text += &format!("totp            since {}, last used {}\n", totp.since, totp.last_used_at);
    }
    for passkey in listed.passkeys {
        let used = passkey.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"));
        text += &format!("passkey         since {}, {used}: {}\n", passkey.since, passkey.name.as_str());
    }
    if let Some((made, left)) = listed.recovery_codes {
        text += &format!("recovery codes  made {made}, {left} left\n");
    }
    print(&text)
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

fn email(text: &str) -> Result<Email, &'static str> {
    Email::parse(text).map_err(|_| "this is not an email address")
}

fn page(text: &str) -> Result<Url, &'static str> {
    config::page(text).ok_or("this is not a page such as https://app.example.com/reset, without a `#`")
}

fn ttl(text: &str) -> Result<Duration, &'static str> {
    let sensible = |ttl: &Duration| (Duration::from_mins(1)..=Duration::from_hours(7 * 24)).contains(ttl);
    config::duration(text).filter(sensible).ok_or("this is not a duration from `1m` to `7d`")
}

/// Never an argument: those are seen by everybody on the machine, and stay in the shell's history.
fn new_password(app: &App, email: &Email) -> anyhow::Result<Password> {
    let text = if std::io::stdin().is_terminal() {
        let ask = |prompt| rpassword::prompt_password(prompt).context("the password can't be read");
        let text = ask("New password: ")?;
        ensure!(text == ask("The same again: ")?, "these are two different passwords");
        text
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("the password can't be read")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    let policy = PasswordPolicy { composition: app.password.policy.composition };
    let problems: Vec<_> = policy.problems(&text, Some(email)).into_iter().map(PasswordProblem::message).collect();
    ensure!(problems.is_empty(), "this can't be the password. {}", problems.join(" "));
    Password::parse(text).map_err(|_| anyhow!("this can't be a password"))
}

fn show(user: User, json: bool) -> anyhow::Result<()> {
    print(&if json { pretty(&shown::User::json(user)) } else { table(&[user]) })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn table(users: &[User]) -> String {
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
