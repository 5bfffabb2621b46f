//! That somebody has proved who they are in this session, a moment ago.

use std::time::Duration;

use crate::domain::session::{KeyId, SessionId};
use crate::domain::timestamp::Timestamp;

/// What the answer that takes a proof gives the browser. Signed, and kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentProof {
    /// Of the key that signs it.
    pub key_id: KeyId,
    /// In which session.
    pub session_id: SessionId,
    /// When it was proved.
    pub at: Timestamp,
}

impl RecentProof {
    /// How many bytes are signed.
    pub const BODY_BYTES: usize = 29;
    /// How long it counts.
    pub const LIFE: Duration = Duration::from_mins(10);
    const FORM: u8 = 1;

    /// Whether it opens what a stolen session must not. Both are asked for, what the browser holds and what the row says: a copied cookie
    /// is not lifted by the owner's next proof, nor an old row by a cookie.
    #[must_use]
    pub fn holds(&self, session_id: SessionId, proved_at: Option<Timestamp>, now: Timestamp) -> bool {
        let is_recent = |at: Timestamp| now < at + Self::LIFE;
        self.session_id == session_id && is_recent(self.at) && proved_at.is_some_and(is_recent)
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn body(&self) -> [u8; Self::BODY_BYTES] {
        let mut body = [0; Self::BODY_BYTES];
        body[0] = Self::FORM;
        body[1..5].copy_from_slice(&self.key_id);
        body[5..21].copy_from_slice(&self.session_id.0);
        body[21..].copy_from_slice(&self.at.micros().to_be_bytes());
        body
    }

    /// Reads the bytes. None: they are none of these.
    #[must_use]
    pub fn read(body: &[u8; Self::BODY_BYTES]) -> Option<Self> {
        (body[0] == Self::FORM).then_some(())?;
        Some(Self {
            key_id: body[1..5].try_into().ok()?,
            session_id: SessionId(body[5..21].try_into().ok()?),
            at: Timestamp::from_micros(body[21..].try_into().ok().map(i64::from_be_bytes)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_must_be_recent_and_of_this_session() {
        let (now, session) = (Timestamp::from_seconds(1_800_000_000), SessionId([1; 16]));
        let proof = |at| RecentProof { key_id: [0; 4], session_id: session, at };
        let long = now - RecentProof::LIFE;
        let just = long + Duration::from_secs(1);
        assert!(proof(just).holds(session, Some(just), now) && proof(now).holds(session, Some(now), now));
        assert!(!proof(long).holds(session, Some(just), now));
        assert!(!proof(just).holds(session, Some(long), now));
        assert!(!proof(just).holds(session, None, now));
        assert!(!proof(just).holds(SessionId([2; 16]), Some(just), now));
    }

    proptest! {
        #[test]
        fn is_read_back(key_id: [u8; 4], session: [u8; 16], at: i64) {
            let proof = RecentProof { key_id, session_id: SessionId(session), at: Timestamp::from_micros(at) };
            prop_assert_eq!(RecentProof::read(&proof.body()), Some(proof));
        }
    }
}
