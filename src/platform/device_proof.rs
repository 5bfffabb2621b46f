//! Challenges that devices sign, and the JWTs in which they bring the signature (Device Bound Session Credentials: `typ: dbsc+jwt`,
//! ES256, the one claim `jti`). The library checks the signature; all else that a proof says stands in the challenge.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve};
use jsonwebtoken::{Algorithm, DecodingKey, Header, crypto, decode_header};
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
        let Claims { jti } = serde_json::from_slice(&payload(jwt, key)?).ok()?;
        let (challenge, key_id, tag) = Challenge::parse(&jti, purpose)?;
        let is_ours = self.keys.verify(Purpose::DeviceChallenges, &challenge.body(), &Mac { key_id, tag });
        is_ours.then_some(DeviceProof { key: *key, challenge })
    }
}

/// What a JWT says that this key has signed by ES256, whatever its header says.
fn payload(jwt: &str, key: &DeviceKey) -> Option<Vec<u8>> {
    let (signed, signature) = jwt.rsplit_once('.')?;
    let (_, payload) = signed.split_once('.')?;
    let key = DecodingKey::from_ec_der(&key.0);
    let holds = crypto::verify(signature, signed.as_bytes(), &key, Algorithm::ES256).ok()?;
    if holds { URL_SAFE_NO_PAD.decode(payload).ok() } else { None }
}

fn header(jwt: &str) -> Option<Header> {
    let header = if jwt.len() <= MAX_BYTES { decode_header(jwt).ok()? } else { return None };
    let fits = header.typ.as_deref() == Some(TYPE) && header.alg == Algorithm::ES256 && header.crit.is_none();
    fits.then_some(header)
}

fn coordinate(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    use serde_json::Value;

    use super::*;
    use crate::config::secret::Secret;
    use crate::domain::timestamp::Timestamp;

    const ID: SessionId = SessionId([3; 16]);
    const NAME: BindingName = BindingName([5; 16]);

    fn proofs(current: u8, accepted: &[u8]) -> DeviceProofs {
        let secret = |byte: &u8| Secret::new(vec![*byte; 32]);
        DeviceProofs::new(Ring::new(secret(&current), accepted.iter().map(secret)))
    }

    fn challenge(purpose: ChallengeFor) -> Challenge {
        Challenge { purpose, generation: 4, expires: Timestamp::from_seconds(2_000_000_000) }
    }

    fn jwt(key: &EcdsaKeyPair, jti: &str) -> String {
        let point = key.public_key().as_ref();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = (text(&point[1..33]), text(&point[33..]));
        let header =
            format!(r#"{{"alg":"ES256","typ":"dbsc+jwt","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#);
        let signed = format!("{}.{}", text(header.as_bytes()), text(format!(r#"{{"jti":"{jti}"}}"#).as_bytes()));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", text(signature.as_ref()))
    }

    #[test]
    fn a_proof_is_of_its_key_and_its_session() {
        let (ours, key) = (proofs(1, &[]), EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
        let register = challenge(ChallengeFor::Registration(ID));
        let proof = ours.registration(&jwt(&key, &ours.write(&register)), ID).unwrap();
        assert_eq!(proof.key.0, key.public_key().as_ref());
        assert_eq!(proof.challenge, register);
        assert_eq!(ours.registration(&jwt(&key, &ours.write(&register)), SessionId([4; 16])), None);

        let refresh = challenge(ChallengeFor::Refresh(NAME));
        let token = jwt(&key, &ours.write(&refresh));
        assert_eq!(ours.refresh(&token, &proof.key, NAME), Some(DeviceProof { key: proof.key, challenge: refresh }));
        assert_eq!(ours.refresh(&token, &proof.key, BindingName([6; 16])), None);
        assert_eq!(ours.refresh(&jwt(&key, &ours.write(&register)), &proof.key, NAME), None);
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        assert_eq!(ours.refresh(&jwt(&other, &ours.write(&refresh)), &proof.key, NAME), None);
    }

    #[test]
    fn no_byte_of_a_challenge_can_be_changed() {
        let (ours, key) = (proofs(1, &[]), EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
        let device = DeviceKey(key.public_key().as_ref().try_into().unwrap());
        let good = ours.write(&challenge(ChallengeFor::Refresh(NAME)));
        for position in 0..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(ours.refresh(&jwt(&key, &changed), &device, NAME), None, "{position}");
        }
    }

    /// Each vector by the check that each proof goes through; and none of them, valid or not, is a proof.
    #[test]
    fn signatures_are_judged_as_wycheproof_says() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/data/wycheproof/json_web_signature_ecdsa.json")).unwrap();
        let ours = proofs(1, &[]);
        let mut counted = (0, 0);
        for group in vectors["groups"].as_array().unwrap() {
            let mut point = [4; 65];
            for (name, place) in [("x", 1..33), ("y", 33..65)] {
                point[place].copy_from_slice(&coordinate(group[name].as_str().unwrap()).unwrap());
            }
            let key = DeviceKey(point);
            for test in group["tests"].as_array().unwrap() {
                let (jws, is_valid) = (test["jws"].as_str().unwrap(), test["result"] == "valid");
                assert_eq!(payload(jws, &key), is_valid.then(|| b"foo".to_vec()), "{test}");
                assert_eq!((ours.refresh(jws, &key, NAME), ours.registration(jws, ID)), (None, None), "{test}");
                if is_valid { counted.0 += 1 } else { counted.1 += 1 }
            }
        }
        assert_eq!(counted, (2, 37));
    }

    #[test]
    fn a_change_of_keys_leaves_challenges() {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let device = DeviceKey(key.public_key().as_ref().try_into().unwrap());
        let old = jwt(&key, &proofs(1, &[]).write(&challenge(ChallengeFor::Refresh(NAME))));
        assert!(proofs(2, &[1]).refresh(&old, &device, NAME).is_some());
        assert!(proofs(2, &[]).refresh(&old, &device, NAME).is_none());
    }
}
