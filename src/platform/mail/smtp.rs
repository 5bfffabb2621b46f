//! Handing mail over to a mail server (RFC 5321).
//!
//! One connection for a batch, a limit of our own around whatever is awaited on it (lettre's own bounds the TCP connect alone), and
//! what ran out of time or went wrong is closed: a dialogue that is taken up in its middle gives a mail its predecessor's answer.

use std::time::Duration;

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, response::Response};
use tokio::time::timeout;

use super::message::{Letter, Unwritable};
use crate::config::mail::{Smtp, Tls};
use crate::domain::account::Email;

/// The only answer to a message that says it was taken (RFC 5321 4.3.2).
const TAKEN: u16 = 250;
/// What tells of the dialogue, not of the mail: commands in a wrong order, a login that is needed.
const NOT_OF_THE_MAIL: [u16; 2] = [503, 530];
/// How long the answer to a good-bye is waited for.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// A connection that is ready for the next mail.
pub(super) type Connection = AsyncSmtpConnection;

/// Why a mail was not handed over. The texts hold what the server said, addresses too: they are for the database, not for logs.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The server can't be reached, or does not let us in: no mail's fault.
    #[error("{0}")]
    Unreachable(String),
    /// Not now: it is worth trying again.
    #[error("{0}")]
    Later(String),
    /// The server refuses this mail for good.
    #[error("{0}")]
    Never(String),
}

/// How far a mail server was followed, and what stopped that.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Stopped {
    /// Where.
    pub at: Step,
    /// What was said there; addresses, too.
    pub why: String,
}

/// What comes before a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The connection, with its encryption where that comes first, and the greeting.
    Connect,
    /// STARTTLS.
    StartTls,
    /// `SMTP_USER` and `SMTP_PASSWORD`.
    Login,
    /// Whom mails are from.
    Sender,
}

/// A client of one mail server.
pub struct SmtpClient {
    server: Smtp,
    tls: TlsParameters,
    hello: ClientId,
}

impl SmtpClient {
    /// Reads the authorities. `hello` is the name that the server is greeted with.
    ///
    /// # Errors
    /// When they can't be read.
    pub(super) fn new(server: &Smtp, hello: &str) -> Result<Self, SendError> {
        let unreadable = |why: String| SendError::Unreachable(format!("SMTP_CA names a file that {why}"));
        let mut tls = TlsParameters::builder(server.host.clone());
        if let Some(ca) = &server.ca {
            let pem = std::fs::read(ca).map_err(|error| unreadable(format!("can't be read: {error}")))?;
            let certificates =
                Certificate::from_pem(&pem).map_err(|_| unreadable("holds no certificates".to_owned()))?;
            if !pem.windows(5).any(|five| five == b"BEGIN") {
                return Err(unreadable("holds no certificates".to_owned()));
            }
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(certificates);
        }
        let tls = tls.build().map_err(|error| SendError::Unreachable(full(&error)))?;
        Ok(Self { server: server.clone(), tls, hello: ClientId::Domain(hello.to_owned()) })
    }

