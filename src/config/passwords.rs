//! Password policy and bcrypt cost.

/// Settings of passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// `BCRYPT_COST`: 4 to 16; a hash takes 2^cost rounds.
    pub cost: u32,
    /// `PASSWORD_COMPOSITION`: whether an upper-case and a lower-case letter and a digit are required.
    pub composition: bool,
}
