//! What browsers send of an authenticator: the parts of `PublicKeyCredential.toJSON()` that are looked at, decoded.

use super::passkey::CredentialId;

/// An authenticator's answer when a passkey is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// By which it will be known.
    pub id: CredentialId,
    /// `clientDataJSON`: what the browser has asked for, and from which page.
    pub client_data: Vec<u8>,
    /// `attestationObject`.
    pub object: Vec<u8>,
    /// How browsers reach it.
    pub transports: Vec<String>,
}

/// An authenticator's answer when a passkey is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Which passkey it is.
    pub id: CredentialId,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
    /// `userHandle`: whose passkey it is, as the authenticator knows.
    pub user_handle: Option<Vec<u8>>,
}