    pub(super) async fn send(&self, line: &mut Option<Connection>, letter: &Letter<'_>) -> Result<(), SendError> {
        let never = |error: Unwritable| SendError::Never(error.to_string());
        let (envelope, message) = (letter.envelope().map_err(never)?, letter.message().map_err(never)?);
        // Not on the line while it is in use: whatever comes between, it is closed.
        let before = line.take();
        let handed_over = timeout(self.server.timeout, async {
            let mut connection = match before {
                Some(connection) => connection,
                None => self.connect().await.map_err(|stopped| SendError::Unreachable(stopped.why))?,
            };
            let answer = match dialogue(&mut connection, &envelope, &message).await {
                Ok(answer) => answer,
                Err(error) => {
                    quit(connection).await;
                    return Err(refused(&error));
                }
            };
            if !answer.has_code(TAKEN) {
                return Err(SendError::Later(format!("the server answered {} to a message", answer.code())));
            }
            Ok(connection)
        });
        match handed_over.await {
            Ok(Ok(connection)) => {
                *line = Some(connection);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(SendError::Later(format!("not taken within {:?}", self.server.timeout))),
        }
    }

    /// Goes as far as a mail does before it has a recipient. Nothing is sent.
    pub(super) async fn check(&self, sender: &Email) -> Result<(), Stopped> {
        let tried = timeout(self.server.timeout, async {
            let mut connection = self.connect().await?;
            let at = |why| Stopped { at: Step::Sender, why };
            let sender = sender.as_str().parse::<Address>().map_err(|error| at(error.to_string()))?;
            connection.command(Mail::new(Some(sender), Vec::new())).await.map_err(|error| at(full(&error)))?;
            quit(connection).await;
            Ok(())
        });
        tried.await.unwrap_or_else(|_| {
            Err(Stopped { at: Step::Connect, why: format!("no answer within {:?}", self.server.timeout) })
        })
    }

    async fn connect(&self) -> Result<Connection, Stopped> {
        let Smtp { host, port, tls, credentials, .. } = &self.server;
        let at = |step| move |error: Error| Stopped { at: step, why: full(&error) };
        let wrapper = (*tls == Tls::Wrapper).then(|| self.tls.clone());
        let address = (host.as_str(), *port);
        let connected = Connection::connect_tokio1(address, None, &self.hello, wrapper, None).await;
        let mut connection = connected.map_err(at(Step::Connect))?;
        if *tls == Tls::Required {
            // Where the server does not offer it this fails, and nothing goes in plain text.
            connection.starttls(self.tls.clone(), &self.hello).await.map_err(at(Step::StartTls))?;
        }
        if let Some((user, password)) = credentials {
            let password = String::from_utf8_lossy(password.reveal()).into_owned();
            let credentials = Credentials::new(user.clone(), password);
            let _: Response = connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(at(Step::Login))?;
        }
        Ok(connection)
    }
}

/// One mail. lettre's own `send` writes the end of a message by itself: Nagle's algorithm holds that back until the server has
/// acknowledged the message, which takes it 40 ms where it has nothing to say.
async fn dialogue(connection: &mut Connection, envelope: &Envelope, message: &str) -> Result<Response, Error> {
    connection.command(Mail::new(envelope.from().cloned(), Vec::new())).await?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    connection.command(Data).await?;
    connection.command(ended(message)).await
}

/// A message, and that it ends there (RFC 5321 4.5.2).
fn ended(message: &str) -> String {
    let end = if message.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" };
    message.replace("\r\n.", "\r\n..") + end
}

/// Says good-bye.
pub(super) async fn quit(mut connection: Connection) {
    // Taken is what was answered with 250: nothing hangs on this.
    let _ = timeout(GOOD_BYE, connection.quit()).await;
}

/// What a refusal in the dialogue of a mail says of it.
fn refused(error: &Error) -> SendError {
    let code = error.status().map(u16::from);
    match code {
        Some(code) if error.is_permanent() && !NOT_OF_THE_MAIL.contains(&code) => SendError::Never(full(error)),
        _ => SendError::Later(full(error)),
    }
}

/// An error with what caused it, in one line.
fn full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let told = inner.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = inner.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a message says, it ends where it ends, and nothing of it is lost.
        #[test]
        fn no_line_of_a_message_is_its_end(lines in prop::collection::vec("[.a]{0,4}", 0..6), is_closed: bool) {
            let message = format!("Subject: a\r\n\r\n{}{}", lines.join("\r\n"), if is_closed { "\r\n" } else { "" });
            let sent = ended(&message);
            let end = sent.find("\r\n.\r\n").unwrap();
            prop_assert_eq!(end + 5, sent.len());
            let read: Vec<&str> =
                sent[..end].split("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            prop_assert_eq!(read.join("\r\n"), message.strip_suffix("\r\n").unwrap_or(&message));
        }
    }
}
