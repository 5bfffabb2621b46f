//! Signs and verifies access tokens: JWTs (RFC 7519) with `typ: at+jwt` (RFC 9068) and HS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};

use super::keys::{Key, Ring};
use super::random::{Random, RandomError};
use crate::domain::account::ExternalId;
use crate::domain::session::{AccessToken, Claims};
use crate::domain::timestamp::Timestamp;

const TYPE: &str = "at+jwt";
/// Longer than any token that we make: no work is spent on more.
const MAX_BYTES: usize = 2_048;

/// Signs and verifies with the server's signing keys, for one issuer and one audience.
#[derive(Clone, Debug)]
pub struct AccessTokens {
    keys: Ring,
    issuer: String,
    audience: String,
    random: Random,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// No random bytes for `jti`.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The library refused.
    #[error("the access token could not be signed")]
    Library(#[from] jsonwebtoken::errors::Error),
}

impl AccessTokens {
    /// Tokens of one issuer for one audience.
    #[must_use]
    pub fn new(keys: Ring, issuer: String, audience: String, random: Random) -> Self {
        Self { keys, issuer, audience, random }
    }

    /// Signs a token made `now`; `external_id` is what its user has.
    ///
    /// # Errors
    /// When there are no random bytes, or the library refuses.
    pub fn sign(
        &self,
        token: &AccessToken,
        external_id: Option<&ExternalId>,
        now: Timestamp,
    ) -> Result<String, SignError> {
        let key = &self.keys.current;
        let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid()), ..Header::new(Algorithm::HS256) };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: token.user_id.to_string(),
            sid: token.session_id.to_string(),
            generation: token.generation,
            iat: now.seconds(),
            exp: token.expires.seconds(),
            jti: URL_SAFE_NO_PAD.encode(self.random.bytes::<16>()?),
            ext: external_id.map(|id| id.as_str().to_owned()),
        };
        Ok(encode(&header, &claims, &EncodingKey::from_secret(key.signing_bytes()))?)
    }

    /// What an authentic token proves. None: it is not one of ours. Whether it has expired is for the caller to ask: an expired
    /// token is still authentic.
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<AccessToken> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let header = decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::HS256 {
            return None;
        }
        let key = self.key(header.kid.as_deref()?)?;
        decode::<Claims>(token, &DecodingKey::from_secret(key.signing_bytes()), &self.validation())
            .ok()?
            .claims
            .access_token(now)
    }

    fn key(&self, kid: &str) -> Option<&Key> {
        self.keys.find(URL_SAFE_NO_PAD.decode(kid).ok()?.try_into().ok()?)
    }

    /// The library would read the system's clock: time is judged by our own, with [`AccessToken::is_expired`].
    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation
    }
}
