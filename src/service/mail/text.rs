//! From what is stored of a mail to what it says.

use crate::domain::factor::EnrolmentCode;
use crate::domain::mail::{Kind, LinkToken, Purpose};
use crate::domain::timestamp::Timestamp;
use crate::platform::digest::sha256;
use crate::platform::mail::{Context, Rendered, TemplateProblem};
use crate::storage::mail::{Link, Stored};

use super::Mail;

impl Mail {
    /// The token that a link was promised: the same at every attempt. None: the key that made it is gone.
    pub(super) fn token_of(&self, kind: Kind, link: &Link) -> Option<LinkToken> {
        let purpose = kind.purpose()?;
        self.tokens(purpose, &link.seed).find(|token| sha256(token.bytes()) == link.hash)
    }

    /// What a mail says, and where its link leads.
    pub(super) fn words(
        &self,
        kind: Kind,
        mail: &Stored,
        link: Option<(&LinkToken, Timestamp)>,
    ) -> Result<(Rendered, Option<String>), TemplateProblem> {
        let valid_until = link.map(|(_, until)| told(until));
        let code = link.filter(|_| kind.purpose().is_some_and(Purpose::is_code));
        let code = code.map(|(token, _)| EnrolmentCode::of(token).reveal());
        let link = link.and_then(|(token, _)| self.link(kind.purpose()?, token));
        let facts = mail.facts.clone();
        let context = Context {
            app_name: self.settings.app_name.clone(),
            valid_until: valid_until.filter(|_| link.is_some() || code.is_some()),
            link: link.clone(),
            code,
            at: told(mail.created_at),
            name: facts.name,
            device: facts.device,
            ip: facts.ip,
            on: facts.on,
        };
        Ok((self.templates.render(kind, &context)?, link))
    }
}

/// `2026-11-29 22:30 UTC`.
pub(super) fn told(at: Timestamp) -> String {
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", time.get(..5).unwrap_or_default())
}
