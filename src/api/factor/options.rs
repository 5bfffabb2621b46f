//! What browsers take to ask an authenticator: the JSON of `PublicKeyCredential.parseCreationOptionsFromJSON` and
//! `parseRequestOptionsFromJSON` (Web Authentication, section 5.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::Object;
use poem_openapi::types::Example;

use super::credential::{CredentialType, EXAMPLE_ID};
use crate::domain::account::{FullName, User};
use crate::domain::factor::Ceremony;
use crate::service::factor::{self, Known};

/// For a new passkey: what `PublicKeyCredential.parseCreationOptionsFromJSON` takes.
#[derive(Object)]
#[oai(example, rename_all = "camelCase")]
pub(in crate::api) struct PasskeyCreationOptions {
    /// For whom it is made.
    rp: RelyingParty,
    /// Whose it will be.
    user: PasskeyUser,
    /// What is signed, in base64url.
    challenge: String,
    /// Which kinds of keys, the one that is wanted most first.
    pub_key_cred_params: Vec<KeyKind>,
    /// For how long the browser asks, in milliseconds.
    timeout: u32,
    /// The passkeys that the account has: none of their authenticators makes another.
    exclude_credentials: Vec<PasskeyDescriptor>,
    /// What the authenticator must be able to do.
    authenticator_selection: AuthenticatorSelection,
    /// `none`: nothing is asked of the authenticator's make.
    attestation: String,
}

/// For a passkey that there is: what `PublicKeyCredential.parseRequestOptionsFromJSON` takes.
#[derive(Object)]
#[oai(example, rename_all = "camelCase")]
pub(in crate::api) struct PasskeyRequestOptions {
    /// What is signed, in base64url.
    challenge: String,
    /// For how long the browser asks, in milliseconds.
    timeout: u32,
    /// The domain that the passkey was made for.
    rp_id: String,
    /// Which it may be; empty: whichever the person chooses.
    allow_credentials: Vec<PasskeyDescriptor>,
    /// `required` or `preferred`: whether the authenticator makes sure, by a finger or a PIN, who holds it.
    user_verification: String,
}

/// For whom passkeys are made.
#[derive(Object)]
struct RelyingParty {
    /// The domain.
    id: String,
    /// Its name.
    name: String,
}

/// Whose a passkey will be.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct PasskeyUser {
    /// How the account is called among passkeys, in base64url: random, and not its id.
    id: String,
    /// Its email.
    name: String,
    /// The person's name, or their email.
    display_name: String,
}

/// A kind of key.
#[derive(Object)]
struct KeyKind {
    /// Always `public-key`.
    #[oai(rename = "type")]
    kind: CredentialType,
    /// Its number among COSE's algorithms.
    alg: i32,
}

/// A passkey, as browsers know it.
#[derive(Object)]
struct PasskeyDescriptor {
    /// Identifies it, in base64url.
    id: String,
    /// Always `public-key`.
    #[oai(rename = "type")]
    kind: CredentialType,
    /// How browsers reach its authenticator; empty where that is not known.
    transports: Vec<String>,
}

/// What the authenticator must be able to do.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct AuthenticatorSelection {
    /// `required`: it offers the passkey by itself.
    resident_key: String,
    /// The same, for older browsers.
    require_resident_key: bool,
    /// `required`: it makes sure who holds it.
    user_verification: String,
}

fn timeout() -> u32 {
    u32::try_from(Ceremony::LIFE.as_millis()).unwrap_or(u32::MAX)
}

fn descriptors(known: Vec<Known>) -> Vec<PasskeyDescriptor> {
    let describe = |Known { id, transports }| PasskeyDescriptor {
        id: URL_SAFE_NO_PAD.encode(id.bytes()),
        kind: CredentialType::PublicKey,
        transports,
    };
    known.into_iter().map(describe).collect()
}

impl PasskeyCreationOptions {
    /// As browsers take them. The cookie goes beside them.
    pub(in crate::api) fn of(options: factor::CreationOptions) -> Self {
        let User { email, full_name, .. } = options.user;
        let display_name = full_name.as_ref().map_or(email.as_str(), FullName::as_str).to_owned();
        let kind = CredentialType::PublicKey;
        Self {
            rp: RelyingParty { id: options.rp_id, name: options.rp_name },
            user: PasskeyUser {
                id: URL_SAFE_NO_PAD.encode(options.handle.0),
                name: email.as_str().to_owned(),
                display_name,
            },
            challenge: URL_SAFE_NO_PAD.encode(options.challenge),
            pub_key_cred_params: options.algorithms.into_iter().map(|alg| KeyKind { kind, alg }).collect(),
            timeout: timeout(),
            exclude_credentials: descriptors(options.exclude),
            authenticator_selection: AuthenticatorSelection {
                resident_key: "required".to_owned(),
                require_resident_key: true,
                user_verification: "required".to_owned(),
            },
            attestation: "none".to_owned(),
        }
    }
}

impl PasskeyRequestOptions {
    /// As browsers take them. The cookie goes beside them.
    pub(in crate::api) fn of(options: factor::RequestOptions) -> Self {
        Self {
            challenge: URL_SAFE_NO_PAD.encode(options.challenge),
            timeout: timeout(),
            rp_id: options.rp_id,
            allow_credentials: descriptors(options.allow),
            user_verification: if options.must_verify { "required" } else { "preferred" }.to_owned(),
        }
    }
}

const EXAMPLE_CHALLENGE: &str = "c5vYwq2gk1mYgU3m5w0H9k3fN2JcCq1b7x0m0o7c6aE";

impl Example for PasskeyCreationOptions {
    fn example() -> Self {
        let kind = CredentialType::PublicKey;
        Self {
            rp: RelyingParty { id: "example.com".into(), name: "Example".into() },
            user: PasskeyUser {
                id: "Huk0zwUiSR4aN4igtFYDPg".into(),
                name: "user@example.com".into(),
                display_name: "Ann Example".into(),
            },
            challenge: EXAMPLE_CHALLENGE.into(),
            pub_key_cred_params: [-7, -8, -257].into_iter().map(|alg| KeyKind { kind, alg }).collect(),
            timeout: timeout(),
            exclude_credentials: Vec::new(),
            authenticator_selection: AuthenticatorSelection {
                resident_key: "required".into(),
                require_resident_key: true,
                user_verification: "required".into(),
            },
            attestation: "none".into(),
        }
    }
}

impl Example for PasskeyRequestOptions {
    fn example() -> Self {
        Self {
            challenge: EXAMPLE_CHALLENGE.into(),
            timeout: timeout(),
            rp_id: "example.com".into(),
            allow_credentials: vec![PasskeyDescriptor {
                id: EXAMPLE_ID.into(),
                kind: CredentialType::PublicKey,
                transports: vec!["internal".into()],
            }],
            user_verification: "required".into(),
        }
    }
}
