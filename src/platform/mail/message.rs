//! One mail in the form in which it travels (RFC 5322).

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::{Address, AddressError, Envelope};
use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart, header};

use super::templates::Rendered;
use crate::config;
use crate::domain::account::Email;
use crate::domain::timestamp::Timestamp;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Names it: the same at every attempt, so that whoever gets it twice sees that it is one.
    pub id: &'a str,
    /// What it is about; for the name of a file.
    pub kind: &'a str,
    /// When it was written.
    pub date: Timestamp,
    /// Whom it is from.
    pub from: &'a config::mail::Mailbox,
    /// How the sender is called where `from` has no name.
    pub app_name: &'a str,
    /// Where servers report what can't be delivered.
    pub bounce: &'a Email,
    /// Whom it is for.
    pub to: &'a Email,
    /// What it says.
    pub text: &'a Rendered,
}

/// Why a letter can't be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritable {
    #[error("an address that mail can't be sent to")]
    Address(#[from] AddressError),
    #[error(transparent)]
    Message(#[from] lettre::error::Error),
    #[error("a message that is not ASCII")]
    NotAscii,
}

impl Letter<'_> {
    /// From and to whom, as the mail server is told.
    pub(super) fn envelope(&self) -> Result<Envelope, Unwritable> {
        Ok(Envelope::new(Some(address(self.bounce)?), vec![address(self.to)?])?)
    }

    /// The whole text with its headers: ASCII, so that it needs no extension of a mail server.
    pub(super) fn message(&self) -> Result<String, Unwritable> {
        let name = self.from.name.clone().unwrap_or_else(|| self.app_name.to_owned());
        let date = UNIX_EPOCH + Duration::from_secs(u64::try_from(self.date.seconds()).unwrap_or(0));
        let (_, domain) = self.from.address.as_str().rsplit_once('@').unwrap_or_default();
        let builder = Message::builder()
            .from(Mailbox::new(Some(clean(&name)), address(&self.from.address)?))
            .to(Mailbox::new(None, address(self.to)?))
            .subject(clean(&self.text.subject))
            .date(date)
            // At the sender's domain: a host's name of its own is what spam filters count.
            .message_id(Some(format!("<{}@{domain}>", self.id)))
            .raw_header(auto_submitted())
            .envelope(self.envelope()?);
        let text = plain(&self.text.text);
        let message = match &self.text.html {
            None => builder.singlepart(text)?,
            Some(html) => builder
                .multipart(MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(html.clone())))?,
        };
        String::from_utf8(message.formatted()).ok().filter(|text| text.is_ascii()).ok_or(Unwritable::NotAscii)
    }
}

fn address(email: &Email) -> Result<Address, AddressError> {
    let (user, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
    Address::new(user, domain)
}

/// One line, without what lettre has no form for.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// Silences autoresponders (RFC 3834).
fn auto_submitted() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

/// A text as it is where it is ASCII, also where a link makes a line longer than 76 characters, which would be broken up otherwise.
fn plain(text: &str) -> SinglePart {
    /// RFC 5322 2.1.1.
    const LONGEST_LINE: usize = 998;
    if text.is_ascii() && text.lines().all(|line| line.len() <= LONGEST_LINE) {
        // lettre ends the last one.
        let lines = text.lines().collect::<Vec<_>>().join("\r\n");
        let body = Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit);
        return SinglePart::builder().header(header::ContentType::TEXT_PLAIN).body(body);
    }
    SinglePart::plain(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(name: Option<&str>, app_name: &str, subject: &str, text: &str, to: &str) -> String {
        let from =
            config::mail::Mailbox { name: name.map(str::to_owned), address: Email::parse("auth@example.com").unwrap() };
        let text = Rendered { subject: subject.to_owned(), text: text.to_owned(), html: None };
        let letter = Letter {
            id: "0123456789abcdef",
            kind: "reset",
            date: Timestamp::from_seconds(1_767_052_800),
            from: &from,
            app_name,
            bounce: &Email::parse("bounce@example.com").unwrap(),
            to: &Email::parse(to).unwrap(),
            text: &text,
        };
        letter.message().unwrap()
    }

    #[test]
    fn is_a_plain_mail_from_the_senders_domain() {
        let link = format!("https://app.example.com/a/rather/long/path/of/a/page/reset#token={}", "A".repeat(43));
        let text = written(None, "Example", "Set a new password", &format!("Open\n\n{link}\n"), "Ann@Example.com");
        for line in [
            "From: Example <auth@example.com>",
            "To: ann@example.com",
            "Subject: Set a new password",
            "Date: Tue, 30 Dec 2025 00:00:00 +0000",
            "Message-ID: <0123456789abcdef@example.com>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
            &link,
        ] {
            assert!(text.lines().any(|found| found.eq_ignore_ascii_case(line)), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_ascii_is_encoded() {
        let text = written(None, "Café", "Grüße", "Grüße\n", "ann@example.com");
        // "Grüße", CR, LF.
        assert!(text.is_ascii() && text.contains("R3LDvMOfZQ0K"), "{text}");
    }

    proptest! {
        /// Whatever a name or a subject holds, the headers are ours, and the mail has one sender and one receiver.
        #[test]
        fn nothing_makes_another_header(text in "(.|[\r\n\0,<>@:;\"\u{85}\u{2028}]){0,120}", name in "(.|[\r\n\0,<>@:;\"]){1,60}") {
            let mail = written(Some(&name), "Example", &text, "Hello.\n", "ann@example.com");
            let (head, body) = mail.split_once("\r\n\r\n").unwrap();
            prop_assert_eq!(body, "Hello.\r\n");
            prop_assert!(head.is_ascii() && !head.contains('\0'));
            let names: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split(':').next().unwrap()).collect();
            prop_assert_eq!(
                names,
                ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
            );
            prop_assert!(!head.replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
