//! Mail: use cases write it into the outbox, in the transaction of what it tells of; a task of every node sends it.

mod change;
mod correct;
mod draft;
mod enrolment;
mod forgot;
mod look;
mod not_me;
mod sender;
mod text;
mod verify;

pub use change::{ChangeEmailError, ConfirmError, RestoreError, change_email, confirm_email_change, restore};
pub use correct::{CorrectError, correct_email};
pub use forgot::{AskError, forgot};
pub use look::{Status, TestError, preview, status, test};
pub use not_me::not_me;
pub use sender::deliver;
pub use verify::{VerifyError, send_verification, verify};

pub(super) use change::leave;
pub(super) use draft::Draft;
pub(super) use enrolment::{mail_enrolment, mail_recovery};
pub(super) use verify::{pend, verification};

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use url::Url;

use super::{App, Failure};
use crate::config;
use crate::config::mail::Verification;
use crate::domain::mail::{Kind, LinkToken, Purpose};
use crate::domain::timestamp::Timestamp;
use crate::platform::digest::sha256;
use crate::platform::keyed_hash::KeyedHash;
use crate::platform::keys::{self, Ring};
use crate::platform::mail::{Post, SendError, TemplateProblem, Templates};
use crate::platform::random::{Random, RandomError};
use crate::storage::mail::{self as outbox, Depth};

/// What mail stands on.
pub struct Mail {
    settings: config::mail::Mail,
    /// Where bounces go, and whom mails are from. None: no mail is sent.
    post: Option<Post>,
    templates: Templates,
    keys: Ring,
    names: KeyedHash,
    random: Random,
    /// Where the service itself is reached, in development.
    origin: OnceLock<String>,
    wake: Notify,
    /// Whether the sender is to end.
    stop: watch::Sender<bool>,
    /// The outbox as the sender saw it last.
    depth: Mutex<Option<Depth>>,
}

/// Why mail can't be sent as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The mail server's authorities.
    #[error(transparent)]
    Transport(#[from] SendError),
    /// A team's templates: all that is wrong with them.
    #[error("MAIL_TEMPLATES: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Templates(Vec<TemplateProblem>),
}

/// Voids every link that was made before a time (`SESSIONS_NOT_BEFORE`): in a database that comes back from a backup those are good that
/// were used or voided since. Nothing is written where there is none, so that a database that takes no writes is served all the same.
///
/// # Errors
/// When the database does not answer, or takes no writes and there is such a link.
pub async fn void_links_before(app: &App, moment: Timestamp) -> Result<(), Failure> {
    if outbox::are_before(&mut app.store.read().await?, moment).await? {
        app.store.write(moment, |tx, moment| Box::pin(outbox::void_before(tx, *moment))).await?;
    }
    Ok(())
}

/// There is nobody who sends mail, or no page that its link could lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no mail can be sent")]
pub struct Unavailable;

impl Mail {
    /// Under these keys.
    ///
    /// # Errors
    /// See [`MailError`].
    pub fn new(settings: config::mail::Mail, keys: &Ring, random: Random) -> Result<Self, MailError> {
        let hello = settings.from.as_ref().map_or("localhost", |from| from.address.domain());
        let post = settings.transport.as_ref().map(|transport| Post::new(transport, hello)).transpose()?;
        let templates = Templates::load(settings.templates.as_deref()).map_err(MailError::Templates)?;
        let names = KeyedHash::new(&keys.derive(keys::Purpose::MailRecipients));
        let (origin, wake, stop, depth) = (OnceLock::new(), Notify::new(), watch::Sender::new(false), Mutex::default());
        Ok(Self { settings, post, templates, keys: keys.clone(), names, random, origin, wake, stop, depth })
    }

    /// Learns where the service is reached: in development its own pages stand in for those that the settings don't name.
    pub fn serves_at(&self, origin: String) {
        let _ = self.origin.set(origin);
    }

