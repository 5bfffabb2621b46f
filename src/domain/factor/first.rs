//! What the first factor of an account takes beside a proof of the password: that its owner is there.

use std::fmt;

use zeroize::Zeroizing;

use super::recovery::{read, written};
use crate::domain::mail::LinkToken;

/// A code that was mailed to the address of the account, or that an operator has given to its owner. 40 bits of its token, which is
/// derived by a key of the server: no row tells it. So many that guessing is no way, by however many sessions.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentCode(Zeroizing<[u8; 5]>);

impl EnrolmentCode {
    /// The one of a token.
    #[must_use]
    pub fn of(token: &LinkToken) -> Self {
        let mut bytes = Zeroizing::new([0; 5]);
        bytes.copy_from_slice(&token.bytes()[..5]);
        Self(bytes)
    }

    /// Reads what somebody has typed: capitals, spaces and hyphens are nothing, and what looks alike is the same. None: it is no such code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = read(text, 8)?.to_be_bytes();
        bytes[11..].try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The written form: two groups of four letters.
    #[must_use]
    pub fn reveal(&self) -> String {
        written(&self.0[..])
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_read_as_people_write() {
        let code = EnrolmentCode::parse("0123-4567").unwrap();
        assert_eq!(code.reveal(), "0123-4567");
        for text in ["O123 4567", "oI234567", " 0l23-4567 "] {
            assert_eq!(EnrolmentCode::parse(text), Some(code.clone()), "{text}");
        }
        for text in ["", "0123-456", "0123-45678", "0123-456u", "\u{e9}", "123456"] {
            assert_eq!(EnrolmentCode::parse(text), None, "{text}");
        }
        assert_eq!(format!("{code:?}"), "EnrolmentCode(..)");
    }

    proptest! {
        #[test]
        fn every_code_is_read_back(bytes: [u8; 32]) {
            let code = EnrolmentCode::of(&LinkToken::new(bytes));
            prop_assert_eq!(EnrolmentCode::parse(&code.reveal()), Some(code));
        }
    }
}
