//! What a browser holds between the password and the second factor.

use std::time::Duration;

use crate::domain::account::UserId;
use crate::domain::session::KeyId;
use crate::domain::timestamp::Timestamp;

/// What a ticket is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketFor {
    /// Proving a second factor: the password was right.
    SecondFactor,
    /// Enrolling a first factor, where everybody needs one: the password was right, and it is all that there is.
    Enrolment,
}

/// That somebody has proved a password a moment ago. Signed, kept nowhere, and good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Of the key that signs it.
    pub key_id: KeyId,
    /// What it is good for.
    pub purpose: TicketFor,
    /// Whose password it was.
    pub user_id: UserId,
    /// `users.credentials_version` at that moment: the ticket is void once the account has another.
    pub version: i64,
    /// Until when it is good.
    pub expires: Timestamp,
    /// Random.
    pub nonce: [u8; 16],
}

impl Ticket {
    /// How long one is good.
    pub const LIFE: Duration = Duration::from_mins(5);

    /// Whether it opens what it is asked for: of an account that is active and has this version of its credentials, now, where nothing
    /// counts that was proved before `not_before`. Whether it was used is for the database to say.
    #[must_use]
    pub fn admits(
        &self,
        purpose: TicketFor,
        version: i64,
        is_active: bool,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let is_fresh = now < self.expires && not_before.is_none_or(|moment| self.expires >= moment + Self::LIFE);
        is_fresh && is_active && self.purpose == purpose && self.version == version
    }

    /// How many bytes are signed.
    pub const BODY_BYTES: usize = 46;
    const FORM: u8 = 1;

    /// The bytes that are signed.
    #[must_use]
    pub fn body(&self) -> [u8; Self::BODY_BYTES] {
        let purpose = match self.purpose {
            TicketFor::SecondFactor => 1,
            TicketFor::Enrolment => 2,
        };
        let mut body = [0; Self::BODY_BYTES];
        body[0] = Self::FORM;
        body[1..5].copy_from_slice(&self.key_id);
        body[5] = purpose;
        body[6..14].copy_from_slice(&self.user_id.0.to_be_bytes());
        body[14..22].copy_from_slice(&self.version.to_be_bytes());
        body[22..30].copy_from_slice(&self.expires.micros().to_be_bytes());
        body[30..].copy_from_slice(&self.nonce);
        body
    }

    /// Reads the bytes. None: they are no ticket.
    #[must_use]
    pub fn read(body: &[u8; Self::BODY_BYTES]) -> Option<Self> {
        let number = |at: usize| body[at..at + 8].try_into().ok().map(i64::from_be_bytes);
        let purpose = match body[5] {
            1 => TicketFor::SecondFactor,
            2 => TicketFor::Enrolment,
            _ => return None,
        };
        (body[0] == Self::FORM).then_some(())?;
        Some(Self {
            key_id: body[1..5].try_into().ok()?,
            purpose,
            user_id: UserId(number(6)?),
            version: number(14)?,
            expires: Timestamp::from_micros(number(22)?),
            nonce: body[30..].try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn is_good_for_five_minutes_for_one_thing_and_these_credentials() {
        let (purpose, second) = (TicketFor::SecondFactor, Duration::from_secs(1));
        let expires = NOW + Ticket::LIFE;
        let ticket = Ticket { key_id: [0; 4], purpose, user_id: UserId(1), version: 7, expires, nonce: [0; 16] };
        assert!(ticket.admits(purpose, 7, true, None, NOW) && ticket.admits(purpose, 7, true, None, expires - second));
        assert!(ticket.admits(purpose, 7, true, Some(NOW), NOW));
        assert!(!ticket.admits(purpose, 7, true, Some(NOW + second), NOW));
        assert!(!ticket.admits(purpose, 7, true, None, expires));
        assert!(!ticket.admits(purpose, 8, true, None, NOW) && !ticket.admits(purpose, 6, true, None, NOW));
        assert!(!ticket.admits(purpose, 7, false, None, NOW));
        assert!(!ticket.admits(TicketFor::Enrolment, 7, true, None, NOW));
    }

    proptest! {
        #[test]
        fn is_read_back(key_id: [u8; 4], enrol: bool, user: i64, version: i64, expires: i64, nonce: [u8; 16]) {
            let purpose = if enrol { TicketFor::Enrolment } else { TicketFor::SecondFactor };
            let expires = Timestamp::from_micros(expires);
            let ticket = Ticket { key_id, purpose, user_id: UserId(user), version, expires, nonce };
            prop_assert_eq!(Ticket::read(&ticket.body()), Some(ticket));
        }

        #[test]
        fn what_is_read_has_one_form(bytes: [u8; 32], more: [u8; 14]) {
            let mut body = [0; Ticket::BODY_BYTES];
            body[..32].copy_from_slice(&bytes);
            body[32..].copy_from_slice(&more);
            if let Some(ticket) = Ticket::read(&body) {
                prop_assert_eq!(ticket.body(), body);
            }
        }
    }
}
