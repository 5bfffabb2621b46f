//! The binding of a session to a device's key (W3C Device Bound Session Credentials), and what a proof of that key means.
//!
//! All freshness stands in the challenge that the device signs: for what, of which generation, until when. `docs/design/device-bound.md`
//! says why.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Generation, KeyId, Means, Presented, Session, SessionId};
use crate::domain::timestamp::Timestamp;

/// The bytes of a challenge that its MAC covers.
pub const CHALLENGE_BODY_BYTES: usize = 27;
const CHALLENGE_BYTES: usize = 4 + 11 + 32;

/// A public key on P-256: the uncompressed point of SEC 1, `0x04 | x | y`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeviceKey(pub [u8; 65]);

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", URL_SAFE_NO_PAD.encode(&self.0[1..7]))
    }
}

/// What browsers call a bound session by: its id stands in access tokens and logs, this nowhere else. 22 base64url characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingName(pub [u8; 16]);

impl BindingName {
    /// Parses the written form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for BindingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// To which device a session is bound. It is set once, soon after the login, and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Whose signature counts.
    pub key: DeviceKey,
    /// What the browser calls the session.
    pub name: BindingName,
}

/// What a challenge asks to be signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeFor {
    /// To bind this session to the key that signs.
    Registration(SessionId),
    /// To go on with the bound session of this name.
    Refresh(BindingName),
}

impl ChallengeFor {
    const fn parts(&self) -> (u8, &[u8; 16]) {
        match self {
            Self::Registration(SessionId(id)) => (1, id),
            Self::Refresh(BindingName(name)) => (2, name),
        }
    }
}

/// What a device signs. It is kept nowhere: any node knows its own by their MAC, which `platform::device_proof` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What for. Which session is covered by the MAC, and not written down.
    pub purpose: ChallengeFor,
    /// The session's newest when it was made. 0: the row was not looked at, whatever is newest is meant.
    pub generation: Generation,
    /// Signed later, it proves nothing. In whole seconds.
    pub expires: Timestamp,
}

impl Challenge {
    /// The bytes that the MAC covers.
    #[must_use]
    pub fn body(&self) -> [u8; CHALLENGE_BODY_BYTES] {
        let (purpose, subject) = self.purpose.parts();
        let mut body = [0; CHALLENGE_BODY_BYTES];
        body[0] = purpose;
        body[1..17].copy_from_slice(subject);
        body[17..21].copy_from_slice(&self.generation.to_be_bytes());
        body[21..].copy_from_slice(&self.expires.seconds().to_be_bytes()[2..]);
        body
    }

    /// The written form: `key id (4) | purpose (1) | generation (4) | expires (6, unix seconds) | HMAC-SHA256 (32)`.
    #[must_use]
    pub fn write(&self, key_id: KeyId, tag: &[u8; 32]) -> String {
        let body = self.body();
        URL_SAFE_NO_PAD.encode([&key_id[..], &body[..1], &body[17..], tag].concat())
    }

    /// Parses the written form of a challenge for this; who made it is for its MAC to say.
    #[must_use]
    pub fn parse(text: &str, purpose: ChallengeFor) -> Option<(Self, KeyId, [u8; 32])> {
        let bytes: [u8; CHALLENGE_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (key_id, rest) = bytes.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (expires, tag) = rest.split_first_chunk::<6>()?;
        let expires = expires.iter().fold(0_i64, |seconds, byte| seconds << 8 | i64::from(*byte));
        let challenge = Self {
            purpose,
            generation: Generation::from_be_bytes(*generation),
            expires: Timestamp::from_seconds(expires),
        };
        (*number == purpose.parts().0).then_some((challenge, *key_id, tag.try_into().ok()?))
    }
}

/// A signature that was verified, of a challenge of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceProof {
    /// By which key.
    pub key: DeviceKey,
    /// Of what.
    pub challenge: Challenge,
}

/// What becomes of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The session is bound to this key from now on.
    Bind,
    /// It is bound to this key: the answer was lost.
    Already,
    /// It is bound to another key: one of the two is not the device that logged in, and nobody can tell which. The session ends.
    Taken,
    /// Nothing changes: the challenge is of another session, or old, or the session has gone on unbound.
    Refuse,
}

impl Session {
    /// Decides what a proof for a registration means. The row is locked, and the session has not ended.
    #[must_use]
    pub fn registration(&self, proof: &DeviceProof, now: Timestamp) -> Registration {
        if proof.challenge.purpose != ChallengeFor::Registration(self.id) || now >= proof.challenge.expires {
            return Registration::Refuse;
        }
        match &self.binding {
            Some(binding) if binding.key == proof.key => Registration::Already,
            Some(_) => Registration::Taken,
            // Once a refresh token was used, who holds the cookies may not be who logged in.
            None if self.generation == 1 => Registration::Bind,
            None => Registration::Refuse,
        }
    }

    /// What a proof presents to [`judge`](Session::judge). None: it is not of this session's device, or not for a refresh of it.
    #[must_use]
    pub fn presented_by(&self, proof: &DeviceProof) -> Option<Presented> {
        let Binding { key, name } = self.binding.as_ref()?;
        let challenge = &proof.challenge;
        let is_ours = proof.key == *key && challenge.purpose == ChallengeFor::Refresh(*name);
        let generation = if challenge.generation == 0 { self.generation } else { challenge.generation };
        is_ours.then_some(Presented { generation, expires: challenge.expires, by: Means::Proof })
    }
}

#[cfg(test)]
#[path = "binding_tests.rs"]
mod tests;
