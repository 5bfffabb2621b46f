//! The standard's steps, as a table: an answer that is right, and each of its parts changed, one at a time.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::domain::factor::CredentialId;

const CHALLENGE: [u8; 32] = [42; 32];
const ID: [u8; 20] = [9; 20];

fn relying_party() -> RelyingParty {
    let exactly = vec!["https://app.example.com".to_owned()];
    RelyingParty { id: "example.com".to_owned(), origins: PasskeyOrigins { exactly, any_localhost: false } }
}

/// What the parts of an answer are made of.
#[derive(Clone)]
struct Parts {
    client: Value,
    rp_id: &'static str,
    flags: u8,
    count: u32,
    id: Vec<u8>,
    key: Vec<u8>,
    /// Behind all else.
    tail: Vec<u8>,
}

impl Parts {
    fn new(question: &str, key: &Key) -> Self {
        let client = json!({
            "type": question, "challenge": URL_SAFE_NO_PAD.encode(CHALLENGE), "origin": "https://app.example.com", "crossOrigin": false,
        });
        Self {
            client,
            rp_id: "example.com",
            flags: 0b101,
            count: 7,
            id: ID.to_vec(),
            key: key.cose(),
            tail: Vec::new(),
        }
    }

    fn client_data(&self) -> Vec<u8> {
        self.client.to_string().into_bytes()
    }

    fn data(&self) -> Vec<u8> {
        let mut data = [&sha256(self.rp_id.as_bytes())[..], &[self.flags], &self.count.to_be_bytes()].concat();
        if self.flags & 1 << 6 != 0 {
            data.extend([1; 16]);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(&self.key);
        }
        data.extend(&self.tail);
        data
    }

    fn attestation(&self) -> Attestation {
        let data = self.data();
        let size = match u8::try_from(data.len()) {
            Ok(size) => vec![0x58, size],
            Err(_) => [&b"\x59"[..], &u16::try_from(data.len()).unwrap().to_be_bytes()].concat(),
        };
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData"[..], &size, &data].concat();
        let id = CredentialId::new(ID.to_vec()).unwrap();
        Attestation { id, client_data: self.client_data(), object, transports: vec!["usb".to_owned()] }
    }

