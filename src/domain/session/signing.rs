//! How access tokens are signed, what their header says, and what others verify them with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A signature algorithm (RFC 7518, RFC 8037), by the name that tokens and keys have it under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: who verifies can sign.
    #[default]
    Hs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519. RFC 9864 would have it called `Ed25519`, which many verifiers do not know yet.
    EdDsa,
}

impl Algorithm {
    /// `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether who verifies can't sign.
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        !matches!(self, Self::Hs256)
    }
}

/// `typ` of an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenType {
    /// RFC 9068.
    #[default]
    AccessToken,
    /// RFC 7519, for verifiers that know no other.
    Jwt,
}

impl TokenType {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::AccessToken, Self::Jwt];

    /// As the header has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::Jwt => "JWT",
        }
    }
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// A point on P-256.
    P256 {
        /// Big-endian.
        x: [u8; 32],
        /// Big-endian.
        y: [u8; 32],
    },
    /// Of Ed25519.
    Ed25519 {
        /// As RFC 8032 encodes it.
        x: [u8; 32],
    },
}

impl PublicKey {
    /// What it verifies.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    /// The text whose SHA-256 is the key's thumbprint (RFC 7638, 3.2; RFC 8037, 2): its required members in order.
    #[must_use]
    pub fn canonical(&self) -> String {
        let text = |bytes: &[u8; 32]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::P256 { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
        }
    }
}

/// A public key as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// What tokens name it by: its thumbprint.
    pub kid: String,
    /// The key.
    pub key: PublicKey,
}
