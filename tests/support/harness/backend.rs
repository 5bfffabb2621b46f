//! A service beside Doorward, which verifies access tokens by itself: with the published keys, which it keeps, and asks for anew
//! when a token names one that it does not know.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::app::TestApp;

/// What it keeps.
pub(crate) struct Backend {
    keys: JwkSet,
    /// How often it has asked.
    pub(crate) asked: usize,
}

impl Backend {
    pub(crate) fn new() -> Self {
        Self { keys: JwkSet { keys: Vec::new() }, asked: 0 }
    }

    /// The claims of a token that it takes; `node` is asked for keys.
    pub(crate) async fn verify(&mut self, node: &TestApp, token: &str) -> Option<Value> {
        let kid = decode_header(token).ok()?.kid?;
        if self.keys.find(&kid).is_none() {
            let keys = node.browser().get("/.well-known/jwks.json").await.ok();
            self.keys = serde_json::from_value(keys).expect("a set of keys");
            self.asked += 1;
        }
        let key = self.keys.find(&kid)?;
        let algorithm = match key.common.key_algorithm.expect("alg").to_string().as_str() {
            "ES256" => Algorithm::ES256,
            "EdDSA" => Algorithm::EdDSA,
            other => panic!("{other} is no algorithm of ours"),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&["doorward"]);
        validation.set_audience(&["doorward"]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // The tests' clock is not the system's.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        decode(token, &DecodingKey::from_jwk(key).ok()?, &validation).ok().map(|token| token.claims)
    }
}
