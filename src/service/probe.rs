//! How a request looked when it came here, for the operator who sent it: `doorward doctor`.
//!
//! What a proxy sends is nobody else's to know. Only a request that carries a fresh token, which takes `SECRET_KEY` to make, is told.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::timestamp::Timestamp;
use crate::platform::clock::Clock;
use crate::platform::keyed_hash::KeyedHash;

/// How long a token is good for, and how far the clocks may be apart.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// Makes such tokens, and knows them.
#[derive(Clone, Debug)]
pub struct Probes {
    macs: KeyedHash,
    clock: Clock,
}

impl Probes {
    /// With a key of this purpose alone.
    #[must_use]
    pub fn new(key: &[u8; 32], clock: Clock) -> Self {
        Self { macs: KeyedHash::new(key), clock }
    }

    /// A token: seconds since the epoch, and a MAC of them.
    #[must_use]
    pub fn token(&self) -> String {
        self.token_of(self.clock.now().seconds())
    }

    /// Whether a request with this is told how it came.
    #[must_use]
    pub fn accepts(&self, token: &[u8]) -> bool {
        let seconds = str::from_utf8(token).ok().and_then(|token| token.split_once('.')?.0.parse::<i64>().ok());
        seconds.is_some_and(|seconds| {
            let (at, now) = (Timestamp::from_seconds(seconds), self.clock.now());
            // What a wrong guess learns from the time of a comparison is nothing: there is one token a second, and it opens nothing else.
            at < now + GOOD_FOR && now < at + GOOD_FOR && self.token_of(seconds).as_bytes() == token
        })
    }

    fn token_of(&self, seconds: i64) -> String {
        let mac = self.macs.of(&seconds.to_be_bytes());
        format!("{seconds}.{}", URL_SAFE_NO_PAD.encode(mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_token_of_the_same_key_is_known() {
        let at = |seconds| Probes::new(&[1; 32], Clock::manual(Timestamp::from_seconds(seconds)));
        let token = at(10_000).token();
        for (now, known) in [(10_000, true), (10_599, true), (9_401, true), (10_600, false), (9_400, false)] {
            assert_eq!(at(now).accepts(token.as_bytes()), known, "{now}");
        }
        let other = Probes::new(&[2; 32], Clock::manual(Timestamp::from_seconds(10_000)));
        assert!(!other.accepts(token.as_bytes()));
        for wrong in ["", ".", "10000", "10000.", "x.y", &token[..token.len() - 1], &format!("{token}a")] {
            assert!(!at(10_000).accepts(wrong.as_bytes()), "{wrong}");
        }
        assert!(!at(10_000).accepts(b"\xff"));
    }
}
