//! A mail before its transaction: what it takes of chance and of keys, so that the transaction needs neither.

use std::time::Duration;

use crate::domain::account::{Email, FullName, User};
use crate::domain::mail::{Budget, Facts, Kind, Outcome, Purpose, presentable};
use crate::domain::session::device_name;
use crate::domain::throttle::Limit;
use crate::domain::timestamp::Timestamp;
use crate::platform::keyed_hash::KeyedHash;
use crate::service::Client;
use crate::storage::mail::{self, NewMail, NewToken};
use crate::storage::{Error, Tx};

/// Repeats of a notice within this time are one mail.
const ONCE_IN: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// How long a link that was mailed must still be good to be mailed once more.
const WORTH_MAILING: Duration = Duration::from_mins(5);

/// A mail that may be written.
#[derive(Clone)]
pub(in crate::service) struct Draft {
    pub(super) kind: Kind,
    pub(super) id: [u8; 16],
    /// The seed and the hash of its link's token.
    pub(super) token: Option<([u8; 32], [u8; 32])>,
    pub(super) names: KeyedHash,
    /// `MAIL_RATE_LIMIT`.
    pub(super) asked: Option<Limit>,
}

impl Draft {
    /// In the Message-ID, and the row's key.
    pub(in crate::service) const fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Tells a person what happened to their account, unless they were told of the same within the hour, or have had the day's share of
    /// such notices. The user's row must be locked. Whether there will be a mail.
    pub(in crate::service) async fn tell(
        &self,
        tx: &mut Tx,
        user: &User,
        client: &Client,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let recipient = self.names.of(user.email.as_str().as_bytes());
        let (span, most) = self.kind.notices_a_day().map_or((ONCE_IN, 1), |most| (DAY, most));
        if mail::told_since(tx, recipient, self.kind, now - span).await? >= most {
            return Ok(false);
        }
        // An address that is not confirmed may be somebody else's: they get neither a link nor a word that anybody has typed.
        let confirmed = user.email_verified_at.is_some();
        let token = self.token.filter(|_| confirmed);
        if let (Some((seed, hash)), Some(purpose)) = (token, self.kind.purpose()) {
            let token = NewToken {
                hash,
                seed,
                purpose,
                user: Some(user.id),
                sent_to: user.email.as_str(),
                payload: Some(self.kind.as_str()),
                expires_at: now + purpose.lifetime(),
            };
            mail::put(tx, &token, now).await?;
        }
        let facts = if confirmed { facts(user, client) } else { None };
        let mail = NewMail {
            id: self.id,
            kind: self.kind,
            user: Some(user.id),
            sent_to: user.email.as_str(),
            recipient,
            budget: &Budget::Notice,
            token: token.map(|(_, hash)| hash),
            facts: facts.as_deref(),
            outcome: None,
        };
        mail::insert(tx, &mail, now).await?;
        Ok(true)
    }

    /// Mails a link that was asked for by somebody who typed an address. The same statements whoever has it: one mail is written, and
    /// one token, of which those for nobody are good for nothing. While a link is good it is mailed again, and none is voided: else a
    /// stranger would void the owner's by asking. The user's row must be locked.
    pub(super) async fn mail_link(
        &self,
        tx: &mut Tx,
        purpose: Purpose,
        (email, user): (&Email, Option<&User>),
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let recipient = self.names.of(email.as_str().as_bytes());
        mail::one_at_a_time(tx, recipient).await?;
        // What somebody sets off who got a notice is not what anybody may ask for.
        let over = match self.asked.filter(|_| *budget != Budget::Notice) {
            Some(limit) => mail::asked_since(tx, recipient, budget, now - limit.window).await? >= limit.count,
            None => false,
        };
        let outcome = match user {
            None => Some(Outcome::Nobody),
            Some(_) if over => Some(Outcome::OverBudget),
            Some(_) => None,
        };
        let id = user.map(|user| user.id);
        let live = mail::live(tx, purpose, id, email.as_str(), now + WORTH_MAILING).await?;
        let (seed, made) = self.token.unwrap_or_default();
        let hash = live.unwrap_or(made);
        let sent_to = if user.is_some() { email.as_str() } else { "" };
        let expires_at = now + purpose.lifetime();
        let token = NewToken { hash, seed, purpose, user: id, sent_to, payload: None, expires_at };
        mail::put(tx, &token, now).await?;
        let facts =
            user.filter(|user| user.email_verified_at.is_some()).and_then(|user| facts(user, &Client::default()));
        let mail = NewMail {
            id: self.id,
            kind: self.kind,
            user: id,
            sent_to,
            recipient,
            budget,
            token: Some(hash),
            facts: facts.as_deref(),
            outcome,
        };
        mail::insert(tx, &mail, now).await?;
        Ok(outcome.unwrap_or(Outcome::Sent))
    }
}

/// What a mail to a confirmed address may tell.
fn facts(user: &User, client: &Client) -> Option<String> {
    let facts = Facts {
        name: user.full_name.as_ref().map(FullName::as_str).and_then(presentable),
        device: client.user_agent.as_deref().and_then(|text| presentable(&device_name(Some(text)))),
        ip: client.ip.map(|ip| ip.to_string()),
    };
    if facts.is_empty() { None } else { serde_json::to_string(&facts).ok() }
}
