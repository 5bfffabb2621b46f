//! Private keys in PEM (RFC 7468), as `openssl` and `doorward keys generate` write them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::secret::Secret;
use super::setting::{Kind, Parse, Reason};
use crate::domain::session::Algorithm;

/// A private key. Whether its numbers fit together is for whoever makes a key of it to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKey {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// DER: PKCS#8 (RFC 5208), or for P-256 also RFC 5915.
    pub der: Secret,
}

/// Line ends may be written `\n`, for what can hold but one line.
pub(super) const PRIVATE_KEY: Kind<PrivateKey> =
    Kind { values: "a private key in PEM, on P-256 or of Ed25519, not encrypted", parse: Parse::Text(parse) };

/// The object identifier of P-256 (`prime256v1`), in DER.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// That of Ed25519, as PKCS#8 has it at its beginning.
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

fn parse(text: &str) -> Result<PrivateKey, Reason> {
    let text = Zeroizing::new(text.replace("\\n", "\n"));
    let der = block(&text, "PRIVATE KEY").or_else(|| block(&text, "EC PRIVATE KEY")).ok_or(
        match ["ENCRYPTED PRIVATE KEY", "PUBLIC KEY", "RSA PRIVATE KEY"].map(|label| block(&text, label).is_some()) {
            [true, _, _] => Reason::Because("must not be encrypted: `openssl pkey -in FILE` writes it as it is taken"),
            [_, true, _] => Reason::Because("must be the private key, not the public one"),
            [_, _, true] => RSA,
            _ => Reason::Values,
        },
    )?;
    let algorithm = if der.windows(P256.len()).any(|window| window == P256) {
        Algorithm::Es256
    } else if der.get(..16).is_some_and(|head| head.windows(ED25519.len()).any(|window| window == ED25519)) {
        Algorithm::EdDsa
    } else {
        return Err(RSA);
    };
    Ok(PrivateKey { algorithm, der: Secret::new(der) })
}

const RSA: Reason =
    Reason::Because("must be on P-256 (ES256) or of Ed25519 (EdDSA). `doorward keys generate` makes a good one");

/// What the first block of this label holds; what stands around it is left alone.
fn block(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    STANDARD.decode(body.as_bytes()).ok()
}
