//! Mail as it is written and handed over. lettre and minijinja live only here.

mod folder;
mod message;
mod smtp;
mod templates;

pub use message::Letter;
pub use smtp::{SendError, SmtpClient, Step, Stopped};
pub use templates::{Context, Rendered, TemplateProblem, Templates};

use std::path::PathBuf;

use self::smtp::Connection;
use crate::config::mail::Transport;
use crate::domain::account::Email;

/// Who takes mail.
pub enum Post {
    /// A mail server.
    Smtp(SmtpClient),
    /// Nobody: each mail is a file in this folder.
    Folder(PathBuf),
}

/// A line to whoever takes mail: one for a batch. Whatever goes wrong on it closes it.
#[derive(Default)]
pub struct Line(Option<Connection>);

impl Post {
    /// Ready to hand over. Connects to nobody.
    ///
    /// # Errors
    /// When `SMTP_CA` can't be read, or holds no certificates.
    pub fn new(transport: &Transport, hello: &str) -> Result<Self, SendError> {
        match transport {
            Transport::Smtp(smtp) => SmtpClient::new(smtp, hello).map(Self::Smtp),
            Transport::Folder(folder) => Ok(Self::Folder(folder.clone())),
        }
    }

    /// Hands a letter over, on a line that is there or a new one. Returns the file, where it is one.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, line: &mut Line, letter: &Letter<'_>) -> Result<Option<PathBuf>, SendError> {
        match self {
            Self::Smtp(client) => client.send(&mut line.0, letter).await.map(|()| None),
            Self::Folder(folder) => folder::write(folder, letter).await.map(Some),
        }
    }

    /// Whether a mail from this address would be taken, as far as that shows before there is a recipient. Nothing is sent.
    ///
    /// # Errors
    /// Where the mail server stopped it. A folder takes all.
    pub async fn check(&self, sender: &Email) -> Result<(), Stopped> {
        match self {
            Self::Smtp(client) => client.check(sender).await,
            Self::Folder(_) => Ok(()),
        }
    }
}

impl Line {
    /// Says good-bye, and waits a moment for the answer.
    pub async fn close(&mut self) {
        if let Some(connection) = self.0.take() {
            smtp::quit(connection).await;
        }
    }
}
