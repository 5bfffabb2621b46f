//! Codes of authenticator apps (RFC 6238): SHA-1, six digits, thirty seconds, which is what all apps take for granted and several take for
//! all there is.

use std::fmt::{self, Write as _};

use zeroize::Zeroizing;

use crate::domain::account::Email;
use crate::domain::timestamp::Timestamp;

/// How many digits a code has.
pub const DIGITS: usize = 6;
/// How long one is shown, in seconds.
pub const PERIOD: i64 = 30;
/// How many steps a phone's clock may differ, each way.
const DRIFT: i64 = 1;
/// The most characters of a name that a code's label shows: the symbol must stay small enough to be read from a screen.
const MAX_LABEL: usize = 64;

/// What the app and the service share: 160 random bits, as long as what SHA-1 makes (RFC 4226, section 4).
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 20]>);

/// Which period of thirty seconds since 1970.
pub type Step = i64;

/// Steps whose codes are good.
pub type Steps = std::ops::RangeInclusive<Step>;

/// A code as it was typed, without the spaces that apps show in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(u32);

impl SecretKey {
    /// From bytes that nobody can guess.
    #[must_use]
    pub fn new(bytes: [u8; 20]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// What is typed into an app that reads no symbol: Base32 (RFC 4648), capitals, no padding.
    #[must_use]
    pub fn base32(&self) -> String {
        base32(&self.0[..], b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl Code {
    /// Reads a code. None: it is no six digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // No message needs more, spaces and all.
        if text.len() > 64 {
            return None;
        }
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let is_code = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// From what HMAC-SHA-1 has made of a step: dynamic truncation (RFC 4226, section 5.3).
    #[must_use]
    pub fn truncate(mac: &[u8; 20]) -> Self {
        let at = usize::from(mac[19] & 0x0f);
        let word = [mac[at] & 0x7f, mac[at + 1], mac[at + 2], mac[at + 3]];
        Self(u32::from_be_bytes(word) % 1_000_000)
    }

    /// Its digits.
    #[must_use]
    pub fn digits(self) -> [u8; DIGITS] {
        let mut digits = [b'0'; DIGITS];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        digits
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// The steps whose codes are good now, those from before the last used one left out: a code is good once.
#[must_use]
pub fn steps(now: Timestamp, last_used: Step) -> Steps {
    let current = now.seconds().div_euclid(PERIOD);
    (current - DRIFT).max(last_used.saturating_add(1))..=current + DRIFT
}

/// What the symbol says: the `otpauth` address of the secret, in the form that every app reads. The issuer stands in it twice, and nothing
/// of algorithm, digits and period: some apps ignore those, and some refuse an address that names them.
#[must_use]
pub fn uri(issuer: &str, account: &Email, secret: &SecretKey) -> String {
    // A colon would end the issuer.
    let issuer: String = issuer.chars().filter(|c| *c != ':').take(MAX_LABEL).collect();
    let issuer = percent_encoded(issuer.trim());
    let account: String = account.as_str().chars().filter(|c| *c != ':').take(MAX_LABEL).collect();
    format!("otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}", percent_encoded(&account), secret.base32())
}

/// All but what RFC 3986 calls unreserved. A space is `%20`: several apps show a `+` as it is.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Five bits a character, of as many bytes as give whole ones.
pub(super) fn base32(bytes: &[u8], alphabet: &[u8; 32]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut word = [0; 8];
        word[3..3 + chunk.len()].copy_from_slice(chunk);
        let word = u64::from_be_bytes(word);
        for at in 0..(chunk.len() * 8).div_ceil(5) {
            let index = (word >> (35 - 5 * at)) & 31;
            text.push(char::from(alphabet[usize::try_from(index).unwrap_or_default()]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 4226, section 5.4.
    #[test]
    fn truncates_as_the_standard_does() {
        let mac = [
            0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e, 0x94, 0x5b,
            0x55, 0x5a,
        ];
        assert_eq!(Code::truncate(&mac).digits(), *b"872921");
    }

    /// RFC 4648, section 10.
    #[test]
    fn writes_base32_without_padding() {
        let text = |bytes: &str| base32(bytes.as_bytes(), b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
        let all = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(text);
        assert_eq!(all, ["", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"]);
    }

    #[test]
    fn codes_are_read_as_they_are_shown() {
        let digits = |text: &str| Code::parse(text).map(Code::digits);
        for text in ["012345", "012 345", " 01 23 45\n", "012\u{a0}345"] {
            assert_eq!(digits(text), Some(*b"012345"), "{text:?}");
        }
        for text in ["", "12345", "1234567", "12345a", "-12345", "+12345", "１２３４５６", "012-345", &" ".repeat(65)]
        {
            assert_eq!(digits(text), None, "{text:?}");
        }
        assert_eq!(format!("{:?}", Code::parse("012345")), "Some(Code(..))");
    }

    #[test]
    fn a_step_each_way_is_good_and_none_twice() {
        let now = Timestamp::from_seconds(30 * 100 + 29);
        assert_eq!(steps(now, Step::MIN), 99..=101);
        assert_eq!(steps(now, 98), 99..=101);
        assert_eq!(steps(now, 100), 101..=101);
        assert!(steps(now, 101).is_empty() && steps(now, Step::MAX).is_empty());
        assert_eq!(steps(Timestamp::from_seconds(-1), Step::MIN), -2..=0);
    }

    #[test]
    fn the_address_is_the_one_that_apps_read() {
        let (ann, secret) = (Email::parse("ann+a@example.com").unwrap(), SecretKey::new([0xff; 20]));
        assert_eq!(
            uri("My: App", &ann, &secret),
            format!("otpauth://totp/My%20App:ann%2Ba%40example.com?secret={}&issuer=My%20App", "7".repeat(32))
        );
        assert_eq!(format!("{secret:?}"), "SecretKey(..)");
    }

    proptest! {
        #[test]
        fn the_address_is_short_and_of_plain_characters(issuer in "\\PC{0,200}", local in "[a-z]{1,64}") {
            let account = Email::parse(&format!("{local}@example.com")).unwrap();
            let uri = uri(&issuer, &account, &SecretKey::new([0; 20]));
            prop_assert!(uri.is_ascii() && uri.len() < 1_500);
            prop_assert_eq!(uri.matches(':').count(), 2);
        }
    }
}
