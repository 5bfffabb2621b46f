//! The alphabets of base64 that stored hashes are written in. Each is read strictly: one text for one value.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD, STANDARD_NO_PAD};

/// bcrypt's own order of the letters.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// bcrypt's: `./A-Za-z0-9`, without padding.
pub(super) fn bcrypt<const N: usize>(text: &str) -> Option<[u8; N]> {
    BCRYPT.decode(text).ok()?.try_into().ok()
}

/// What bcrypt's alphabet reads.
#[must_use]
pub fn bcrypt_text(bytes: &[u8]) -> String {
    BCRYPT.encode(bytes)
}

/// RFC 4648 without padding.
pub(super) fn bare(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// What [`bare`] reads.
pub(super) fn bare_text(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// RFC 4648 with its padding, or all of it left out.
pub(super) fn padded_or_bare(text: &str) -> Option<Vec<u8>> {
    if text.ends_with('=') { STANDARD.decode(text).ok() } else { bare(text) }
}

/// passlib's: `.` in the place of `+`, without padding.
pub(super) fn passlib(text: &str) -> Option<Vec<u8>> {
    if text.contains('+') { None } else { bare(&text.replace('.', "+")) }
}

/// Hexadecimal, in either case.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
