//! A key that is used, and those that are still accepted.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::key::{Key, Purpose};
use crate::config::secret::Secret;
use crate::domain::session::KeyId;

/// Keys of one kind, by which each can be changed while what the others have made stays good.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Makes and verifies.
    pub current: Key,
    /// Verify alone.
    pub accepted: Vec<Key>,
}

/// A MAC (HMAC-SHA-256) and the key that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac {
    /// Of the key.
    pub key_id: KeyId,
    /// The whole tag.
    pub tag: [u8; 32],
}

impl Ring {
    /// A ring of these keys.
    #[must_use]
    pub fn new(current: Secret, accepted: impl IntoIterator<Item = Secret>) -> Self {
        Self { current: Key::new(current), accepted: accepted.into_iter().map(Key::new).collect() }
    }

    /// The key of this id, current or accepted.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.accepted).find(|key| key.id() == id)
    }

    /// The current key for one purpose.
    #[must_use]
    pub fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        self.current.derive(&[], purpose)
    }

    /// Signs a small message that comes back, such as the content of a cookie. A message of several parts must be written so that
    /// it can be read in one way alone.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Mac {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&mac_key(&self.current, purpose), message).as_ref());
        Mac { key_id: self.current.id(), tag }
    }

    /// The MACs that each key makes of a message, the current one's first: what was derived under a key that is merely accepted is
    /// found again among them.
    pub fn macs(&self, purpose: Purpose, message: Vec<u8>) -> impl Iterator<Item = [u8; 32]> + use<'_> {
        std::iter::once(&self.current).chain(&self.accepted).map(move |key| {
            let mut tag = [0; 32];
            tag.copy_from_slice(hmac::sign(&mac_key(key, purpose), &message).as_ref());
            tag
        })
    }

    /// Whether a key of this ring has signed this message for this purpose. The tags are compared in constant time.
    #[must_use]
    pub fn verify(&self, purpose: Purpose, message: &[u8], mac: &Mac) -> bool {
        self.find(mac.key_id).is_some_and(|key| hmac::verify(&mac_key(key, purpose), message, &mac.tag).is_ok())
    }
}

fn mac_key(key: &Key, purpose: Purpose) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.derive(&[], purpose).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose::DeviceCookies;

    fn ring(current: u8, accepted: &[u8]) -> Ring {
        let secret = |byte: &u8| Secret::new(vec![*byte; 32]);
        Ring::new(secret(&current), accepted.iter().map(secret))
    }

    #[test]
    fn a_mac_is_good_for_its_message_and_purpose_alone() {
        let ring = ring(1, &[]);
        let mac = ring.sign(PURPOSE, b"ann");
        assert!(ring.verify(PURPOSE, b"ann", &mac));
        assert!(!ring.verify(PURPOSE, b"bob", &mac));
        assert!(!ring.verify(Purpose::ThrottleNames, b"ann", &mac));
        for byte in 0..32 {
            let mut forged = mac;
            forged.tag[byte] ^= 1;
            assert!(!ring.verify(PURPOSE, b"ann", &forged));
        }
    }

    #[test]
    fn accepted_keys_verify_and_do_not_sign() {
        let old = ring(1, &[]).sign(PURPOSE, b"ann");
        let changed = ring(2, &[3, 1]);
        assert!(changed.verify(PURPOSE, b"ann", &old));
        let new = changed.sign(PURPOSE, b"ann");
        assert_eq!(new, ring(2, &[]).sign(PURPOSE, b"ann"));
        assert!(!ring(1, &[]).verify(PURPOSE, b"ann", &new));
        // Another key's name does not make it its MAC.
        assert!(!changed.verify(PURPOSE, b"ann", &Mac { key_id: new.key_id, ..old }));
    }
}
