//! What is mailed to somebody who has proved the password: the code without which an account gets no first factor, and the link that
//! begins the removal of lost ones.

use super::{Draft, Mail};
use crate::domain::account::{Email, User};
use crate::domain::factor::EnrolmentCode;
use crate::domain::mail::{Budget, Kind, Purpose};
use crate::domain::timestamp::Timestamp;
use crate::service::Failure;
use crate::storage::{Error, Tx};

impl Mail {
    /// The mail with the code. None: mail reaches nobody, and none is wanted.
    pub(in crate::service) fn enrolment(&self) -> Result<Option<Draft>, Failure> {
        if self.reaches_people() { Ok(self.link_mail(Kind::EnrolmentCode)?.ok()) } else { Ok(None) }
    }

    /// The code of a seed, as it is given now.
    pub(in crate::service) fn enrolment_code(&self, seed: &[u8; 32]) -> Option<EnrolmentCode> {
        self.tokens(Purpose::Enrol, seed).next().map(|token| EnrolmentCode::of(&token))
    }

    /// Whether it is the code of this seed, under any of the server's keys.
    pub(in crate::service) fn is_enrolment_code(&self, seed: &[u8; 32], code: &EnrolmentCode) -> bool {
        self.tokens(Purpose::Enrol, seed).any(|token| EnrolmentCode::of(&token) == *code)
    }
}

/// Mails it to somebody who has proved the password; the same one again while it is good. The user's row must be locked.
pub(in crate::service) async fn mail_enrolment(
    tx: &mut Tx,
    draft: &Draft,
    email: &Email,
    user: &User,
    now: Timestamp,
) -> Result<(), Error> {
    draft.mail_link(tx, Purpose::Enrol, (email, Some(user)), &Budget::Proved, now).await
}

/// Mails the link that begins a removal of factors, to somebody who has proved the password. The user's row must be locked.
pub(in crate::service) async fn mail_recovery(
    tx: &mut Tx,
    draft: &Draft,
    user: &User,
    now: Timestamp,
) -> Result<(), Error> {
    draft.mail_link(tx, Purpose::RecoveryStart, (&user.email, Some(user)), &Budget::Proved, now).await
}
