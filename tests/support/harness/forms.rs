//! How a secret might look where it does not belong.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// These bytes as text, in hexadecimal digits, in both kinds of base64, and as a list of numbers.
pub(crate) fn forms(bytes: &[u8]) -> [String; 6] {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    [
        String::from_utf8_lossy(bytes).into_owned(),
        hex.to_uppercase(),
        hex,
        URL_SAFE_NO_PAD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        serde_json::to_string(bytes).expect("JSON"),
    ]
}
