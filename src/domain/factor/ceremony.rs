//! What a browser holds while its authenticator is asked for a passkey.

use std::time::Duration;

use crate::domain::account::UserId;
use crate::domain::session::KeyId;
use crate::domain::timestamp::Timestamp;

/// What a ceremony is for: an answer to one is nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CeremonyFor {
    /// Signing in by a passkey alone: nobody is known yet.
    SignIn,
    /// Proving it beside the password, for the holder of a ticket.
    SecondFactor,
    /// Proving once more, in a session, who one is.
    Reproof,
    /// Adding one, in a session.
    Registration,
}

/// A challenge that was given out. Signed, kept nowhere, and good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceremony {
    /// Of the key that signs it.
    pub key_id: KeyId,
    /// What it is for.
    pub purpose: CeremonyFor,
    /// Whose passkey is asked for. None: whoever comes.
    pub user_id: Option<UserId>,
    /// The session, or the ticket's nonce; zeros where there is neither.
    pub bound_to: [u8; 16],
    /// Until when it is good.
    pub expires: Timestamp,
    /// Random: what the authenticator signs.
    pub challenge: [u8; 32],
}

impl Ceremony {
    /// How long one is good. Longer than browsers show their dialog, since autofill waits for as long as a page is open.
    pub const LIFE: Duration = Duration::from_mins(10);
    /// How many a browser holds at once, one a tab.
    pub const MAX_HELD: usize = 4;

    /// How many bytes are signed.
    pub const BODY_BYTES: usize = 70;
    const FORM: u8 = 1;

    /// Whether it is for this, now, where nothing counts that was given out before `not_before`. Whether it was used is for the database
    /// to say.
    #[must_use]
    pub fn admits(
        &self,
        purpose: CeremonyFor,
        bound: Option<(UserId, [u8; 16])>,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let is_fresh = now < self.expires && not_before.is_none_or(|moment| self.expires >= moment + Self::LIFE);
        let (user_id, bound_to) = bound.unzip();
        is_fresh && self.purpose == purpose && self.user_id == user_id && self.bound_to == bound_to.unwrap_or_default()
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn body(&self) -> [u8; Self::BODY_BYTES] {
        let purpose = match self.purpose {
            CeremonyFor::SignIn => 1,
            CeremonyFor::SecondFactor => 2,
            CeremonyFor::Reproof => 3,
            CeremonyFor::Registration => 4,
        };
        let mut body = [0; Self::BODY_BYTES];
        body[0] = Self::FORM;
        body[1..5].copy_from_slice(&self.key_id);
        body[5] = purpose;
        // Nobody has the id 0.
        body[6..14].copy_from_slice(&self.user_id.map_or(0, |id| id.0).to_be_bytes());
        body[14..30].copy_from_slice(&self.bound_to);
        body[30..38].copy_from_slice(&self.expires.micros().to_be_bytes());
        body[38..].copy_from_slice(&self.challenge);
        body
    }

    /// Reads the bytes. None: they are no ceremony.
    #[must_use]
    pub fn read(body: &[u8; Self::BODY_BYTES]) -> Option<Self> {
        let number = |at: usize| body[at..at + 8].try_into().ok().map(i64::from_be_bytes);
        let purpose = match body[5] {
            1 => CeremonyFor::SignIn,
            2 => CeremonyFor::SecondFactor,
            3 => CeremonyFor::Reproof,
            4 => CeremonyFor::Registration,
            _ => return None,
        };
        (body[0] == Self::FORM).then_some(())?;
        Some(Self {
            key_id: body[1..5].try_into().ok()?,
            purpose,
            user_id: Some(UserId(number(6)?)).filter(|id| id.0 != 0),
            bound_to: body[14..30].try_into().ok()?,
            expires: Timestamp::from_micros(number(30)?),
            challenge: body[38..].try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const ALL: [CeremonyFor; 4] =
        [CeremonyFor::SignIn, CeremonyFor::SecondFactor, CeremonyFor::Reproof, CeremonyFor::Registration];

    fn ceremony(purpose: CeremonyFor) -> Ceremony {
        let expires = NOW + Ceremony::LIFE;
        Ceremony { key_id: [0; 4], purpose, user_id: Some(UserId(1)), bound_to: [2; 16], expires, challenge: [3; 32] }
    }

    #[test]
    fn is_for_one_thing_one_person_and_ten_minutes() {
        let (second, bound) = (Duration::from_secs(1), Some((UserId(1), [2; 16])));
        for purpose in ALL {
            let ceremony = ceremony(purpose);
            for other in ALL {
                assert_eq!(ceremony.admits(other, bound, None, NOW), other == purpose);
            }
            assert!(!ceremony.admits(purpose, Some((UserId(2), [2; 16])), None, NOW));
            assert!(!ceremony.admits(purpose, Some((UserId(1), [1; 16])), None, NOW));
            assert!(!ceremony.admits(purpose, None, None, NOW));
            assert!(ceremony.admits(purpose, bound, None, ceremony.expires - second));
            assert!(!ceremony.admits(purpose, bound, None, ceremony.expires));
            assert!(ceremony.admits(purpose, bound, Some(NOW), NOW));
            assert!(!ceremony.admits(purpose, bound, Some(NOW + second), NOW));
        }
        let anybody = Ceremony { user_id: None, bound_to: [0; 16], ..ceremony(CeremonyFor::SignIn) };
        assert!(anybody.admits(CeremonyFor::SignIn, None, None, NOW));
        assert!(!anybody.admits(CeremonyFor::SignIn, bound, None, NOW));
    }

    proptest! {
        #[test]
        fn is_read_back(key_id: [u8; 4], purpose in 0..4usize, user: i64, bound_to: [u8; 16], expires: i64, challenge: [u8; 32]) {
            let user_id = Some(UserId(user)).filter(|id| id.0 != 0);
            let expires = Timestamp::from_micros(expires);
            let ceremony = Ceremony { key_id, purpose: ALL[purpose], user_id, bound_to, expires, challenge };
            prop_assert_eq!(Ceremony::read(&ceremony.body()), Some(ceremony));
        }
    }
}
