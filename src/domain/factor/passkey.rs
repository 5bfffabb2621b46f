//! Passkeys: what is kept of one, and how it is called.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::timestamp::Timestamp;

/// How many passkeys an account may have.
pub const MAX_PASSKEYS: usize = 20;

/// How an account is called among passkeys: 128 random bits, which tell nothing of it (Web Authentication, section 14.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserHandle(pub [u8; 16]);

/// How a passkey is called by its owner's pages: 128 random bits. Not the id by which authenticators know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PasskeyId(pub [u8; 16]);

impl PasskeyId {
    /// Parses the written form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for PasskeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// The id by which authenticators know a passkey: 16 to 1023 bytes (Web Authentication, sections 4 and 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// Takes the bytes. None: there are too few, or too many.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (16..=1023).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What the owner calls a passkey: 1 to 60 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyName(String);

impl PasskeyName {
    /// How many characters a name may have.
    pub const MAX_CHARS: usize = 60;

    /// Parses a name, without the white space around it. None: it is empty, too long, or has control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an authenticator has made, and is checked by later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// By which authenticators know it.
    pub id: CredentialId,
    /// For which site it was made (`rp.id`).
    pub rp_id: String,
    /// Its public key, as a `COSE_Key` (RFC 9052).
    pub public_key: Vec<u8>,
    /// Whether it may be copied to other devices of its owner: that never changes.
    pub is_synced: bool,
    /// How often it has signed, as its authenticator counts; 0 where it does not.
    pub sign_count: u32,
    /// How browsers reach its authenticator, such as `internal usb`: what they say themselves, and are told again.
    pub transports: Vec<String>,
}

/// A passkey of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// How pages call it.
    pub id: PasskeyId,
    /// What it is checked by.
    pub credential: Credential,
    /// What the owner calls it.
    pub name: PasskeyName,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was used last. None: never.
    pub last_used_at: Option<Timestamp>,
}

/// Whether a counter has gone back, or stood still: the passkey may have been copied (Web Authentication, section 7.2). One that does not count
/// says 0 always.
#[must_use]
pub const fn has_gone_back(stored: u32, told: u32) -> bool {
    (stored > 0 || told > 0) && told <= stored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_for_people() {
        let name = |text: &str| PasskeyName::parse(text).map(|name| name.as_str().to_owned());
        assert_eq!(name("  My phone ").as_deref(), Some("My phone"));
        assert_eq!(name(&"ü".repeat(60)).map(|name| name.chars().count()), Some(60));
        for bad in ["", "  ", "a\nb", &"x".repeat(61)] {
            assert_eq!(name(bad), None);
        }
    }

    #[test]
    fn a_counter_that_counts_must_rise() {
        for (stored, told, back) in
            [(0, 0, false), (0, 1, false), (1, 2, false), (1, 1, true), (2, 1, true), (1, 0, true)]
        {
            assert_eq!(has_gone_back(stored, told), back, "{stored} {told}");
        }
    }

    #[test]
    fn ids_have_their_sizes() {
        for (length, fits) in [(0, false), (15, false), (16, true), (1023, true), (1024, false)] {
            assert_eq!(CredentialId::new(vec![1; length]).is_some(), fits, "{length}");
        }
        let id = PasskeyId([7; 16]);
        assert_eq!(PasskeyId::parse(&id.to_string()), Some(id));
        assert_eq!(PasskeyId::parse("short"), None);
    }
}