    /// What waits, as it was seen last: a few seconds ago. None: nobody has looked.
    #[must_use]
    pub fn depth(&self) -> Option<Depth> {
        self.depth.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// There is something to be sent. What is missed is found by the next look.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// A mail that may be written in a transaction: chance is drawn here. None: nobody sends mail.
    fn draft(&self, kind: Kind) -> Result<Option<Draft>, RandomError> {
        if self.post.is_none() {
            return Ok(None);
        }
        let token = match kind.purpose().filter(|purpose| self.leads(*purpose)) {
            Some(purpose) => {
                let seed = self.random.bytes()?;
                let token = self.tokens(purpose, &seed).next();
                token.map(|token| (seed, sha256(token.bytes())))
            }
            None => None,
        };
        let id = self.random.bytes()?;
        Ok(Some(Draft { kind, id, token, names: self.names.clone(), asked: self.settings.asked }))
    }

    /// A notice that may be written in a transaction. None: nobody sends mail.
    pub(super) fn notice(&self, kind: Kind) -> Result<Option<Draft>, Failure> {
        Ok(self.draft(kind)?)
    }

    /// `FACTOR_RECOVERY`: how long it takes. None: who has lost their factors asks an operator.
    pub(super) const fn factor_recovery(&self) -> Option<Duration> {
        self.settings.factor_recovery
    }

    /// Whether mail reaches people: there is a mail server, and not only a developer's folder.
    pub(super) const fn reaches_people(&self) -> bool {
        matches!(self.settings.transport, Some(config::mail::Transport::Smtp(_)))
    }

    /// `EMAIL_VERIFICATION`.
    pub(super) const fn verification(&self) -> Verification {
        self.settings.verification
    }

    /// A mail that is nothing without its link.
    pub(super) fn link_mail(&self, kind: Kind) -> Result<Result<Draft, Unavailable>, Failure> {
        let draft = self.draft(kind)?.filter(|draft| draft.token.is_some());
        Ok(draft.ok_or(Unavailable))
    }

    /// The token of a seed under each of the server's keys, the current one first.
    pub(super) fn tokens(&self, purpose: Purpose, seed: &[u8; 32]) -> impl Iterator<Item = LinkToken> {
        let message = [purpose.as_str().as_bytes(), &[0], seed].concat();
        self.keys.macs(keys::Purpose::MailTokens, message).map(LinkToken::new)
    }

    /// Whether links of this purpose lead anywhere.
    fn leads(&self, purpose: Purpose) -> bool {
        self.settings.pages.own || purpose.is_code() || self.page(purpose).is_some()
    }

    fn page(&self, purpose: Purpose) -> Option<&Url> {
        let pages = &self.settings.pages;
        match purpose {
            Purpose::Reset => pages.reset.as_ref(),
            Purpose::NotMe => pages.not_me.as_ref(),
            Purpose::Verify | Purpose::Register => pages.verify.as_ref(),
            Purpose::EmailChange | Purpose::WayBack => pages.email_change.as_ref(),
            Purpose::RecoveryStart | Purpose::RecoveryCancel | Purpose::RecoveryFinish => {
                pages.factor_recovery.as_ref()
            }
            Purpose::Enrol => None,
        }
    }

    /// A link. Where it leads is what the settings say, never what a request does; its token stands in the fragment, which browsers
    /// send to no server. None: nowhere.
    fn link(&self, purpose: Purpose, token: &LinkToken) -> Option<String> {
        let (own, name) = match purpose {
            Purpose::Reset => ("reset", "token"),
            Purpose::NotMe => ("not-me", "token"),
            Purpose::Verify | Purpose::Register => ("verify", "token"),
            Purpose::EmailChange => ("email-change", "token"),
            Purpose::WayBack => ("email-change", "restore"),
            Purpose::RecoveryStart => ("factor-recovery", "start"),
            Purpose::RecoveryCancel => ("factor-recovery", "cancel"),
            Purpose::RecoveryFinish => ("factor-recovery", "remove"),
            Purpose::Enrol => return None,
        };
        let token = token.reveal();
        if let Some(page) = self.page(purpose) {
            return Some(format!("{page}#{name}={token}"));
        }
        let origin = self.origin.get().filter(|_| self.settings.pages.own)?;
        Some(format!("{origin}/pages/{own}#{name}={token}"))
    }
}
