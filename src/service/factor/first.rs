//! The first factor of an account. Who knows the password, and nothing else, must not make the account theirs by a factor of their own:
//! where mail reaches people it takes a code that is mailed to the account's address, and after an operator has taken factors away, where
//! it does not, the one that they give.

use crate::domain::account::{Email, User};
use crate::domain::audit::Event;
use crate::domain::factor::EnrolmentCode;
use crate::domain::mail::Purpose;
use crate::domain::timestamp::Timestamp;
use crate::service::mail::{Draft, mail_enrolment};
use crate::service::{App, Client, Failure};
use crate::storage::mail::TokenHash;
use crate::storage::{Error, Tx, account, audit, factor, mail};

/// What somebody has shown beside the proofs, before the transaction that uses it up.
#[derive(Clone)]
pub(in crate::service) struct Shown {
    /// Whether every account's first factor takes a code.
    mails: bool,
    code: Code,
}

#[derive(Clone)]
enum Code {
    /// None, or another one. Whether any was typed in.
    Wrong(bool),
    /// The one that was mailed.
    Mailed(TokenHash),
    /// The one that an operator has given.
    Given([u8; 32]),
}

impl Shown {
    /// Looks which code it is.
    pub(in crate::service) async fn look(
        app: &App,
        user: &User,
        code: Option<&Option<EnrolmentCode>>,
    ) -> Result<Self, Failure> {
        let (mails, wrong) = (app.mail.reaches_people(), Code::Wrong(code.is_some()));
        let Some(Some(code)) = code else { return Ok(Self { mails, code: wrong }) };
        let mut tx = app.store.read().await?;
        let now = tx.now().await?;
        let given = factor::given_code(&mut tx, user.id).await?;
        if let Some(seed) = given.filter(|seed| app.mail.is_enrolment_code(seed, code)) {
            return Ok(Self { mails, code: Code::Given(seed) });
        }
        let reader = reader(&mut tx, user, now).await?;
        let mailed = mail::seeds(&mut tx, Purpose::Enrol, user.id, reader.as_str(), now).await?;
        let mailed = mailed.into_iter().find(|(_, seed)| app.mail.is_enrolment_code(seed, code));
        Ok(Self { mails, code: mailed.map_or(wrong, |(hash, _)| Code::Mailed(hash)) })
    }

    /// Whether a code was typed in that is none: a guess.
    pub(in crate::service) const fn is_guess(&self) -> bool {
        matches!(self.code, Code::Wrong(true))
    }

    /// Whether the account may have its first factor. Uses the code up; a mailed one confirms the address. The user's row must be locked.
    pub(in crate::service) async fn admit(
        &self,
        tx: &mut Tx,
        user: &User,
        client: &Client,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let given = factor::given_code(tx, user.id).await?;
        let admitted = match &self.code {
            Code::Given(seed) => given == Some(*seed),
            Code::Mailed(hash) => {
                let reader = reader(tx, user, now).await?;
                let token = mail::take(tx, Purpose::Enrol, hash, now).await?;
                let is_ours = token.is_some_and(|token| token.sent_to.as_deref() == Some(reader.as_str()));
                if is_ours && reader == user.email && user.email_verified_at.is_none() {
                    account::confirm_email(tx, user.id, now).await?;
                    audit::append(tx, &client.record(Event::EmailVerified, user.id, None), now).await?;
                }
                is_ours
            }
            Code::Wrong(_) => given.is_none() && !self.mails,
        };
        if admitted {
            factor::forget_code(tx, user.id).await?;
            mail::void(tx, Purpose::Enrol, user.id).await?;
        }
        Ok(admitted)
    }
}

/// To whom the code is mailed: the address of the account; and while somebody may still take back the one that it had, that one. Else who
/// knows the password would give the account an address of their own first, and the way back would lead to an account with their factor.
async fn reader(tx: &mut Tx, user: &User, now: Timestamp) -> Result<Email, Error> {
    let before = mail::first_sent_to(tx, Purpose::WayBack, user.id, now).await?;
    Ok(before.and_then(|text| Email::parse(&text).ok()).unwrap_or_else(|| user.email.clone()))
}

/// At the beginning of an enrolment: whether its end wants a code, and the mail with it. The user's row must be locked.
pub(in crate::service) async fn ask_for_code(
    tx: &mut Tx,
    draft: Option<&Draft>,
    user: &User,
    now: Timestamp,
) -> Result<bool, Error> {
    if let Some(draft) = draft {
        let reader = reader(tx, user, now).await?;
        mail_enrolment(tx, draft, &reader, user, now).await?;
        return Ok(true);
    }
    Ok(factor::given_code(tx, user.id).await?.is_some())
}
