//! What browsers send of an authenticator: the JSON of `PublicKeyCredential.toJSON()` (Web Authentication, section 5.1). What is not looked at is
//! ignored, since browsers add members.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::{Enum, Object};
use serde_json::{Map, Value};

use crate::api::body::Fields;
use crate::api::problem::FieldCode;
use crate::domain::factor::{Assertion, Attestation, CredentialId};

/// How many ways to reach an authenticator are kept, and how long the word for one is.
const MAX_TRANSPORTS: usize = 8;
const MAX_TRANSPORT_BYTES: usize = 32;

/// What `PublicKeyCredential.toJSON()` gives of a new passkey. More members are ignored.
#[derive(Object)]
pub(super) struct NewCredential {
    /// Identifies the passkey, in base64url.
    id: String,
    /// The same.
    #[oai(rename = "rawId")]
    raw_id: String,
    /// Always `public-key`.
    #[oai(rename = "type")]
    kind: CredentialType,
    /// What the authenticator has answered.
    response: NewCredentialResponse,
}

/// What the authenticator has answered.
#[derive(Object)]
pub(super) struct NewCredentialResponse {
    /// In base64url.
    #[oai(rename = "clientDataJSON")]
    client_data: String,
    /// In base64url. What it says of the authenticator's make is not looked at.
    #[oai(rename = "attestationObject")]
    attestation_object: String,
    /// How browsers reach the authenticator.
    transports: Option<Vec<String>>,
}

/// What `PublicKeyCredential.toJSON()` gives of a passkey that is used. More members are ignored.
#[derive(Object)]
pub(in crate::api) struct UsedCredential {
    /// Identifies the passkey, in base64url.
    id: String,
    /// The same.
    #[oai(rename = "rawId")]
    raw_id: String,
    /// Always `public-key`.
    #[oai(rename = "type")]
    kind: CredentialType,
    /// What the authenticator has answered.
    response: UsedCredentialResponse,
}

/// What the authenticator has answered.
#[derive(Object)]
pub(in crate::api) struct UsedCredentialResponse {
    /// In base64url.
    #[oai(rename = "clientDataJSON")]
    client_data: String,
    /// In base64url.
    #[oai(rename = "authenticatorData")]
    authenticator_data: String,
    /// In base64url.
    signature: String,
    /// Whose passkey it is, as the authenticator knows, in base64url.
    #[oai(rename = "userHandle")]
    user_handle: Option<String>,
}

/// What kind of credential it is.
#[derive(Clone, Copy, Enum)]
pub(in crate::api) enum CredentialType {
    /// The only kind.
    #[oai(rename = "public-key")]
    PublicKey,
}

impl NewCredential {
    /// For the spec.
    pub(super) fn example() -> Self {
        Self {
            id: EXAMPLE_ID.into(),
            raw_id: EXAMPLE_ID.into(),
            kind: CredentialType::PublicKey,
            response: NewCredentialResponse {
                client_data: "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0".into(),
                attestation_object: "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA".into(),
                transports: Some(vec!["internal".into()]),
            },
        }
    }
}

impl UsedCredential {
    /// For the spec.
    pub(in crate::api) fn example() -> Self {
        Self {
            id: EXAMPLE_ID.into(),
            raw_id: EXAMPLE_ID.into(),
            kind: CredentialType::PublicKey,
            response: UsedCredentialResponse {
                client_data: "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0".into(),
                authenticator_data: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ".into(),
                signature: "MEUCIQ".into(),
                user_handle: Some("Huk0zwUiSR4aN4igtFYDPg".into()),
            },
        }
    }
}

/// The example of a passkey's id.
pub(super) const EXAMPLE_ID: &str = "q1Zc5sQ9m0m3Wb1wG2k8bA";

/// Takes a new passkey. None: there is a problem.
pub(super) fn attestation(fields: &mut Fields, name: &'static str) -> Option<Attestation> {
    let credential = fields.required::<Map<String, Value>>(name)?;
    refuse_if_none(fields, name, read_attestation(&credential))
}

/// Takes a passkey that is used, where there is one. None: there is a problem.
#[expect(clippy::option_option, reason = "there is a problem; or there is none, and may be nothing")]
pub(in crate::api) fn optional_assertion(fields: &mut Fields, name: &'static str) -> Option<Option<Assertion>> {
    match fields.optional::<Map<String, Value>>(name)? {
        None => Some(None),
        Some(credential) => refuse_if_none(fields, name, read_assertion(&credential)).map(Some),
    }
}

/// The same of one that must be there.
pub(in crate::api) fn assertion(fields: &mut Fields, name: &'static str) -> Option<Assertion> {
    let credential = fields.required::<Map<String, Value>>(name)?;
    refuse_if_none(fields, name, read_assertion(&credential))
}

fn refuse_if_none<T>(fields: &mut Fields, name: &'static str, read: Option<T>) -> Option<T> {
    if read.is_none() {
        fields.refuse(name, FieldCode::Invalid, "Is not what `PublicKeyCredential.toJSON()` gives.");
    }
    read
}

fn read_attestation(credential: &Map<String, Value>) -> Option<Attestation> {
    let (id, response) = common(credential)?;
    let words = response.get("transports").and_then(Value::as_array).into_iter().flatten();
    let is_word = |word: &&str| {
        (1..=MAX_TRANSPORT_BYTES).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let transports = words.filter_map(Value::as_str).filter(is_word).map(str::to_owned).take(MAX_TRANSPORTS);
    Some(Attestation {
        id,
        client_data: bytes(response, "clientDataJSON")?,
        object: bytes(response, "attestationObject")?,
        transports: transports.collect(),
    })
}

fn read_assertion(credential: &Map<String, Value>) -> Option<Assertion> {
    let (id, response) = common(credential)?;
    let user_handle = match response.get("userHandle") {
        None | Some(Value::Null) => None,
        Some(_) => Some(bytes(response, "userHandle")?),
    };
    Some(Assertion {
        id,
        client_data: bytes(response, "clientDataJSON")?,
        authenticator_data: bytes(response, "authenticatorData")?,
        signature: bytes(response, "signature")?,
        user_handle,
    })
}

/// The id, which is there twice, and the answer.
fn common(credential: &Map<String, Value>) -> Option<(CredentialId, &Map<String, Value>)> {
    let is_key = credential.get("type").and_then(Value::as_str) == Some("public-key");
    let (id, raw_id) = (bytes(credential, "id")?, bytes(credential, "rawId")?);
    let id = CredentialId::new(id).filter(|id| is_key && id.bytes() == raw_id)?;
    Some((id, credential.get("response")?.as_object()?))
}

fn bytes(members: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(members.get(name)?.as_str()?).ok()
}
