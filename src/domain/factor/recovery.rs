//! Recovery codes: written down by a person, and typed in once, where the app is lost.

use std::fmt;

use zeroize::Zeroizing;

use super::totp::base32;

/// How many an account gets at once.
pub const RECOVERY_CODES: usize = 10;
/// Crockford's: no letter that could be another, or a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many characters stand together.
const GROUP: usize = 4;

/// 80 random bits. Written as four groups of four characters that can be read out.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<[u8; 10]>);

impl RecoveryCode {
    /// From bytes that nobody can guess.
    #[must_use]
    pub fn new(bytes: [u8; 10]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads what somebody has typed: capitals, spaces and hyphens are nothing, and what looks alike is the same. None: it is no such code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = read(text, 16)?;
        word.to_be_bytes()[6..].try_into().ok().map(Self::new)
    }

    /// The bytes, to be hashed.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 10] {
        &self.0
    }

    /// The written form.
    #[must_use]
    pub fn reveal(&self) -> String {
        written(&self.0[..])
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

/// Bytes in groups of letters that can be read out.
pub(super) fn written(bytes: &[u8]) -> String {
    let text = base32(bytes, ALPHABET);
    let groups: Vec<_> = text.as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect();
    groups.join("-")
}

/// Reads so many letters that somebody has typed: capitals, spaces and hyphens are nothing, and what looks alike is the same. None: it is
/// something else.
pub(super) fn read(text: &str, letters: usize) -> Option<u128> {
    if text.len() > 100 {
        return None;
    }
    let mut word: u128 = 0;
    let mut count = 0;
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let c = match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        };
        let value = ALPHABET.iter().position(|known| char::from(*known) == c)?;
        word = word << 5 | u128::try_from(value).ok()?;
        count += 1;
        if count > letters {
            return None;
        }
    }
    (count == letters).then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_alike_is_the_same() {
        let code = RecoveryCode::parse("0123-4567-89ab-cdef").unwrap();
        assert_eq!(code.reveal(), "0123-4567-89ab-cdef");
        for text in ["O123 4567 89AB CDEF", "oI23456789abcdef", " 0l23-4567-89ab-cdef "] {
            assert_eq!(RecoveryCode::parse(text), Some(code.clone()), "{text}");
        }
        for text in ["", "0123-4567-89ab-cde", "0123-4567-89ab-cdef0", "0123-4567-89ab-cdeu", "é", &"0".repeat(101)] {
            assert_eq!(RecoveryCode::parse(text), None, "{text}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(..)");
    }

    proptest! {
        #[test]
        fn every_code_is_read_back(bytes: [u8; 10]) {
            let code = RecoveryCode::new(bytes);
            prop_assert_eq!(RecoveryCode::parse(&code.reveal()), Some(code.clone()));
            prop_assert_eq!(code.reveal().len(), 19);
        }

        #[test]
        fn whatever_is_typed_is_borne(text in "\\PC{0,60}") {
            if let Some(code) = RecoveryCode::parse(&text) {
                prop_assert_eq!(RecoveryCode::parse(&code.reveal()), Some(code));
            }
        }
    }
}
