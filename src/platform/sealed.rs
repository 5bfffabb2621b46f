//! Seals what must be stored and is a secret: AES-256-GCM (NIST SP 800-38D) under a key of the server that the database does not hold.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::keys::{Key, Purpose, Ring};
use super::random::{Random, RandomError};
use crate::domain::session::KeyId;

/// What a nonce takes. Random ones are good for 2^32 messages under one key.
const NONCE_BYTES: usize = 12;

/// What is stored of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which of the server's keys opens it.
    pub key_id: KeyId,
    /// The nonce, and behind it what was sealed, with its tag.
    pub bytes: Vec<u8>,
}

/// Nothing could be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The library refused.
    #[error("the secret could not be sealed")]
    Library,
}

/// Seals and opens the secrets of factors, each for the one user whose it is.
#[derive(Clone, Debug)]
pub struct Seals {
    keys: Ring,
    random: Random,
}

impl Seals {
    /// Under these keys.
    #[must_use]
    pub fn new(keys: Ring, random: Random) -> Self {
        Self { keys, random }
    }

    /// Seals a secret under the current key. It opens with the same `context` alone: moved to another user's row it is nothing.
    ///
    /// # Errors
    /// When there are no random bytes, or the library refuses.
    pub fn seal(&self, secret: &[u8], context: &[u8]) -> Result<Sealed, SealError> {
        let nonce: [u8; NONCE_BYTES] = self.random.bytes()?;
        let mut bytes = secret.to_vec();
        let sealed = key(&self.keys.current).and_then(|key| {
            key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut bytes).ok()
        });
        sealed.ok_or(SealError::Library)?;
        bytes.splice(0..0, nonce);
        Ok(Sealed { key_id: self.keys.current.id(), bytes })
    }

    /// What was sealed. None: no key of the server opens it, or it was changed, or it is another context's.
    #[must_use]
    pub fn open(&self, sealed: &Sealed, context: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.bytes.split_at_checked(NONCE_BYTES)?;
        let (nonce, mut rest) = (nonce.try_into().ok()?, rest.to_vec());
        let opened = key(self.keys.find(sealed.key_id)?)?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut rest)
            .ok()?
            .len();
        rest.truncate(opened);
        Some(rest)
    }

    /// The key that seals now.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.keys.current.id()
    }

    /// Whether there is a key of this id.
    #[must_use]
    pub fn knows(&self, id: KeyId) -> bool {
        self.keys.find(id).is_some()
    }
}

fn key(key: &Key) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.derive(&[], Purpose::Factors).as_ref()).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secret::Secret;

    fn seals(current: u8, accepted: &[u8]) -> Seals {
        let secret = |byte: &u8| Secret::new(vec![*byte; 32]);
        Seals::new(Ring::new(secret(&current), accepted.iter().map(secret)), Random::system())
    }

    #[test]
    fn opens_for_its_context_alone_and_not_when_changed() {
        let seals = seals(1, &[]);
        let sealed = seals.seal(b"a secret of its own", b"ann").unwrap();
        assert_eq!(seals.open(&sealed, b"ann").as_deref(), Some(&b"a secret of its own"[..]));
        assert_eq!(seals.open(&sealed, b"bob"), None);
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1;
            assert_eq!(seals.open(&changed, b"ann"), None, "{at}");
        }
        for length in 0..sealed.bytes.len() {
            let cut = Sealed { bytes: sealed.bytes[..length].to_vec(), ..sealed.clone() };
            assert_eq!(seals.open(&cut, b"ann"), None, "{length}");
        }
        assert!(!sealed.bytes.windows(8).any(|part| part == b"a secret"));
        assert_ne!(seals.seal(b"a secret of its own", b"ann").unwrap().bytes, sealed.bytes);
    }

    #[test]
    fn is_carried_over_a_change_of_keys() {
        let old = seals(1, &[]).seal(b"secret", b"ann").unwrap();
        assert_eq!(seals(2, &[]).open(&old, b"ann"), None);
        let changed = seals(2, &[1]);
        let opened = changed.open(&old, b"ann").unwrap();
        let new = changed.seal(&opened, b"ann").unwrap();
        assert_eq!(new.key_id, changed.current());
        assert_eq!(seals(2, &[]).open(&new, b"ann").as_deref(), Some(&b"secret"[..]));
        assert!(changed.knows(old.key_id) && !seals(2, &[]).knows(old.key_id));
    }
}
