//! Mail: who takes it, whom it is from, and where its links lead.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::database::{Database, Location};
use super::declarations::{
    APP_NAME, EMAIL_CHANGE_URL, EMAIL_VERIFICATION, FACTOR_RECOVERY, FACTOR_RECOVERY_URL, MAIL_BOUNCE, MAIL_FOLDER,
    MAIL_FROM, MAIL_RATE_LIMIT, MAIL_TEMPLATES, NOT_ME_URL, RESET_URL, SMTP_CA, SMTP_HOST, SMTP_PASSWORD, SMTP_PORT,
    SMTP_TIMEOUT, SMTP_TLS, SMTP_USER, VERIFY_URL,
};
use super::kinds::is_open;
use super::secret::Secret;
use super::setting::{Reader, Setting};
use crate::domain::account::Email;
use crate::domain::throttle::Limit;

/// Settings of mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// `APP_NAME`.
    pub app_name: String,
    /// Who takes what is to be sent. None: nobody, and no mail is written.
    pub transport: Option<Transport>,
    /// `MAIL_FROM`.
    pub from: Option<Mailbox>,
    /// `MAIL_BOUNCE`.
    pub bounce: Option<Email>,
    /// `MAIL_TEMPLATES`.
    pub templates: Option<PathBuf>,
    /// Where links lead.
    pub pages: Pages,
    /// `EMAIL_VERIFICATION`.
    pub verification: Verification,
    /// `FACTOR_RECOVERY`: how long it takes to have lost factors removed. None: an operator does it.
    pub factor_recovery: Option<Duration>,
    /// `MAIL_RATE_LIMIT`: mails to one address that anybody may ask for.
    pub asked: Option<Limit>,
}

/// The pages of the application that take the tokens of links. None: a page of Doorward's own, in development alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// `RESET_URL`.
    pub reset: Option<Url>,
    /// `VERIFY_URL`.
    pub verify: Option<Url>,
    /// `EMAIL_CHANGE_URL`.
    pub email_change: Option<Url>,
    /// `NOT_ME_URL`.
    pub not_me: Option<Url>,
    /// `FACTOR_RECOVERY_URL`.
    pub factor_recovery: Option<Url>,
    /// Whether Doorward's own stand in for those that are missing.
    pub own: bool,
}

/// A name, if there is one, and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// What is shown.
    pub name: Option<String>,
    /// Where it is.
    pub address: Email,
}

/// Who takes mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A mail server.
    Smtp(Smtp),
    /// Nobody: each mail is a file in this folder.
    Folder(PathBuf),
}

/// Whether people show that they read the mail of their address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Nobody is asked to.
    Off,
    /// Everybody is asked to, and nothing hangs on it.
    On,
    /// There is no account before they have.
    Required,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// `SMTP_HOST`: a name or an address.
    pub host: String,
    /// `SMTP_PORT`.
    pub port: u16,
    /// `SMTP_TLS`.
    pub tls: Tls,
    /// `SMTP_USER` and `SMTP_PASSWORD`.
    pub credentials: Option<(String, Secret)>,
    /// `SMTP_CA`: a file of certificates.
    pub ca: Option<PathBuf>,
    /// `SMTP_TIMEOUT`: how long one mail may take, connection and all.
    pub timeout: Duration,
}

/// How the connection to a mail server is encrypted. Never by itself in plain text where the server offers no better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By STARTTLS, before anything else.
    Required,
    /// From the first byte.
    Wrapper,
    /// Not at all: on this machine.
    None,
}

