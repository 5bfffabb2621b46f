//! A mail before its transaction: what it takes of chance and of keys, so that the transaction needs neither.

use std::time::Duration;

use crate::domain::account::{Email, FullName, User, UserId};
use crate::domain::mail::{Budget, Facts, Kind, Outcome, Purpose, presentable};
use crate::domain::session::device_name;
use crate::domain::throttle::Limit;
use crate::domain::timestamp::Timestamp;
use crate::platform::digest::sha256;
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
    /// The same, with nothing to take back.
    pub(in crate::service) fn without_link(self) -> Self {
        Self { token: None, ..self }
    }

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
        self.tell_of(tx, user, client, None, now).await
    }

    /// The same, of a day that the mail tells.
    pub(in crate::service) async fn tell_of(
        &self,
        tx: &mut Tx,
        user: &User,
        client: &Client,
        on: Option<Timestamp>,
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
        let facts = match (confirmed, on) {
            (true, None) => facts(user, client),
            (_, Some(on)) => day(on),
            (false, None) => None,
        };
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

    /// Mails a link that was asked for by somebody who typed an address; `user` is whose it is. The same statements whoever has it: one
    /// mail is written, and one token, of which those for nobody are good for nothing. While a link is good it is mailed again, and none
    /// is voided: else a stranger would void the owner's by asking. The user's row must be locked.
    pub(super) async fn mail_link(
        &self,
        tx: &mut Tx,
        purpose: Purpose,
        (email, user): (&Email, Option<&User>),
        budget: &Budget,
        now: Timestamp,
    ) -> Result<(), Error> {
        let confirmed = user.filter(|user| user.email_verified_at.is_some());
        let facts = confirmed.and_then(|user| facts(user, &Client::default()));
        let user = user.map(|user| user.id);
        let whose = if user.is_some() { Whose::Link(user) } else { Whose::Nobody };
        let ask = Ask { purpose, email, whose, again: true, payload: None, facts: facts.as_deref(), budget };
        self.ask(tx, ask, now).await
    }

    /// Mails a link of its own to an address, for an account or for nobody yet, with what else it stands for.
    pub(super) async fn mail_new(
        &self,
        tx: &mut Tx,
        purpose: Purpose,
        (email, user): (&Email, Option<UserId>),
        payload: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let whose = Whose::Link(user);
        let ask = Ask { purpose, email, whose, again: false, payload, facts: None, budget: &Budget::Asked };
        self.ask(tx, ask, now).await
    }

    /// In place of a link that somebody asked for, a mail without one: to whoever has the address, or has left it. The same statements as
    /// for the link.
    pub(super) async fn mail_word(
        &self,
        tx: &mut Tx,
        purpose: Purpose,
        (email, user): (&Email, Option<UserId>),
        facts: Option<&str>,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<(), Error> {
        let whose = Whose::Word(user);
        let ask = Ask { purpose, email, whose, again: true, payload: None, facts, budget };
        self.ask(tx, ask, now).await
    }

    async fn ask(&self, tx: &mut Tx, ask: Ask<'_>, now: Timestamp) -> Result<(), Error> {
        let Ask { purpose, email, whose, again, payload, facts, budget } = ask;
        let recipient = self.names.of(email.as_str().as_bytes());
        mail::one_at_a_time(tx, recipient).await?;
        // What somebody sets off who got a notice is not what anybody may ask for.
        let over = match self.asked.filter(|_| *budget != Budget::Notice) {
            Some(limit) => mail::asked_since(tx, recipient, budget, now - limit.window).await? >= limit.count,
            None => false,
        };
        let (user, is_link) = match whose {
            Whose::Link(user) => (user, true),
            Whose::Word(user) => (user, false),
            Whose::Nobody => (None, false),
        };
        let outcome = match whose {
            Whose::Nobody => Some(Outcome::Nobody),
            _ if over => Some(Outcome::OverBudget),
            _ => None,
        };
        let live = mail::live(tx, purpose, user, email.as_str(), now + WORTH_MAILING).await?;
        // A token that nobody is sent, and nobody can make, is good for nothing.
        let (seed, made) = self.token.unwrap_or_else(|| ([0; 32], sha256(&self.id)));
        let hash = live.filter(|_| again && is_link).unwrap_or(made);
        let sent_to = if is_link { email.as_str() } else { "" };
        let (owner, expires_at) = (user.filter(|_| is_link), now + purpose.lifetime());
        mail::put(tx, &NewToken { hash, seed, purpose, user: owner, sent_to, payload, expires_at }, now).await?;
        let mail = NewMail {
            id: self.id,
            kind: self.kind,
            user,
            sent_to: if outcome == Some(Outcome::Nobody) { "" } else { email.as_str() },
            recipient,
            budget,
            token: is_link.then_some(hash),
            facts,
            outcome,
        };
        mail::insert(tx, &mail, now).await
    }
}

/// A mail that somebody has asked for.
struct Ask<'a> {
    purpose: Purpose,
    email: &'a Email,
    whose: Whose,
    /// Whether a link that is still good is mailed again.
    again: bool,
    payload: Option<&'a str>,
    facts: Option<&'a str>,
    budget: &'a Budget,
}

/// Who gets it.
#[derive(Clone, Copy)]
enum Whose {
    /// An account's, or one that is not there yet: a link.
    Link(Option<UserId>),
    /// An account's: a mail without a link.
    Word(Option<UserId>),
    /// Nobody.
    Nobody,
}

/// A day that a mail tells of; which says nothing that anybody has typed.
pub(super) fn day(on: Timestamp) -> Option<String> {
    let on = on.to_string().get(..10).map(str::to_owned);
    serde_json::to_string(&Facts { on, ..Facts::default() }).ok()
}

/// What a mail to a confirmed address may tell.
fn facts(user: &User, client: &Client) -> Option<String> {
    let facts = Facts {
        name: user.full_name.as_ref().map(FullName::as_str).and_then(presentable),
        device: client.user_agent.as_deref().and_then(|text| presentable(&device_name(Some(text)))),
        ip: client.ip.map(|ip| ip.to_string()),
        on: None,
    };
    if facts.is_empty() { None } else { serde_json::to_string(&facts).ok() }
}
