//! Challenges that devices sign, and the JWTs in which they bring the signature (Device Bound Session Credentials: `typ: dbsc+jwt`,
//! ES256, the one claim `jti`). The library checks the signature; all else that a proof says stands in the challenge.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;

use super::keyed_hash::KeyedHash;
use super::keys::{Mac, Purpose, Ring};
use crate::domain::session::{BindingName, Challenge, ChallengeFor, DeviceKey, DeviceProof, SessionId};

const TYPE: &str = "dbsc+jwt";
/// Longer than any proof: no work is spent on more.
const MAX_BYTES: usize = 2_048;

/// Makes challenges, and judges what was signed, under the server's keys.
#[derive(Clone, Debug)]
pub struct DeviceProofs {
    keys: Ring,
    names: KeyedHash,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
}

impl DeviceProofs {
    /// Under these keys.
    #[must_use]
    pub fn new(keys: Ring) -> Self {
        let names = KeyedHash::new(&keys.derive(Purpose::BindingNames));
        Self { keys, names }
    }

    /// What browsers call a session that is bound now. It is stored: another key would give another name.
    #[must_use]
    pub fn name_of(&self, id: SessionId) -> BindingName {
        BindingName(self.names.of(&id.0))
    }

    /// A challenge as it is sent.
    #[must_use]
    pub fn write(&self, challenge: &Challenge) -> String {
        let mac = self.keys.sign(Purpose::DeviceChallenges, &challenge.body());
        challenge.write(mac.key_id, &mac.tag)
    }

    /// What a registration proves: that whoever sent it holds the key that it names, and has signed a challenge of ours for this
    /// session. None: it proves nothing.
    #[must_use]
    pub fn registration(&self, jwt: &str, id: SessionId) -> Option<DeviceProof> {
        let header = header(jwt)?;
        let AlgorithmParameters::EllipticCurve(key) = header.jwk?.algorithm else { return None };
        let mut point = [4; 65];
        if key.curve != EllipticCurve::P256 {
            return None;
        }
        point[1..33].copy_from_slice(&coordinate(&key.x)?);
        point[33..].copy_from_slice(&coordinate(&key.y)?);
        self.verify(jwt, &DeviceKey(point), ChallengeFor::Registration(id))
    }

    /// What a refresh proves: that whoever sent it holds this key, and has signed a challenge of ours for the session of this name.
    #[must_use]
    pub fn refresh(&self, jwt: &str, key: &DeviceKey, name: BindingName) -> Option<DeviceProof> {
        header(jwt)?;
        self.verify(jwt, key, ChallengeFor::Refresh(name))
    }

    fn verify(&self, jwt: &str, key: &DeviceKey, purpose: ChallengeFor) -> Option<DeviceProof> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let Claims { jti } = decode(jwt, &DecodingKey::from_ec_der(&key.0), &validation).ok()?.claims;
        let (challenge, key_id, tag) = Challenge::parse(&jti, purpose)?;
        let is_ours = self.keys.verify(Purpose::DeviceChallenges, &challenge.body(), &Mac { key_id, tag });
        is_ours.then_some(DeviceProof { key: *key, challenge })
    }
}

fn header(jwt: &str) -> Option<Header> {
    let header = if jwt.len() <= MAX_BYTES { decode_header(jwt).ok()? } else { return None };
    let fits = header.typ.as_deref() == Some(TYPE) && header.alg == Algorithm::ES256 && header.crit.is_none();
    fits.then_some(header)
}

fn coordinate(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
