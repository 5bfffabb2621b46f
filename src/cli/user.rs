//! What operators do with accounts. A server beside this command notices within two seconds.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{print, start};
use crate::config::Config;
use crate::domain::email::Email;
use crate::domain::password::Password;
use crate::domain::password_policy::PasswordPolicy;
use crate::domain::user::{FullName, User, UserId};
use crate::platform::clock::Clock;
use crate::platform::random::Random;
use crate::service::operate::{self, Change, Changed};
use crate::service::register::{self, NewAccount, RegisterError};
use crate::service::{App, Client};
use crate::storage::{Store, users};

/// How many users are read at once.
const PAGE: u32 = 500;

#[derive(Clone, Subcommand)]
pub(super) enum Command {
    /// Make an account; the password is asked for, or read from standard input
    Create {
        /// The person's email
        email: String,
        /// The person's name
        #[arg(long)]
        name: Option<String>,
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
        email: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// End all sessions of a person, and let them log in no more
    Disable {
        /// The person's email
        email: String,
        /// Also when it is the last active superuser
        #[arg(long)]
        force: bool,
    },
    /// Let a disabled person log in again
    Enable {
        /// The person's email
        email: String,
    },
    /// Set a password, asked for or read from standard input, and end all sessions of the person
    SetPassword {
        /// The person's email
        email: String,
    },
    /// Make a person a superuser, for the application beside Doorward
    MakeSuperuser {
        /// The person's email
        email: String,
    },
    /// End all sessions of a person
    Logout {
        /// The person's email
        email: String,
    },
    /// Print a link that lets a person set a new password, once; an earlier one is void
    ResetLink {
        /// The person's email
        email: String,
        /// The page of your application that takes the token
        #[arg(long, default_value = "")]
        url: String,
        /// How many minutes it can be used
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=10_080))]
        minutes: u64,
    },
    /// Erase a person's account for ever
    Delete {
        /// The person's email
        email: String,
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
    let done = carry_out(&app, command).await;
    app.store.close().await;
    done
}

async fn carry_out(app: &Arc<App>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { email, name } => create(app, &email, name.as_deref()).await,
        Command::List { json } => {
            let all = all(app).await?;
            print(&if json { pretty(&Value::Array(all.iter().map(as_json).collect())) } else { table(&all) })
        }
        Command::Show { email, json } => {
            let user = find(app, &email).await?;
            print(&if json { pretty(&as_json(&user)) } else { table(&[user]) })
        }
        Command::Disable { email, force } => change(app, &email, Change::Disable, force).await,
        Command::Enable { email } => change(app, &email, Change::Enable, false).await,
        Command::MakeSuperuser { email } => change(app, &email, Change::MakeSuperuser, false).await,
        Command::Logout { email } => change(app, &email, Change::LogOut, false).await,
        Command::SetPassword { email } => {
            let user = find(app, &email).await?;
            let password = new_password(app, &user.email)?;
            let hash = app.hashing.hash(password).await?;
            done(operate::change(app, user.id, Change::SetPassword(hash), &Client::default(), false).await?)
        }
        Command::ResetLink { email, url, minutes } => {
            let id = find(app, &email).await?.id;
            let token = operate::make_reset(app, id, Duration::from_mins(minutes), &Client::default()).await?;
            print(&format!("{url}#token={}\n", token.ok_or_else(unknown)?.reveal()))
        }
        Command::Delete { email, force } => {
            let id = find(app, &email).await?.id;
            done(operate::erase(app, id, &Client::default(), force).await?)
        }
    }
}

async fn create(app: &Arc<App>, email: &str, name: Option<&str>) -> anyhow::Result<()> {
    let email = Email::parse(email).map_err(|_| anyhow!("this is not an email address"))?;
    let full_name = FullName::parse(name.unwrap_or_default())
        .map_err(|_| anyhow!("a name has at most 200 characters, and no control characters"))?;
    let password = new_password(app, &email)?;
    match register::register(app, Client::default(), NewAccount { email, password, full_name }).await {
        Ok(user) => print(&table(&[user])),
        Err(RegisterError::EmailUnavailable) => bail!("there is an account with this email"),
        Err(error) => Err(error.into()),
    }
}

async fn change(app: &App, email: &str, change: Change, force: bool) -> anyhow::Result<()> {
    let id = find(app, email).await?.id;
    done(operate::change(app, id, change, &Client::default(), force).await?)
}

fn done(changed: Changed) -> anyhow::Result<()> {
    match changed {
        Changed::Done => Ok(()),
        Changed::Unknown => Err(unknown()),
        Changed::LastSuperuser => bail!("this is the last active superuser; --force does it all the same"),
    }
}

fn unknown() -> anyhow::Error {
    anyhow!("there is no account with this email")
}

async fn find(app: &App, email: &str) -> anyhow::Result<User> {
    let email = Email::parse(email).map_err(|_| anyhow!("this is not an email address"))?;
    let mut tx = app.store.read().await?;
    users::credentials(&mut tx, &email).await?.map(|found| found.user).ok_or_else(unknown)
}

async fn all(app: &App) -> anyhow::Result<Vec<User>> {
    let mut tx = app.store.read().await?;
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map_or(UserId(0), |user| user.id);
        let page = users::list(&mut tx, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Never an argument: those are seen by everybody on the machine, and stay in the shell's history.
fn new_password(app: &App, email: &Email) -> anyhow::Result<Password> {
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password("New password: ").context("the password can't be read")?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("the password can't be read")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    let policy = PasswordPolicy { composition: app.passwords.composition };
    ensure!(
        policy.problems(&text, Some(email)).is_empty(),
        "a password has at least 8 characters and at most 71 bytes, with an upper-case letter, a lower-case letter and a \
         digit; and is neither the email nor a common one"
    );
    Password::parse(text).map_err(|_| anyhow!("this can't be a password"))
}

fn as_json(user: &User) -> Value {
    json!({
        "id": user.id.0,
        "email": user.email.as_str(),
        "full_name": user.full_name.as_ref().map(FullName::as_str),
        "is_active": user.is_active,
        "is_superuser": user.is_superuser,
        "created_at": user.created_at.to_string(),
        "last_login": user.last_login.map(|at| at.to_string()),
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn table(users: &[User]) -> String {
    let width = users.iter().map(|user| user.email.as_str().len()).max().unwrap_or_default().max(5);
    let row = |id: &str, email: &str, state: &str, last_login: &str, name: &str| {
        format!("{id:>6}  {email:width$}  {state:9}  {last_login:20}  {name}").trim_end().to_owned() + "\n"
    };
    let mut text = row("id", "email", "state", "last login", "name");
    for user in users {
        let state = match (user.is_active, user.is_superuser) {
            (false, _) => "disabled",
            (true, true) => "superuser",
            (true, false) => "active",
        };
        let last_login = user.last_login.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let name = user.full_name.as_ref().map_or("", FullName::as_str);
        text += &row(&user.id.to_string(), user.email.as_str(), state, &last_login, name);
    }
    text
}
