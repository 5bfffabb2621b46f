//! Passkeys, as the W3C's Web Authentication Level 3 has a relying party check them: sections 7.1 (a new one) and 7.2 (one that is used).
//!
//! What an authenticator says of its make is not asked for and not looked at (attestation `none`): it would tell apart people, not
//! good keys from bad.

mod authenticator_data;
mod cbor;
mod client_data;
mod public_key;
#[cfg(test)]
mod tests;

pub use client_data::challenge_of;
pub use public_key::ALGORITHMS;

use authenticator_data::{AuthenticatorData, is_of};
use client_data::ClientData;
use public_key::PublicKey;

use super::digest::sha256;
use crate::config::passkeys::PasskeyOrigins;
use crate::domain::factor::{Assertion, Attestation, Credential};

/// For whom passkeys are made, and whose pages may ask for them.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// `PASSKEY_RP_ID`: a domain, which browsers compare with the page's.
    pub id: String,
    /// Whose pages.
    pub origins: PasskeyOrigins,
}

/// Why an answer is refused: the first thing that is wrong with it. For logs and tests; outside it is one refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `clientDataJSON` is none.
    #[error("the client data can't be read")]
    ClientData,
    /// It is the answer to another question.
    #[error("it answers another question")]
    Type,
    /// It is another challenge.
    #[error("it has another challenge")]
    Challenge,
    /// A page asked that may not, or inside another one.
    #[error("another page has asked")]
    Origin,
    /// `attestationObject` or `authenticatorData` is none.
    #[error("the authenticator's data can't be read")]
    AuthenticatorData,
    /// It is for another domain.
    #[error("it is for another domain")]
    RpId,
    /// Nobody was there.
    #[error("nobody has touched the authenticator")]
    NotPresent,
    /// Nobody has made sure who it was.
    #[error("the authenticator has not verified its owner")]
    NotVerified,
    /// Whether it can be copied is told otherwise than before, or makes no sense.
    #[error("what it tells of copies does not fit")]
    Backup,
    /// The ids are not the same.
    #[error("it is another passkey")]
    Id,
    /// The public key is none, or of another kind than was asked for.
    #[error("the public key is of no use")]
    PublicKey,
    /// The signature is another one.
    #[error("the signature is wrong")]
    Signature,
}

/// What a passkey has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whether its authenticator has made sure who holds it.
    pub is_verified: bool,
    /// How often it has signed, as it says.
    pub sign_count: u32,
}

impl RelyingParty {
    /// Checks a new passkey: steps 5 to 27 of section 7.1. Its owner was verified. Whether its id is taken is for the database to say.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn register(&self, answer: &Attestation, challenge: &[u8; 32]) -> Result<Credential, Refused> {
        ClientData::read(&answer.client_data)?.check("webauthn.create", challenge, &self.origins)?;
        let bytes = cbor::authenticator_data(&answer.object).ok_or(Refused::AuthenticatorData)?;
        let data = AuthenticatorData::read(&bytes).ok_or(Refused::AuthenticatorData)?;
        self.check(&data, true)?;
        let made = data.attested.ok_or(Refused::AuthenticatorData)?;
        if made.credential_id != answer.id.bytes() {
            return Err(Refused::Id);
        }
        PublicKey::read(made.public_key).ok_or(Refused::PublicKey)?;
        Ok(Credential {
            id: answer.id.clone(),
            rp_id: self.id.clone(),
            public_key: made.public_key.to_vec(),
            is_synced: data.flags.backup_eligible,
            sign_count: data.sign_count,
            transports: answer.transports.clone(),
        })
    }

    /// Checks a passkey that is used: steps 6 to 21 of section 7.2. `must_verify`: it is all that is proved. Whose it is, and what a
    /// counter that goes back means, is for the caller to say.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn assert(
        &self,
        answer: &Assertion,
        challenge: &[u8; 32],
        credential: &Credential,
        must_verify: bool,
    ) -> Result<Shown, Refused> {
        if answer.id != credential.id {
            return Err(Refused::Id);
        }
        ClientData::read(&answer.client_data)?.check("webauthn.get", challenge, &self.origins)?;
        let data = AuthenticatorData::read(&answer.authenticator_data).ok_or(Refused::AuthenticatorData)?;
        if credential.rp_id != self.id {
            return Err(Refused::RpId);
        }
        self.check(&data, must_verify)?;
        // A new key has no place in an answer of an old one.
        if data.attested.is_some() {
            return Err(Refused::AuthenticatorData);
        }
        if data.flags.backup_eligible != credential.is_synced {
            return Err(Refused::Backup);
        }
        let key = PublicKey::read(&credential.public_key).ok_or(Refused::PublicKey)?;
        let signed = [&answer.authenticator_data[..], &sha256(&answer.client_data)].concat();
        key.verify(&signed, &answer.signature).ok_or(Refused::Signature)?;
        Ok(Shown { is_verified: data.flags.user_verified, sign_count: data.sign_count })
    }

    fn check(&self, data: &AuthenticatorData<'_>, must_verify: bool) -> Result<(), Refused> {
        if !is_of(data, &self.id) {
            return Err(Refused::RpId);
        }
        if !data.flags.user_present {
            return Err(Refused::NotPresent);
        }
        if must_verify && !data.flags.user_verified {
            return Err(Refused::NotVerified);
        }
        if data.flags.backed_up && !data.flags.backup_eligible {
            return Err(Refused::Backup);
        }
        Ok(())
    }
}
