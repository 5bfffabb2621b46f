//! What an operator wants to see of mail.

use std::path::PathBuf;

use super::Mail;
use crate::domain::account::Email;
use crate::domain::mail::{Facts, Kind, LinkToken};
use crate::domain::timestamp::Timestamp;
use crate::platform::mail::{Context, Letter, Line, Rendered, SendError, TemplateProblem};
use crate::platform::random::RandomError;
use crate::service::{App, Failure};
use crate::storage::mail as outbox;

/// Why a test was not sent.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// Nobody sends mail.
    #[error("no mail can be sent")]
    Unavailable,
    /// The template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateProblem),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// What the mail server says.
    #[error(transparent)]
    Refused(#[from] SendError),
}

/// Sends a mail at once. Returns the file, where there is no mail server.
///
/// # Errors
/// See [`TestError`].
pub async fn test(app: &App, to: &Email) -> Result<Option<PathBuf>, TestError> {
    let Mail { settings, post: Some(post), .. } = &app.mail else { return Err(TestError::Unavailable) };
    let from = settings.from.as_ref().ok_or(TestError::Unavailable)?;
    let text = example(app, Kind::Test, app.clock.now())?;
    let letter = Letter {
        id: &format!("{:032x}", u128::from_be_bytes(app.random.bytes()?)),
        kind: Kind::Test.as_str(),
        date: app.clock.now(),
        from,
        app_name: &settings.app_name,
        bounce: settings.bounce.as_ref().unwrap_or(&from.address),
        to,
        text: &text,
    };
    let mut line = Line::default();
    let file = post.send(&mut line, &letter).await?;
    line.close().await;
    Ok(file)
}

/// A mail as it would be, with made-up facts.
///
/// # Errors
/// What is wrong with the template.
pub fn preview(app: &App, kind: Kind) -> Result<String, TemplateProblem> {
    let Rendered { subject, text, html } = example(app, kind, app.clock.now())?;
    let html = html.map(|html| format!("\n{html}\n")).unwrap_or_default();
    Ok(format!("Subject: {subject}\n\n{text}{html}"))
}

fn example(app: &App, kind: Kind, now: Timestamp) -> Result<Rendered, TemplateProblem> {
    let text = |text: &str| Some(text.to_owned());
    let facts = Facts { name: text("Ann"), device: text("Firefox on Linux"), ip: text("192.0.2.7"), on: None };
    let mut context = Context::example(kind, facts);
    context.app_name.clone_from(&app.mail.settings.app_name);
    context.at = super::text::told(now);
    let link = kind.purpose().and_then(|purpose| app.mail.link(purpose, &LinkToken::new([0; 32])));
    context.link = link.or(context.link);
    app.mail.templates.render(kind, &context)
}

/// What waits, and what went wrong.
#[derive(Clone, Debug)]
pub struct Status {
    /// How many mails wait.
    pub waiting: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// How many were given up lately.
    pub dead: u64,
    /// The latest of those that something went wrong with: when they were written, what they are about, and why.
    pub troubles: Vec<(Timestamp, String, String)>,
}

/// What waits.
///
/// # Errors
/// When the database can't be asked.
pub async fn status(app: &App) -> Result<Status, Failure> {
    let mut tx = app.store.read().await?;
    let outbox::Depth { waiting, oldest, dead } = outbox::depth(&mut tx).await?;
    let troubles = outbox::troubles(&mut tx).await?;
    Ok(Status { waiting, oldest, dead, troubles })
}
