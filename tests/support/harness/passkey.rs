//! A software authenticator: it makes passkeys of ES256 and signs with them. By the standard's own words, not by the service's code.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use super::app::TestApp;
use super::browser::{Browser, Call};

/// Somebody has touched it.
pub(crate) const PRESENT: u8 = 1;
/// It has made sure who.
pub(crate) const VERIFIED: u8 = 1 << 2;
/// It can be copied, and is.
pub(crate) const SYNCED: u8 = 1 << 3 | 1 << 4;

/// A passkey, and how its authenticator behaves.
#[derive(Clone)]
pub(crate) struct Passkey {
    pub(crate) key: Arc<EcdsaKeyPair>,
    pub(crate) id: Vec<u8>,
    pub(crate) handle: Option<Vec<u8>>,
    pub(crate) rp_id: String,
    /// Of the page that asks.
    pub(crate) origin: String,
    pub(crate) flags: u8,
    pub(crate) count: u32,
}

impl Passkey {
    /// A new one, as a browser at `http://localhost:5173` has it made.
    pub(crate) fn of(options: &Value) -> Self {
        let mut id = vec![0; 32];
        SystemRandom::new().fill(&mut id).expect("chance");
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        super::trace::remember(&URL_SAFE_NO_PAD.encode(&id));
        Self {
            key: Arc::new(key),
            id,
            handle: Some(decode(&options["user"]["id"])),
            rp_id: options["rp"]["id"].as_str().expect("a domain").to_owned(),
            origin: "http://localhost:5173".to_owned(),
            flags: PRESENT | VERIFIED | SYNCED,
            count: 0,
        }
    }

    fn client_data(&self, question: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": question, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
        });
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        [hash.as_ref(), &[flags], &self.count.to_be_bytes()].concat()
    }

    /// What `toJSON()` gives of the new one.
    pub(crate) fn attestation(&self, options: &Value) -> Value {
        let point = self.key.public_key().as_ref();
        // A map of five: the kind, the algorithm, the curve, and a point on it.
        let key =
            [&b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"[..], &point[1..33], b"\x22\x58\x20", &point[33..]].concat();
        let length = u16::try_from(self.id.len()).expect("a short id").to_be_bytes();
        let data = [&self.data(self.flags | 1 << 6)[..], &[7; 16], &length, &self.id, &key].concat();
        let size = u8::try_from(data.len()).expect("short");
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..], &[size], &data].concat();
        json!({
            "id": encode(&self.id), "rawId": encode(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&self.client_data("webauthn.create", options)),
                "attestationObject": encode(&object), "transports": ["internal", "hybrid"],
                "publicKeyAlgorithm": -7, "authenticatorData": encode(&data),
            },
        })
    }

    /// What `toJSON()` gives where it is used.
    pub(crate) fn assertion(&self, options: &Value) -> Value {
        self.signed(&self.client_data("webauthn.get", options), &self.data(self.flags))
    }

    /// The same of whatever is to be signed.
    pub(crate) fn signed(&self, client_data: &[u8], data: &[u8]) -> Value {
        let signed = [data, digest(&SHA256, client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature");
        json!({
            "id": encode(&self.id), "rawId": encode(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(client_data), "authenticatorData": encode(data),
                "signature": encode(signature.as_ref()), "userHandle": self.handle.as_ref().map(|handle| encode(handle)),
            },
        })
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("a text")).expect("base64url")
}

impl Browser {
    pub(crate) fn creation_options(&self) -> Call {
        self.post("/api/auth/me/passkeys/options")
    }

    pub(crate) fn add_passkey(&self, credential: &Value, name: &str) -> Call {
        self.post("/api/auth/me/passkeys").json(&json!({ "credential": credential, "name": name }))
    }

    /// The same on the way in, with a ticket.
    pub(crate) fn enrolment_options(&self) -> Call {
        self.post("/api/auth/login/passkeys/options")
    }

    pub(crate) fn enrol_passkey(&self, credential: &Value, name: &str) -> Call {
        self.post("/api/auth/login/passkeys").json(&json!({ "credential": credential, "name": name }))
    }

    pub(crate) fn remove_passkey(&self, id: &Value) -> Call {
        self.call(Method::DELETE, &format!("/api/auth/me/passkeys/{}", id.as_str().expect("an id")))
    }

    pub(crate) fn passkey_options(&self) -> Call {
        self.post("/api/auth/login/passkey/options")
    }

    pub(crate) fn login_passkey(&self, passkey: &Value) -> Call {
        self.post("/api/auth/login/passkey").json(&json!({ "passkey": passkey }))
    }

    pub(crate) fn second_factor_options(&self) -> Call {
        self.post("/api/auth/login/second-factor/options")
    }

    pub(crate) fn second_factor_passkey(&self, passkey: &Value) -> Call {
        self.post("/api/auth/login/second-factor").json(&json!({ "passkey": passkey }))
    }

    pub(crate) fn reproof_options(&self) -> Call {
        self.post("/api/auth/reauthenticate/options")
    }

    /// Asks and answers.
    pub(crate) async fn sign_in(&self, passkey: &Passkey) -> super::answer::Answer {
        let options = self.passkey_options().await.ok();
        self.login_passkey(&passkey.assertion(&options)).await
    }

    /// Proves once more, by the passkey alone.
    pub(crate) async fn prove_by(&self, passkey: &Passkey) -> super::answer::Answer {
        let options = self.reproof_options().await.ok();
        self.reauthenticate(&json!({ "passkey": passkey.assertion(&options) })).await
    }

    /// Adds a passkey in a session that has proved a moment ago who it is. Returns it, and what the service said.
    pub(crate) async fn set_up_passkey(&self, name: &str) -> (Passkey, Value) {
        let options = self.creation_options().await.ok();
        let passkey = Passkey::of(&options);
        let added = self.add_passkey(&passkey.attestation(&options), name).await.ok();
        for code in added["recovery_codes"].as_array().into_iter().flatten() {
            super::trace::remember(code.as_str().expect("a code"));
        }
        (passkey, added)
    }
}

impl TestApp {
    /// Somebody who is logged in and has added a passkey.
    pub(crate) async fn with_passkey(&self, email: &str) -> (Browser, Passkey, Value) {
        let browser = self.register_and_login(email).await;
        let (passkey, added) = browser.set_up_passkey("My phone").await;
        (browser, passkey, added)
    }
}
