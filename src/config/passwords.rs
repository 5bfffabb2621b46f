//! Password policy and bcrypt cost.

use url::Url;

use super::declarations::{BCRYPT_COST, PASSWORD_COMPOSITION, RESET_URL};
use super::kinds::is_open;
use super::setting::Reader;

/// Settings of passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// `BCRYPT_COST`: 4 to 16; a hash takes 2^cost rounds.
    pub cost: u32,
    /// `PASSWORD_COMPOSITION`: whether an upper-case and a lower-case letter and a digit are required.
    pub composition: bool,
    /// `RESET_URL`: the page that takes a reset token, without a fragment.
    pub reset_url: Option<Url>,
}

impl Passwords {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let cost = reader.get(&BCRYPT_COST);
        reader.refuse_in_production(
            cost.is_some_and(|cost| cost < 12),
            &BCRYPT_COST,
            "must be 12 or more in production: cheaper hashes are guessed too fast once a database leaks",
        );
        let composition = reader.get(&PASSWORD_COMPOSITION);
        let reset_url = reader.get(&RESET_URL);
        reader.refuse_in_production(
            is_open(reset_url.as_ref()),
            &RESET_URL,
            "must begin with https:// in production: whoever is on the way could change the page, and take the token from it",
        );
        Some(Self { cost: cost?, composition: composition?, reset_url })
    }
}
