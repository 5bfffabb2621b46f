//! Keys and claims of the tokens.

use super::secret::Secret;

/// Settings of access and refresh tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// `JWT_SECRET_KEY`: signs. None: development; made once and kept beside the database.
    pub key: Option<Secret>,
    /// `JWT_SECRET_KEY_PREVIOUS`: accepted, not signing.
    pub previous_key: Option<Secret>,
    /// `JWT_ISSUER`.
    pub issuer: String,
    /// `JWT_AUDIENCE`.
    pub audience: String,
}
