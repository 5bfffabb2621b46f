//! Passwords and their hashes. Neither shows itself.

use std::fmt;

use zeroize::Zeroizing;

/// A password that bcrypt can tell from every other: no NUL, at most 71 bytes. Nothing is said of its strength: see the policy.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// No account can have this password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// More than 71 bytes.
    TooLong,
    /// Holds a NUL.
    Nul,
}

impl Password {
    /// What bcrypt can tell apart.
    pub const MAX_BYTES: usize = 71;

    /// Takes a password.
    ///
    /// # Errors
    /// When bcrypt would not look at all of it.
    pub fn parse(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        if text.len() > Self::MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        if text.contains('\0') {
            return Err(PasswordError::Nul);
        }
        Ok(Self(text))
    }

    /// The password, for the one place that hashes it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A stored bcrypt hash, as text. May come from elsewhere: whoever verifies looks at its form first.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes what is stored.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The hash, to be stored or verified.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Password, PasswordError> {
        Password::parse(text.to_owned())
    }

    #[test]
    fn shape_is_all_that_is_asked() {
        for text in ["", "x", "password", " spaces ", "\u{1}\u{7f}\u{200b}", &"x".repeat(71)] {
            assert_eq!(parse(text).unwrap().reveal(), text);
        }
    }

    #[test]
    fn what_bcrypt_would_not_look_at_is_refused() {
        assert_eq!(parse(&"x".repeat(72)).unwrap_err(), PasswordError::TooLong);
        // 36 characters, but 72 bytes.
        assert_eq!(parse(&"é".repeat(36)).unwrap_err(), PasswordError::TooLong);
        assert!(parse(&"é".repeat(35)).is_ok());
        assert_eq!(parse("Passw0rd\0Passw0rd").unwrap_err(), PasswordError::Nul);
    }

    #[test]
    fn neither_shows_itself() {
        assert_eq!(format!("{:?}", parse("secret")), "Ok(Password(..))");
        assert_eq!(format!("{:?}", PasswordHash::new("$2b$04$secret".to_owned())), "PasswordHash(..)");
    }
}
