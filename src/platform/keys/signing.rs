//! The keys of access tokens: one that signs, and those that are accepted beside it.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use zeroize::Zeroizing;

use super::key::{Key, Purpose};
use crate::config::private_key::PrivateKey;
use crate::config::secret::Secret;
use crate::domain::session::{Algorithm, PublicKey, PublishedKey};
use crate::platform::digest::sha256;
use crate::platform::random::{Random, RandomError};

/// What a key is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It signs.
    Current,
    /// It is going to sign: verifiers should know it by then.
    Next,
    /// It has signed: what it made is accepted.
    Previous,
}

/// A private key can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the private key can't be used: its parts do not fit together")]
pub struct Unusable;

/// One key of access tokens.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    stage: Stage,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: Option<Public>,
}

#[derive(Clone)]
struct Public {
    key: PublishedKey,
    spki: Vec<u8>,
}

/// All keys of access tokens.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    /// Signs and verifies.
    pub current: SigningKey,
    /// Verify alone.
    pub accepted: Vec<SigningKey>,
}

impl SigningKeys {
    /// The key of this id. Ids cover the algorithm, so that a token can't choose one.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.all().find(|key| key.kid == kid)
    }

    /// All keys, the one that signs first.
    pub fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.current).chain(&self.accepted)
    }

    /// The public keys that are handed out: the one that signs first, for verifiers that look no further; all of one kind, because
    /// some refuse a set with another one. None: all is signed with a shared secret.
    pub fn published(&self) -> impl Iterator<Item = &SigningKey> {
        let kind = self.all().find(|key| key.algorithm.is_asymmetric()).map(|key| key.algorithm);
        self.all().filter(move |key| Some(key.algorithm) == kind)
    }
}

impl SigningKey {
    /// Of HS256.
    pub(super) fn shared(key: &Key, stage: Stage) -> Self {
        Self {
            kid: key.kid(),
            algorithm: Algorithm::Hs256,
            stage,
            encoding: EncodingKey::from_secret(key.signing_bytes()),
            decoding: DecodingKey::from_secret(key.signing_bytes()),
            public: None,
        }
    }

    /// Of a private key that was given.
    pub(super) fn private(key: &PrivateKey, stage: Stage) -> Result<Self, Unusable> {
        let der = key.der.reveal();
        match key.algorithm {
            Algorithm::Hs256 => Err(Unusable),
            Algorithm::Es256 => Self::p256(
                &EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| Unusable)?,
                stage,
            ),
            Algorithm::EdDsa => {
                Self::ed25519(&Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| Unusable)?, stage)
            }
        }
    }

    /// Of a root, for one asymmetric algorithm. The same root gives the same key.
    pub(super) fn derived(root: &Key, algorithm: Algorithm, stage: Stage) -> Result<Self, Unusable> {
        match algorithm {
            Algorithm::Hs256 => Err(Unusable),
            // A number that is none of the group's, one in 2^32, is passed over (FIPS 186-5, A.2.2).
            Algorithm::Es256 => (0..=u8::MAX)
                .find_map(|attempt| {
                    let number = root.derive(&[attempt], Purpose::Es256);
                    let der = ec_private_key(&number);
                    EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()
                })
                .ok_or(Unusable)
                .and_then(|pair| Self::p256(&pair, stage)),
            Algorithm::EdDsa => {
                let seed = root.derive(&[0], Purpose::EdDsa);
                Self::ed25519(&Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| Unusable)?, stage)
            }
        }
    }

    fn p256(pair: &EcdsaKeyPair, stage: Stage) -> Result<Self, Unusable> {
        let der = pair.to_pkcs8v1().map_err(|_| Unusable)?;
        let point = pair.public_key();
        // Uncompressed: 4, x, y.
        let (x, y) = point.as_ref().get(1..).and_then(|both| both.split_at_checked(32)).ok_or(Unusable)?;
        let key = PublicKey::P256 { x: x.try_into().map_err(|_| Unusable)?, y: y.try_into().map_err(|_| Unusable)? };
        let (encoding, decoding) = (EncodingKey::from_ec_der(der.as_ref()), DecodingKey::from_ec_der(point.as_ref()));
        Self::asymmetric(key, point, stage, encoding, decoding)
    }

    fn ed25519(pair: &Ed25519KeyPair, stage: Stage) -> Result<Self, Unusable> {
        let der = pair.to_pkcs8v1().map_err(|_| Unusable)?;
        let point = pair.public_key();
        let key = PublicKey::Ed25519 { x: point.as_ref().try_into().map_err(|_| Unusable)? };
        let (encoding, decoding) = (EncodingKey::from_ed_der(der.as_ref()), DecodingKey::from_ed_der(point.as_ref()));
        Self::asymmetric(key, point, stage, encoding, decoding)
    }

    fn asymmetric(
        key: PublicKey,
        point: &impl AsDer<PublicKeyX509Der<'static>>,
        stage: Stage,
        encoding: EncodingKey,
        decoding: DecodingKey,
    ) -> Result<Self, Unusable> {
        let spki = point.as_der().map_err(|_| Unusable)?.as_ref().to_vec();
        let kid = URL_SAFE_NO_PAD.encode(sha256(key.canonical().as_bytes()));
        let public = Public { key: PublishedKey { kid: kid.clone(), key }, spki };
        Ok(Self { kid, algorithm: key.algorithm(), stage, encoding, decoding, public: Some(public) })
    }

    /// What tokens name it by.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What it is there for.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The public key. None: there is none, but a shared secret.
    #[must_use]
    pub fn public(&self) -> Option<&PublishedKey> {
        self.public.as_ref().map(|public| &public.key)
    }

    /// The public key in PEM (RFC 7468, 13).
    #[must_use]
    pub fn public_pem(&self) -> Option<String> {
        self.public.as_ref().map(|public| pem("PUBLIC KEY", &public.spki).to_string())
    }

    /// What signs: the private key in PEM (PKCS#8), or the bytes of the shared secret.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        let bytes = self.encoding.as_bytes();
        Secret::new(if self.public.is_some() { pem("PRIVATE KEY", bytes).as_bytes().to_vec() } else { bytes.to_vec() })
    }

    pub(in crate::platform) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    pub(in crate::platform) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?} {} {})", self.stage, self.algorithm.name(), self.kid)
    }
}

/// No private key could be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There are no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The algorithm has none.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// Makes a private key, in PEM.
///
/// # Errors
/// When there are no random bytes, or the algorithm has no private keys.
pub fn generate(algorithm: Algorithm, random: &Random) -> Result<Secret, GenerateError> {
    let root = Key::new(Secret::new(random.bytes::<64>()?.to_vec()));
    Ok(SigningKey::derived(&root, algorithm, Stage::Current)?.reveal())
}

/// An `ECPrivateKey` (RFC 5915) of P-256, without the public key, which is computed from it.
fn ec_private_key(number: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    const BEFORE: &[u8] = &[0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
    const CURVE: &[u8] = &[0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let mut der = Zeroizing::new(Vec::with_capacity(BEFORE.len() + number.len() + CURVE.len()));
    der.extend_from_slice(BEFORE);
    der.extend_from_slice(number);
    der.extend_from_slice(CURVE);
    der
}

/// A block of PEM: lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    for (at, character) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}
