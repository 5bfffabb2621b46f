//! What is given to the commands, and what is asked for.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use url::Url;

use crate::config;
use crate::domain::account::Email;
use crate::domain::password::{Password, PasswordPolicy, PasswordProblem};
use crate::service::App;

pub(super) fn email(text: &str) -> Result<Email, &'static str> {
    Email::parse(text).map_err(|_| "this is not an email address")
}

pub(super) fn page(text: &str) -> Result<Url, &'static str> {
    config::page(text).ok_or("this is not a page such as https://app.example.com/reset, without a `#`")
}

pub(super) fn ttl(text: &str) -> Result<Duration, &'static str> {
    let sensible = |ttl: &Duration| (Duration::from_mins(1)..=Duration::from_hours(7 * 24)).contains(ttl);
    config::duration(text).filter(sensible).ok_or("this is not a duration from `1m` to `7d`")
}

/// Never an argument: those are seen by everybody on the machine, and stay in the shell's history.
pub(super) fn new_password(app: &App, email: &Email) -> anyhow::Result<Password> {
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
