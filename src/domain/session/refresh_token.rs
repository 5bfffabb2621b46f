//! The shape of a refresh token: 63 bytes, written as 84 base64url characters.
//!
//! `version (1) | key id (4) | session id (16) | generation (4) | expires (6, unix seconds) | HMAC-SHA256 (32)`, numbers in
//! big-endian order. It is opaque to clients. `platform::refresh_token` makes and checks the HMAC.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Generation, Means, Presented, SessionId};
use crate::domain::timestamp::Timestamp;

/// Names the server key that a token was made with.
pub type KeyId = [u8; 4];

/// The bytes that the HMAC covers.
pub const BODY_BYTES: usize = 31;
const TOKEN_BYTES: usize = BODY_BYTES + 32;
const VERSION: u8 = 1;

/// A well-formed refresh token; whether it is authentic is for `platform::refresh_token` to say.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Which server key made it.
    pub key_id: KeyId,
    /// Which session it belongs to.
    pub session_id: SessionId,
    /// Which of the session's tokens it is.
    pub generation: Generation,
    /// The session's idle expiry when this token was made, in whole seconds.
    pub expires: Timestamp,
    /// HMAC-SHA256 of the [body](Self::body).
    pub mac: [u8; 32],
}

impl RefreshToken {
    /// Parses the written form. None: this is no refresh token of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Longer input is not worth decoding.
        if text.len() != TOKEN_BYTES / 3 * 4 {
            return None;
        }
        let bytes: [u8; TOKEN_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (body, mac) = bytes.split_at(BODY_BYTES);
        let (version, body) = body.split_first()?;
        let (key_id, body) = body.split_first_chunk::<4>()?;
        let (session_id, body) = body.split_first_chunk::<16>()?;
        let (generation, expires) = body.split_first_chunk::<4>()?;
        let expires = expires.iter().fold(0_i64, |seconds, byte| seconds << 8 | i64::from(*byte));
        (*version == VERSION).then_some(Self {
            key_id: *key_id,
            session_id: SessionId(*session_id),
            generation: Generation::from_be_bytes(*generation),
            expires: Timestamp::from_seconds(expires),
            mac: mac.try_into().ok()?,
        })
    }

    /// The bytes that the HMAC covers.
    #[must_use]
    pub fn body(key_id: KeyId, session_id: SessionId, generation: Generation, expires: Timestamp) -> [u8; BODY_BYTES] {
        let mut body = [0; BODY_BYTES];
        body[0] = VERSION;
        body[1..5].copy_from_slice(&key_id);
        body[5..21].copy_from_slice(&session_id.0);
        body[21..25].copy_from_slice(&generation.to_be_bytes());
        body[25..].copy_from_slice(&expires.seconds().to_be_bytes()[2..]);
        body
    }

    /// The written form of a body and its HMAC.
    #[must_use]
    pub fn write(body: &[u8; BODY_BYTES], mac: &[u8; 32]) -> String {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..BODY_BYTES].copy_from_slice(body);
        bytes[BODY_BYTES..].copy_from_slice(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What the decision needs to know of it.
    #[must_use]
    pub fn presented(&self) -> Presented {
        Presented { generation: self.generation, expires: self.expires, by: Means::Token }
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({}, generation {})", self.session_id, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_parsed(
            key_id: [u8; 4], id: [u8; 16], generation: u32, expires in 0..(1_i64 << 43), mac: [u8; 32],
        ) {
            let (session_id, expires) = (SessionId(id), Timestamp::from_seconds(expires));
            let text = RefreshToken::write(&RefreshToken::body(key_id, session_id, generation, expires), &mac);
            prop_assert_eq!(text.len(), 84);
            prop_assert_eq!(RefreshToken::parse(&text), Some(RefreshToken { key_id, session_id, generation, expires, mac }));
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text in ".{0,120}") {
            prop_assert!(RefreshToken::parse(&text).is_none_or(|_| text.len() == 84));
        }
    }

    #[test]
    fn other_versions_and_other_alphabets_are_refused() {
        let good = RefreshToken::write(
            &RefreshToken::body([0xff; 4], SessionId([0xfb; 16]), 1, Timestamp::from_seconds(1)),
            &[0xff; 32],
        );
        assert!(RefreshToken::parse(&good).is_some());
        assert!(RefreshToken::parse(&good.replacen('A', "B", 1)).is_none(), "version");
        assert!(RefreshToken::parse(&good.replace('_', "/")).is_none(), "alphabet");
        assert!(RefreshToken::parse(&format!("{good}=")).is_none(), "padding");
    }
}