    fn assertion(&self, key: &Key) -> Assertion {
        let (client_data, authenticator_data) = (self.client_data(), self.data());
        let signature = key.sign(&[&authenticator_data[..], &sha256(&client_data)].concat());
        let id = CredentialId::new(ID.to_vec()).unwrap();
        Assertion { id, client_data, authenticator_data, signature, user_handle: None }
    }
}

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    fn all() -> [Self; 3] {
        [
            Self::es256(),
            Self::EdDsa(Ed25519KeyPair::generate().unwrap()),
            Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        ]
    }

    fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    /// As authenticators write it.
    fn cose(&self) -> Vec<u8> {
        match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                [&b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"[..], &point[1..33], b"\x22\x58\x20", &point[33..]]
                    .concat()
            }
            Self::EdDsa(key) => [&b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20"[..], key.public_key().as_ref()].concat(),
            Self::Rs256(key) => {
                let modulus = key.public_key().modulus().big_endian_without_leading_zero().to_vec();
                assert_eq!(modulus.len(), 256);
                [&b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00"[..], &modulus, b"\x21\x43\x01\x00\x01"].concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A new passkey with these parts, changed.
fn register(key: &Key, change: impl FnOnce(&mut Parts)) -> Result<Credential, Refused> {
    let mut parts = Parts::new("webauthn.create", key);
    parts.flags |= 1 << 6;
    change(&mut parts);
    relying_party().register(&parts.attestation(), &CHALLENGE)
}

/// A used one with these parts, changed.
fn assert(key: &Key, must_verify: bool, change: impl FnOnce(&mut Parts)) -> Result<Shown, Refused> {
    let credential = register(key, |_| ()).unwrap();
    let mut parts = Parts::new("webauthn.get", key);
    change(&mut parts);
    relying_party().assert(&parts.assertion(key), &CHALLENGE, &credential, must_verify)
}

#[test]
fn keys_of_all_three_kinds_are_taken_and_sign() {
    for key in Key::all() {
        let credential = register(&key, |_| ()).unwrap();
        assert_eq!((credential.rp_id.as_str(), credential.sign_count), ("example.com", 7));
        assert!(!credential.is_synced && credential.public_key == key.cose());
        assert_eq!(assert(&key, true, |_| ()), Ok(Shown { is_verified: true, sign_count: 7 }));
        // Another key's signature, and one of which a byte is another.
        let parts = Parts::new("webauthn.get", &key);
        let other = Key::es256();
        let foreign = parts.assertion(&other);
        let check = |answer: &Assertion| relying_party().assert(answer, &CHALLENGE, &credential, true);
        assert_eq!(check(&foreign), Err(Refused::Signature));
        let answer = parts.assertion(&key);
        for at in 0..answer.signature.len() {
            let mut changed = answer.clone();
            changed.signature[at] ^= 1;
            assert_eq!(check(&changed), Err(Refused::Signature), "{at}");
        }
        for length in 0..answer.signature.len() {
            let cut = Assertion { signature: answer.signature[..length].to_vec(), ..answer.clone() };
            assert_eq!(check(&cut), Err(Refused::Signature), "{length}");
        }
    }
}

/// What both have in common: each row changes one part.
#[test]
fn whatever_is_asked_by_another_page_or_of_another_domain_is_refused() {
    type Row = (Refused, fn(&mut Parts));
    let rows: [Row; 19] = [
        (Refused::ClientData, |parts| parts.client = json!([])),
        (Refused::ClientData, |parts| parts.client["origin"] = json!(1)),
        (Refused::ClientData, |parts| parts.client["crossOrigin"] = json!("no")),
        (Refused::ClientData, |parts| parts.client = json!({ "type": "webauthn.get" })),
        (Refused::Type, |parts| parts.client["type"] = json!("payment.get")),
        (Refused::Type, |parts| parts.client["type"] = json!("")),
        (Refused::Challenge, |parts| parts.client["challenge"] = json!(URL_SAFE_NO_PAD.encode([41; 32]))),
        (Refused::Challenge, |parts| parts.client["challenge"] = json!(URL_SAFE_NO_PAD.encode([42; 33]))),
        (Refused::Challenge, |parts| parts.client["challenge"] = json!("")),
        (Refused::Origin, |parts| parts.client["origin"] = json!("https://example.com")),
        (Refused::Origin, |parts| parts.client["origin"] = json!("http://app.example.com")),
        (Refused::Origin, |parts| parts.client["origin"] = json!("https://app.example.com:8443")),
        (Refused::Origin, |parts| parts.client["origin"] = json!("https://APP.example.com")),
        (Refused::Origin, |parts| parts.client["crossOrigin"] = json!(true)),
        (Refused::Origin, |parts| parts.client["topOrigin"] = json!("https://app.example.com")),
        (Refused::RpId, |parts| parts.rp_id = "app.example.com"),
        (Refused::NotPresent, |parts| parts.flags &= !1),
        (Refused::NotVerified, |parts| parts.flags &= !(1 << 2)),
        (Refused::Backup, |parts| parts.flags |= 1 << 4),
    ];
    let key = Key::es256();
    for (number, (refused, change)) in rows.into_iter().enumerate() {
        assert_eq!(register(&key, change).err(), Some(refused), "{number}");
        assert_eq!(assert(&key, true, change).err(), Some(refused), "{number}");
    }
    // What browsers add is ignored.
    assert!(register(&key, |parts| parts.client["later"] = json!({ "a": [1] })).is_ok());
    assert_eq!(register(&key, |parts| parts.client["type"] = json!("webauthn.get")).err(), Some(Refused::Type));
    assert_eq!(assert(&key, true, |parts| parts.client["type"] = json!("webauthn.create")), Err(Refused::Type));
    // Twice the same member is no client data.
    let mut twice = Parts::new("webauthn.create", &key).attestation();
    twice.client_data.pop();
    twice.client_data.extend(b",\"type\":\"webauthn.create\"}");
    assert_eq!(relying_party().register(&twice, &CHALLENGE), Err(Refused::ClientData));
}

#[test]
fn a_new_one_is_whole_and_has_a_key_of_use() {
    type Row = (Refused, fn(&mut Parts));
    let rows: [Row; 17] = [
        (Refused::AuthenticatorData, |parts| parts.flags &= !(1 << 6)),
        (Refused::AuthenticatorData, |parts| parts.flags |= 1 << 7),
        (Refused::AuthenticatorData, |parts| parts.tail = vec![0]),
        (Refused::AuthenticatorData, |parts| parts.key.clear()),
        (Refused::AuthenticatorData, |parts| parts.key.truncate(40)),
        (Refused::AuthenticatorData, |parts| parts.key[0] = 0x80),
        (Refused::Id, |parts| parts.id = vec![8; 20]),
        (Refused::Id, |parts| parts.id.clear()),
        // Another kind, another algorithm (ES384), another curve; a point that is not on it; twice the same entry.
        (Refused::PublicKey, |parts| parts.key[2] = 3),
        (Refused::PublicKey, |parts| parts.key[4] = 0x27),
        (Refused::PublicKey, |parts| parts.key[6] = 2),
        (Refused::PublicKey, |parts| parts.key[15] ^= 1),
        (Refused::PublicKey, |parts| parts.key[1] = 3),
        (Refused::PublicKey, |parts| parts.key[5] = 0x23),
        (Refused::PublicKey, |parts| parts.key = b"\xa0".to_vec()),
        (Refused::PublicKey, |parts| {
            // One entry more.
            parts.key[0] = 0xa6;
            parts.key.extend(b"\x04\x81\x02");
        }),
        (Refused::PublicKey, |parts| {
            parts.key = b"\xa4\x01\x03\x03\x39\x01\x00\x20\x41\xff\x21\x43\x01\x00\x01".to_vec();
        }),
    ];
    let key = Key::es256();
    for (number, (refused, change)) in rows.into_iter().enumerate() {
        assert_eq!(register(&key, change).err(), Some(refused), "{number}");
    }
    // Extensions that nobody asked for are read over.
    let extended = register(&key, |parts| {
        parts.flags |= 1 << 7;
        parts.tail = b"\xa1\x69credProps\xa1\x62rk\xf5".to_vec();
    });
    assert!(extended.is_ok());
    assert!(register(&key, |parts| parts.flags |= 0b11 << 3).unwrap().is_synced);
    // What is around the data: another form, without it, something behind it.
    let mut parts = Parts::new("webauthn.create", &key);
    parts.flags |= 1 << 6;
    let whole = parts.attestation();
    for object in [
        Vec::new(),
        b"\xa0".to_vec(),
        b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x60".to_vec(),
        [&b"\xa3\x63fmt\x64none\x67attStmt\xa1\x63sig\x41\x01"[..], &whole.object[19..]].concat(),
        [&whole.object[..], &[0]].concat(),
        whole.object[..whole.object.len() - 1].to_vec(),
    ] {
        let answer = Attestation { object, ..whole.clone() };
        assert_eq!(relying_party().register(&answer, &CHALLENGE), Err(Refused::AuthenticatorData));
    }
    // A make that is told is not looked at.
    let told = [&b"\xa3\x63fmt\x66packed\x67attStmt\xa1\x63sig\x41\x01"[..], &whole.object[19..]].concat();
    assert!(relying_party().register(&Attestation { object: told, ..whole }, &CHALLENGE).is_ok());
}

#[test]
fn a_used_one_is_the_same_one() {
    let key = Key::es256();
    assert_eq!(assert(&key, false, |parts| parts.flags = 1), Ok(Shown { is_verified: false, sign_count: 7 }));
    assert_eq!(assert(&key, false, |parts| parts.flags = 0), Err(Refused::NotPresent));
    // It could not be copied; now it can.
    assert_eq!(assert(&key, true, |parts| parts.flags |= 1 << 3), Err(Refused::Backup));
    assert_eq!(assert(&key, true, |parts| parts.flags |= 1 << 6), Err(Refused::AuthenticatorData));
    assert_eq!(assert(&key, true, |parts| parts.tail = vec![0xa0]), Err(Refused::AuthenticatorData));
    let credential = register(&key, |_| ()).unwrap();
    let answer = Parts::new("webauthn.get", &key).assertion(&key);
    let check = |answer: &Assertion, credential: &Credential| {
        relying_party().assert(answer, &CHALLENGE, credential, true).err()
    };
    assert_eq!(check(&answer, &credential), None);
    let other = Assertion { id: CredentialId::new(vec![1; 16]).unwrap(), ..answer.clone() };
    assert_eq!(check(&other, &credential), Some(Refused::Id));
    let moved = Credential { rp_id: "example.org".to_owned(), ..credential.clone() };
    assert_eq!(check(&answer, &moved), Some(Refused::RpId));
    let corrupt = Credential { public_key: vec![0xa0], ..credential.clone() };
    assert_eq!(check(&answer, &corrupt), Some(Refused::PublicKey));
    // Every byte that is signed, and every length.
    for at in 0..answer.authenticator_data.len() {
        let mut changed = answer.clone();
        changed.authenticator_data[at] ^= 1;
        assert!(check(&changed, &credential).is_some(), "{at}");
        let cut = Assertion { authenticator_data: answer.authenticator_data[..at].to_vec(), ..answer.clone() };
        assert!(check(&cut, &credential).is_some(), "{at}");
    }
    for at in 0..answer.client_data.len() {
        let mut changed = answer.clone();
        changed.client_data[at] ^= 1;
        assert!(check(&changed, &credential).is_some(), "{at}");
    }
    let spaced = Assertion { client_data: [&answer.client_data[..], b" "].concat(), ..answer.clone() };
    assert_eq!(check(&spaced, &credential), Some(Refused::Signature));
}
