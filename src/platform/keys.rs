//! The server's keys: what signs access tokens and derives refresh tokens.

use std::fmt;

use aws_lc_rs::hkdf::{self, HKDF_SHA256, KeyType};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::config::secret::Secret;
use crate::domain::session::KeyId;

/// The key that signs, and the one that is still accepted while keys are changed.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Signs and verifies.
    pub current: Key,
    /// Verifies alone.
    pub previous: Option<Key>,
}

/// One server key and the id that tokens name it by.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    secret: Secret,
}

impl Keys {
    /// Keys from their secrets.
    #[must_use]
    pub fn new(current: Secret, previous: Option<Secret>) -> Self {
        Self { current: Key::new(current), previous: previous.map(Key::new) }
    }

    /// The accepted key of this id.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&Key> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|key| key.id == id)
    }
}

impl Key {
    fn new(secret: Secret) -> Self {
        let id = *derive::<4>(secret.reveal(), &[], b"doorward/key-id/1");
        Self { id, secret }
    }

    /// What refresh tokens name it by.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What access tokens name it by (`kid`).
    #[must_use]
    pub fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.id)
    }

    /// The bytes exactly as they were given: HS256 signs with them, so that a service that shares them can verify.
    #[must_use]
    pub fn signing_bytes(&self) -> &[u8] {
        self.secret.reveal()
    }

    /// A key for one purpose (HKDF-SHA256, RFC 5869), bound to a salt.
    #[must_use]
    pub fn derive(&self, salt: &[u8], purpose: &'static [u8]) -> Zeroizing<[u8; 32]> {
        derive(self.secret.reveal(), salt, purpose)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.kid())
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(secret: &[u8], salt: &[u8], purpose: &'static [u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    let extracted = hkdf::Salt::new(HKDF_SHA256, salt).extract(secret);
    // Both calls fail only for lengths that HKDF can't make: above 255 blocks of 32 bytes.
    let filled = extracted.expand(&[purpose], Length(N)).and_then(|okm| okm.fill(out.as_mut()));
    debug_assert!(filled.is_ok());
    out
}
