//! A device that sessions are bound to: its key, and what a browser signs with it (Device Bound Session Credentials, as Chromium writes
//! it).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::answer::Answer;
use super::browser::{Browser, Call};

/// What a page sends at login that knows bound sessions.
pub(crate) const BIND: (&str, &str) = ("x-doorward-bind", "device");

/// A key on P-256.
pub(crate) struct Device(EcdsaKeyPair);

impl Device {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate(&point[1..33]), "y": coordinate(&point[33..]) })
    }

    /// The header and the claims of a proof.
    pub(crate) fn parts(&self, challenge: &str) -> (Value, Value) {
        (json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": self.jwk() }), json!({ "jti": challenge }))
    }

    /// A JWT of these parts, signed by this key, whatever they say.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// The proof of this challenge.
    pub(crate) fn prove(&self, challenge: &str) -> String {
        let (header, claims) = self.parts(challenge);
        self.sign(&header, &claims)
    }
}

/// The challenge that an answer offers to bind its session by.
pub(crate) fn offered(answer: &Answer) -> Option<String> {
    let value = answer.header("secure-session-registration")?;
    let rest = value.strip_prefix("(ES256);path=\"/api/auth/device/register\";challenge=\"");
    Some(rest.and_then(|rest| rest.strip_suffix('"')).expect(value).to_owned())
}

/// The next challenge, and the session that it is for.
pub(crate) fn challenged(answer: &Answer) -> Option<(String, String)> {
    let value = answer.header("secure-session-challenge")?;
    let (challenge, name) = value.split_once(";id=").expect(value);
    Some((challenge.trim_matches('"').to_owned(), name.trim_matches('"').to_owned()))
}

/// A session that is bound, as the browser knows it.
pub(crate) struct Bound {
    pub(crate) device: Device,
    pub(crate) name: String,
    pub(crate) challenge: String,
}

impl Browser {
    pub(crate) fn register_device(&self, jwt: &str) -> Call {
        self.post("/api/auth/device/register").header("secure-session-response", jwt)
    }

    /// What a browser asks by itself, without a proof.
    pub(crate) fn ask_by_device(&self, name: &str) -> Call {
        self.post("/api/auth/device/refresh").header("sec-secure-session-id", format!("\"{name}\""))
    }

    /// The same with a proof.
    pub(crate) fn refresh_by_device(&self, name: &str, jwt: &str) -> Call {
        self.ask_by_device(name).header("secure-session-response", jwt)
    }

    /// Logs in and binds the session, as a browser does that can.
    pub(crate) async fn login_bound(&self, email: &str) -> Bound {
        let login = self.login(email).header(BIND.0, BIND.1).await;
        let challenge = offered(&login).expect("an offer");
        login.ok();
        let device = Device::new();
        let registered = self.register_device(&device.prove(&challenge)).await;
        let (challenge, name) = challenged(&registered).expect("the next challenge");
        assert_eq!(registered.ok()["session_identifier"], name.as_str());
        Bound { device, name, challenge }
    }

    /// A refresh as a browser does it: it asks, is challenged, and signs.
    pub(crate) async fn renew(&self, bound: &Bound) -> Answer {
        let asked = self.ask_by_device(&bound.name).await;
        let (challenge, _) = challenged(&asked).expect("a challenge");
        asked.refused("device_proof_required");
        self.refresh_by_device(&bound.name, &bound.device.prove(&challenge)).await
    }

    /// The access cookie has run out.
    pub(crate) fn lose_access_cookie(&self) {
        self.put_access_cookie("");
    }
}
