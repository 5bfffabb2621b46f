//! A person with an account.

use std::fmt;

use super::email::Email;
use crate::domain::timestamp::Timestamp;

/// Identifies a user; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the service tells about a user. The password hash is not part of it: see `storage::account::Credentials`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Identifies the user.
    pub id: UserId,
    /// In canonical form, unique.
    pub email: Email,
    /// When it was shown that whoever has the account reads the mail of this address. None: never.
    pub email_verified_at: Option<Timestamp>,
    /// Never empty: an empty one is stored as none.
    pub full_name: Option<FullName>,
    /// A disabled user can neither log in nor use a session.
    pub is_active: bool,
    /// Read by the application beside Doorward; Doorward itself gives it no rights.
    pub is_superuser: bool,
    /// When the user registered.
    pub created_at: Timestamp,
    /// The last successful login.
    pub last_login: Option<Timestamp>,
    /// How the software that the account came from names it, where that is no number.
    pub external_id: Option<ExternalId>,
}

/// A person's name as they wrote it: 1 to 200 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName(String);

/// Why a text can't be a [`FullName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullNameError {
    /// More than 200 characters.
    TooLong,
    /// Holds a control character.
    ControlCharacter,
}

impl FullName {
    /// How many characters a name may have.
    pub const MAX_CHARS: usize = 200;

    /// Parses a name; one that is empty or only white space is none.
    ///
    /// # Errors
    /// When it is too long or holds control characters.
    pub fn parse(text: &str) -> Result<Option<Self>, FullNameError> {
        if text.chars().any(char::is_control) {
            return Err(FullNameError::ControlCharacter);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(FullNameError::TooLong);
        }
        let text = text.trim();
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the software that an account came from names it, where that is no number: at most 255 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// How many characters one may have.
    pub const MAX_CHARS: usize = 255;

    /// Takes it exactly as it is. None: it is empty, too long, or holds control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
