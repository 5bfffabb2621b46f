//! Public keys (`COSE_Key`, RFC 9053) and their signatures: ES256, `EdDSA` by Ed25519, and RS256, which older Windows machines have alone.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use ciborium::Value;

use super::cbor::numbered;

/// The numbers by which browsers are asked for them (IANA's COSE algorithms), the one that is wanted most first.
pub const ALGORITHMS: [i32; 3] = [-7, -8, -257];

/// How large an RSA key may be: 2048 to 4096 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// 65537: no other exponent is seen.
const RSA_EXPONENT: &[u8] = &[1, 0, 1];

/// A key of one of the three kinds.
pub(super) enum PublicKey {
    Curve(ParsedPublicKey),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
}

impl PublicKey {
    /// Reads a key. None: it is none of these, has another parameter than it must, or is no point of its curve.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let pairs = numbered(bytes)?;
        let of = |wanted: i128| pairs.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value);
        let number = |key| of(key).and_then(Value::as_integer).map(i128::from);
        let bytes = |key| of(key).and_then(Value::as_bytes).map(Vec::as_slice);
        match (number(1)?, number(3)?, pairs.len()) {
            (2, -7, 5) if number(-1) == Some(1) => {
                let (x, y) = (bytes(-2)?, bytes(-3)?);
                let point = (x.len() == 32 && y.len() == 32).then(|| [&[4], x, y].concat())?;
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).ok().map(Self::Curve)
            }
            (1, -8, 4) if number(-1) == Some(6) => {
                let x = bytes(-2).filter(|x| x.len() == 32)?;
                ParsedPublicKey::new(&ED25519, x).ok().map(Self::Curve)
            }
            (3, -257, 4) if bytes(-2) == Some(RSA_EXPONENT) => {
                let n = bytes(-1).filter(|n| RSA_BYTES.contains(&n.len()))?;
                let is_whole =
                    n.first().is_some_and(|first| *first >= 0x80) && n.last().is_some_and(|last| last % 2 == 1);
                is_whole.then(|| Self::Rsa(RsaPublicKeyComponents { n: n.to_vec(), e: RSA_EXPONENT.to_vec() }))
            }
            _ => None,
        }
    }

    /// None: the signature is another one.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        match self {
            Self::Curve(key) => key.verify_sig(message, signature).ok(),
            Self::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).ok(),
        }
    }
}
