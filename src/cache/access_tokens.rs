//! Access tokens that were verified already: a client sends the same one with each request for an hour, and its signature need not be
//! verified each time.

use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use moka::sync::Cache;

use crate::domain::session::{About, AccessToken};
use crate::domain::timestamp::Timestamp;
use crate::platform::access_token::{AccessTokens, SignError};

/// How many are remembered: at most 2 KiB each, mostly 0.7.
const CAPACITY: u64 = 20_000;
/// Not presented for this long, one is forgotten.
const UNUSED_FOR: Duration = Duration::from_mins(5);

/// [`AccessTokens`] that verifies each token once. What a token proves never changes; whether it has expired, and whether its
/// session lives, is for the caller to ask each time.
#[derive(Debug)]
pub struct VerifiedTokens {
    tokens: AccessTokens,
    /// By the whole token, which is compared byte by byte. Forged ones are not remembered: they would push out the others.
    verified: Cache<Box<str>, AccessToken, BuildHasherDefault<BySignature>>,
}

/// Finds a token by the end of its signature, which nobody can choose of a token that verifies: to look at all of it takes longer than
/// everything else.
#[derive(Debug, Default)]
pub struct BySignature(u64);

impl Hasher for BySignature {
    fn write(&mut self, bytes: &[u8]) {
        // Sixteen characters are 96 bits of it. What ends a text is a byte of its own.
        let Some(end) = bytes.last_chunk::<16>() else { return };
        let (low, high) = end.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        self.0 = (number(low).rotate_left(29) ^ number(high)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

impl VerifiedTokens {
    /// Remembers what these verify.
    #[must_use]
    pub fn new(tokens: AccessTokens) -> Self {
        Self {
            tokens,
            verified: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_idle(UNUSED_FOR)
                .build_with_hasher(BuildHasherDefault::default()),
        }
    }

    /// See [`AccessTokens::sign`].
    ///
    /// # Errors
    /// As there.
    pub fn sign(&self, token: &AccessToken, about: About<'_>, now: Timestamp) -> Result<String, SignError> {
        self.tokens.sign(token, about, now)
    }

    /// See [`AccessTokens::verify`].
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<AccessToken> {
        if let Some(proved) = self.verified.get(token) {
            return Some(proved);
        }
        let proved = self.tokens.verify(token, now)?;
        self.verified.insert(token.into(), proved);
        Some(proved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secret::Secret;
    use crate::domain::account::UserId;
    use crate::domain::session::{Algorithm, SessionId, TokenType};
    use crate::platform::access_token::Form;
    use crate::platform::keys::{Keys, Roots};
    use crate::platform::random::Random;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn tokens(secret: u8) -> AccessTokens {
        let secret = Some(Secret::new(vec![secret; 32]));
        let keys = Keys::new(Roots { algorithm: Algorithm::Es256, secret, ..Roots::default() }).unwrap();
        let form = Form { issuer: "us".into(), audience: "them".into(), token_type: TokenType::default() };
        AccessTokens::new(keys.signing, form, Random::repeatable(1))
    }

    fn token(user: i64) -> AccessToken {
        let expires = NOW + Duration::from_hours(1);
        AccessToken { user_id: UserId(user), session_id: SessionId([7; 16]), generation: 1, expires }
    }

    #[test]
    fn a_signature_is_verified_once_and_only_the_same_token_is_known() {
        let mut verified = VerifiedTokens::new(tokens(1));
        let (ann, bob) = (
            verified.sign(&token(1), About::default(), NOW).unwrap(),
            verified.sign(&token(2), About::default(), NOW).unwrap(),
        );
        assert_eq!(verified.verify(&ann, NOW), Some(token(1)));
        // From now on these keys verify nothing of it.
        verified.tokens = tokens(2);
        assert_eq!(verified.verify(&ann, NOW), Some(token(1)));
        assert_eq!(verified.verify(&bob, NOW), None, "it was never verified");
        for at in 0..ann.len() {
            let mut bent = ann.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(verified.verify(std::str::from_utf8(&bent).unwrap(), NOW), None, "byte {at}");
        }
    }

    #[test]
    fn forged_tokens_take_no_room() {
        let verified = VerifiedTokens::new(tokens(1));
        let forged = tokens(2).sign(&token(1), About::default(), NOW).unwrap();
        for _ in 0..2 {
            assert_eq!(verified.verify(&forged, NOW), None);
        }
        verified.verified.run_pending_tasks();
        assert_eq!(verified.verified.entry_count(), 0);
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let verified = VerifiedTokens::new(tokens(1));
        for number in 0..CAPACITY + 1_000 {
            verified.verified.insert(format!("{number:020}").into(), token(1));
        }
        verified.verified.run_pending_tasks();
        assert!(verified.verified.entry_count() <= CAPACITY);
    }
}
