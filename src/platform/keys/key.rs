//! One key, and what is derived from it.

use std::fmt;

use aws_lc_rs::hkdf::{self, HKDF_SHA256, KeyType};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::config::secret::Secret;
use crate::domain::session::KeyId;

/// What a derived key is for. No two share a label, so that what is made for one purpose is nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The MACs of refresh tokens.
    RefreshTokens,
    /// The names under which the throttle counts.
    ThrottleNames,
    /// The MACs of the cookies by which a browser is known again.
    DeviceCookies,
    /// The names by which pages tell sessions apart.
    SessionNames,
    /// The MACs of the challenges that devices sign.
    DeviceChallenges,
    /// The names by which browsers call the sessions that are bound to them.
    BindingNames,
    /// The tokens of links in mails.
    MailTokens,
    /// The names under which mails to an address are counted.
    MailRecipients,
    /// The private key of ES256.
    Es256,
    /// The private key of EdDSA.
    EdDsa,
    /// The tokens of an operator who asks how a request came.
    Probes,
    /// Seals the secrets of factors.
    Factors,
    /// The MACs of the tickets between a password and a second factor.
    LoginTickets,
    /// The MACs of what tells that somebody has just proved who they are.
    RecentProofs,
    /// The MACs of the challenges that passkeys sign.
    PasskeyCeremonies,
}

impl Purpose {
    /// HKDF's `info`. A label never changes: what was made under it would be void. What must be void gets the next number.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::RefreshTokens => b"doorward/refresh/1",
            Self::ThrottleNames => b"doorward/throttle-names/1",
            Self::DeviceCookies => b"doorward/device-cookie/1",
            Self::SessionNames => b"doorward/session-names/1",
            Self::DeviceChallenges => b"doorward/device-challenge/1",
            Self::BindingNames => b"doorward/binding-names/1",
            Self::MailTokens => b"doorward/mail-tokens/1",
            Self::MailRecipients => b"doorward/mail-recipients/1",
            Self::Es256 => b"doorward/es256/1",
            Self::EdDsa => b"doorward/eddsa/1",
            Self::Probes => b"doorward/probes/1",
            Self::Factors => b"doorward/factors/1",
            Self::LoginTickets => b"doorward/login-ticket/1",
            Self::RecentProofs => b"doorward/recent-proof/1",
            Self::PasskeyCeremonies => b"doorward/passkey-ceremony/1",
        }
    }
}

/// One server key and the id that tokens name it by.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    secret: Secret,
}

impl Key {
    pub(super) fn new(secret: Secret) -> Self {
        let id = *derive::<4>(secret.reveal(), &[], b"doorward/key-id/1");
        Self { id, secret }
    }

    /// What refresh tokens and MACs name it by.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What access tokens of HS256 name it by (`kid`).
    #[must_use]
    pub fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.id)
    }

    /// The bytes exactly as they were given: HS256 signs with them, so that a service that shares them can verify.
    #[must_use]
    pub(super) fn signing_bytes(&self) -> &[u8] {
        self.secret.reveal()
    }

    /// A key for one purpose (HKDF-SHA256, RFC 5869), bound to a salt, which may be empty.
    #[must_use]
    pub fn derive(&self, salt: &[u8], purpose: Purpose) -> Zeroizing<[u8; 32]> {
        derive(self.secret.reveal(), salt, purpose.label())
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

fn derive<const N: usize>(secret: &[u8], salt: &[u8], label: &'static [u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    let extracted = hkdf::Salt::new(HKDF_SHA256, salt).extract(secret);
    // Both calls fail only for lengths that HKDF can't make: above 255 blocks of 32 bytes.
    let filled = extracted.expand(&[label], Length(N)).and_then(|okm| okm.fill(out.as_mut()));
    debug_assert!(filled.is_ok());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, test cases 1 and 3, with the lengths that are used here: the beginning of what they give.
    #[test]
    fn is_hkdf_sha_256() {
        let salt: Vec<u8> = (0..13).collect();
        let info = &[0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9];
        assert_eq!(*derive::<4>(&[0x0b; 22], &salt, info), [0x3c, 0xb2, 0x5f, 0x25]);
        let whole = derive::<32>(&[0x0b; 22], &[], b"");
        assert_eq!(
            (whole[..4].to_vec(), whole[28..].to_vec()),
            (vec![0x8d, 0xa4, 0xe7, 0x75], vec![0x3c, 0x73, 0x8d, 0x2d])
        );
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let key = Key::new(Secret::new(vec![1; 32]));
        let purposes = [
            Purpose::RefreshTokens,
            Purpose::ThrottleNames,
            Purpose::DeviceCookies,
            Purpose::SessionNames,
            Purpose::DeviceChallenges,
            Purpose::BindingNames,
            Purpose::MailTokens,
            Purpose::MailRecipients,
            Purpose::Es256,
            Purpose::EdDsa,
            Purpose::Probes,
            Purpose::Factors,
            Purpose::LoginTickets,
            Purpose::RecentProofs,
            Purpose::PasskeyCeremonies,
        ];
        for (index, purpose) in purposes.into_iter().enumerate() {
            for other in &purposes[..index] {
                assert_ne!(key.derive(&[], purpose), key.derive(&[], *other));
            }
            assert_ne!(key.derive(&[], purpose), key.derive(&[1], purpose));
        }
        assert_eq!(format!("{key:?}"), format!("Key({})", key.kid()));
    }
}
