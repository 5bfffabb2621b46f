//! Signs and verifies access tokens: JWTs (RFC 7519) of the type of RFC 9068.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm as Library, Header, Validation, decode, decode_header, encode};

use super::keys::SigningKeys;
use super::random::{Random, RandomError};
use crate::domain::session::{About, AccessToken, Algorithm, Claims, TokenType, made_at};
use crate::domain::timestamp::Timestamp;

/// Longer than any token that we make: no work is spent on more.
const MAX_BYTES: usize = 2_048;

/// Signs and verifies with the server's signing keys, for one issuer and one audience.
#[derive(Clone, Debug)]
pub struct AccessTokens {
    keys: SigningKeys,
    form: Form,
    random: Random,
}

/// What all tokens say alike.
#[derive(Clone, Debug)]
pub struct Form {
    /// `iss`.
    pub issuer: String,
    /// `aud`, and `client_id`.
    pub audience: String,
    /// `typ`. Tokens of either type are accepted.
    pub token_type: TokenType,
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
    /// Tokens of one form.
    #[must_use]
    pub fn new(keys: SigningKeys, form: Form, random: Random) -> Self {
        Self { keys, form, random }
    }

    /// Signs a token made `now`, which tells this too.
    ///
    /// # Errors
    /// When there are no random bytes, or the library refuses.
    pub fn sign(&self, token: &AccessToken, about: About<'_>, now: Timestamp) -> Result<String, SignError> {
        let key = &self.keys.current;
        let typ = Some(self.form.token_type.name().to_owned());
        let header = Header { typ, kid: Some(key.kid().to_owned()), ..Header::new(library(key.algorithm())) };
        let made_at = made_at(now).seconds();
        let claims = Claims {
            iss: self.form.issuer.clone(),
            aud: self.form.audience.clone(),
            client_id: self.form.audience.clone(),
            sub: token.user_id.to_string(),
            sid: token.session_id.to_string(),
            generation: token.generation,
            iat: made_at,
            nbf: made_at,
            exp: token.expires.seconds(),
            jti: URL_SAFE_NO_PAD.encode(self.random.bytes::<16>()?),
            ext: about.external_id.map(|id| id.as_str().to_owned()),
            amr: about.amr.iter().map(|method| method.as_str().to_owned()).collect(),
            auth_time: about.proved_at.map(Timestamp::seconds),
        };
        Ok(encode(&header, &claims, key.encoding())?)
    }

    /// What an authentic token proves. None: it is not one of ours. Whether it has expired is for the caller to ask: an expired
    /// token is still authentic.
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<AccessToken> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let header = decode_header(token).ok()?;
        let typ = header.typ.as_deref()?;
        // The key decides on the algorithm; of what the token says of it nothing counts but that it is the same.
        let key = self.keys.find(header.kid.as_deref()?)?;
        let algorithm = library(key.algorithm());
        if !TokenType::ALL.iter().any(|known| known.name() == typ) || header.alg != algorithm {
            return None;
        }
        decode::<Claims>(token, key.decoding(), &self.validation(algorithm)).ok()?.claims.access_token(now)
    }

    /// The library would read the system's clock: time is judged by our own, with [`AccessToken::is_expired`].
    fn validation(&self, algorithm: Library) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.set_issuer(&[&self.form.issuer]);
        validation.set_audience(&[&self.form.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation
    }
}

fn library(algorithm: Algorithm) -> Library {
    match algorithm {
        Algorithm::Hs256 => Library::HS256,
        Algorithm::Es256 => Library::ES256,
        Algorithm::EdDsa => Library::EdDSA,
    }
}
