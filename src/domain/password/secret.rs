//! Passwords and their hashes. Neither shows itself.

use std::fmt;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use zeroize::Zeroizing;

/// A password that bcrypt can tell from every other: no NUL, at most 71 bytes. Nothing is said of its strength: see the policy.
///
/// The same letters can be written in several ways: an `é` is one character or two, as the keyboard has it. What is hashed is one form
/// of them, NFC (NIST SP 800-63B-4, 3.1.1.2), in which the bytes are counted; other programs hash what was typed, which is kept for that.
#[derive(Clone)]
pub struct Password {
    composed: Zeroizing<String>,
    /// Where that is not the same.
    typed: Option<Zeroizing<String>>,
}

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
        let typed = Zeroizing::new(text);
        let (composed, typed) = if is_nfc(&typed) { (typed, None) } else { (composed(&typed), Some(typed)) };
        if composed.len() > Self::MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        if composed.contains('\0') {
            return Err(PasswordError::Nul);
        }
        Ok(Self { composed, typed })
    }

    /// The password in the form that is hashed, for the one place that does so.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.composed
    }

    /// The password as it was typed, for hashes of programs that leave it so.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        self.typed.as_ref().unwrap_or(&self.composed)
    }

    /// Whether it was typed in another form than the one that is hashed.
    #[must_use]
    pub const fn is_decomposed(&self) -> bool {
        self.typed.is_some()
    }
}

/// A text in NFC.
pub(super) fn composed(text: &str) -> Zeroizing<String> {
    // So much that it does not grow, and leaves nothing behind: of one character NFC makes three at most (UAX 15).
    let mut composed = Zeroizing::new(String::with_capacity(text.len() * 3));
    composed.extend(text.nfc());
    composed
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What is stored of a password, as text: what it means is [`Stored`](super::Stored)'s to say.
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
    use proptest::prelude::*;

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
    fn one_form_of_the_same_letters_is_hashed_and_the_typed_one_is_kept() {
        let (one, two) = (parse("Caf\u{e9}").unwrap(), parse("Cafe\u{301}").unwrap());
        assert_eq!((one.reveal(), one.as_typed(), one.is_decomposed()), ("Caf\u{e9}", "Caf\u{e9}", false));
        assert_eq!((two.reveal(), two.as_typed(), two.is_decomposed()), ("Caf\u{e9}", "Cafe\u{301}", true));
        // 105 bytes as typed, 70 when composed.
        assert!(parse(&"e\u{301}".repeat(35)).is_ok());
        // Letters that look alike, or mean the same, stay different: NFC, not NFKC.
        assert_eq!(parse("\u{fb01}\u{ff21}").unwrap().reveal(), "\u{fb01}\u{ff21}");
    }

    #[test]
    fn neither_shows_itself() {
        assert_eq!(format!("{:?}", parse("secret")), "Ok(Password(..))");
        assert_eq!(format!("{:?}", PasswordHash::new("$2b$04$secret".to_owned())), "PasswordHash(..)");
    }

    proptest! {
        #[test]
        fn composing_twice_changes_nothing_and_never_reallocates(text in "\\PC{0,40}") {
            let once = composed(&text);
            prop_assert!(once.capacity() <= text.len() * 3 || text.is_empty());
            let twice = composed(&once);
            prop_assert_eq!(twice.as_str(), once.as_str());
        }
    }
}