impl Mail {
    pub(super) fn read(reader: &mut Reader<'_>, database: Option<&Database>) -> Option<Self> {
        let app_name = reader.get(&APP_NAME);
        let smtp = smtp(reader);
        let (from, bounce) = (reader.get(&MAIL_FROM), reader.get(&MAIL_BOUNCE));
        if smtp.is_some() && from.is_none() {
            reader.refuse(&MAIL_FROM, "must be set where SMTP_HOST is: mail servers refuse mail from nobody");
        }
        let folder = reader.get(&MAIL_FOLDER);
        reader.refuse_in_production(
            folder.is_some(),
            &MAIL_FOLDER,
            "must not be set in production: whoever reads the files can be anybody. Set SMTP_HOST",
        );
        let templates = reader.get(&MAIL_TEMPLATES);
        // What is wrong with it is told where passwords are read.
        let reset = reader.peek(&RESET_URL);
        if smtp.is_some() && reset.is_none() && reader.production() {
            reader.warn(
                &RESET_URL,
                "is not set: a link needs a page that takes it, so that nobody can ask for a new password",
            );
        }
        let asked = reader.get(&MAIL_RATE_LIMIT);
        reader.refuse_in_production(
            asked == Some(None),
            &MAIL_RATE_LIMIT,
            "must not be off in production: anybody could fill anybody's mailbox",
        );
        let transport = match smtp {
            Some(smtp) => Some(Transport::Smtp(smtp)),
            None if reader.production() => {
                reader.warn(&SMTP_HOST, "is not set: no mail is sent, so that nobody can ask for a new password");
                None
            }
            None => Some(Transport::Folder(folder.unwrap_or_else(|| beside(database)))),
        };
        let pages = Pages {
            reset,
            verify: page(reader, &VERIFY_URL),
            email_change: page(reader, &EMAIL_CHANGE_URL),
            not_me: page(reader, &NOT_ME_URL),
            factor_recovery: page(reader, &FACTOR_RECOVERY_URL),
            own: !reader.production(),
        };
        let factor_recovery = reader.get(&FACTOR_RECOVERY);
        reader.refuse_in_production(
            factor_recovery.flatten().is_some() && (transport.is_none() || pages.factor_recovery.is_none()),
            &FACTOR_RECOVERY,
            "must be operator without SMTP_HOST and FACTOR_RECOVERY_URL: whoever has lost their factors is mailed links",
        );
        let verification = reader.get(&EMAIL_VERIFICATION);
        let sends = transport.is_some() && (pages.own || pages.verify.is_some());
        reader.refuse_in_production(
            verification == Some(Verification::Required) && !sends,
            &EMAIL_VERIFICATION,
            "must not be required without SMTP_HOST and VERIFY_URL: nobody could have an account",
        );
        if verification == Some(Verification::On) && !sends {
            reader.warn(&EMAIL_VERIFICATION, "has no effect without SMTP_HOST and VERIFY_URL: no link is mailed");
        }
        Some(Self {
            app_name: app_name?,
            transport,
            from,
            bounce,
            templates,
            pages,
            verification: verification?,
            factor_recovery: factor_recovery?,
            asked: asked?,
        })
    }
}

fn page(reader: &mut Reader<'_>, setting: &Setting<Url>) -> Option<Url> {
    let page = reader.get(setting);
    reader.refuse_in_production(
        is_open(page.as_ref()),
        setting,
        "must begin with https:// in production: whoever is on the way could change the page, and take the token from it",
    );
    page
}

fn smtp(reader: &mut Reader<'_>) -> Option<Smtp> {
    let (host, port, tls) = (reader.get(&SMTP_HOST), reader.get(&SMTP_PORT), reader.get(&SMTP_TLS));
    let (user, password) = (reader.get(&SMTP_USER), reader.get(&SMTP_PASSWORD));
    let (ca, timeout) = (reader.get(&SMTP_CA), reader.get(&SMTP_TIMEOUT));
    if user.is_some() != password.is_some() {
        reader.refuse(&SMTP_USER, "and SMTP_PASSWORD belong together: set both, or neither");
    }
    let (host, tls) = (host?, tls?);
    if tls == Tls::None && !is_loopback(&host) {
        reader.refuse(
            &SMTP_TLS,
            "must not be none where SMTP_HOST is another machine: whoever is on the way could read every link",
        );
    }
    let usual = match tls {
        Tls::Required => 587,
        Tls::Wrapper => 465,
        Tls::None => 25,
    };
    Some(Smtp { host, port: port.unwrap_or(usual), tls, credentials: user.zip(password), ca, timeout: timeout? })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Beside the SQLite database, else in `data`: as the keys of development.
fn beside(database: Option<&Database>) -> PathBuf {
    let folder = match database.map(|database| &database.location) {
        Some(Location::Sqlite(path)) => path.parent().unwrap_or(Path::new("")),
        _ => Path::new("data"),
    };
    folder.join("mail")
}
