//! Password policy and bcrypt cost.

use super::declarations::{BCRYPT_COST, PASSWORD_COMPOSITION};
use super::setting::Reader;

/// Settings of passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// `BCRYPT_COST`: 4 to 16; a hash takes 2^cost rounds.
    pub cost: u32,
    /// `PASSWORD_COMPOSITION`: whether an upper-case and a lower-case letter and a digit are required.
    pub composition: bool,
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
        Some(Self { cost: cost?, composition: composition? })
    }
}
