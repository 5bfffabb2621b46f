//! `clientDataJSON`: what the browser was asked for, and by which page (Web Authentication, section 5.8.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::Refused;
use crate::config::passkeys::PasskeyOrigins;

/// Members that browsers add later are ignored.
#[derive(Deserialize)]
pub(super) struct ClientData {
    #[serde(rename = "type")]
    question: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    is_cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

/// The challenge that it answers. None: it is none of ours.
#[must_use]
pub fn challenge_of(client_data: &[u8]) -> Option<[u8; 32]> {
    ClientData::read(client_data).ok()?.challenge()
}

impl ClientData {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refused> {
        serde_json::from_slice(bytes).map_err(|_| Refused::ClientData)
    }

    fn challenge(&self) -> Option<[u8; 32]> {
        URL_SAFE_NO_PAD.decode(&self.challenge).ok()?.try_into().ok()
    }

    /// A page inside another one is no page of ours, even where both are: nobody sees whom it asks for.
    pub(super) fn check(&self, question: &str, challenge: &[u8; 32], origins: &PasskeyOrigins) -> Result<(), Refused> {
        if self.question != question {
            return Err(Refused::Type);
        }
        if self.challenge().as_ref() != Some(challenge) {
            return Err(Refused::Challenge);
        }
        let is_ours = origins.allow(&self.origin) && !self.is_cross_origin && self.top_origin.is_none();
        if is_ours { Ok(()) } else { Err(Refused::Origin) }
    }
}
