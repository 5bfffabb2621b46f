//! What can be stored in the place of a password: Doorward's own bcrypt, and hashes that other software made.
//!
//! Each has one text, in one column: bcrypt's own for bcrypt, else `<scheme>$..`; `!` where there is no password.

use std::fmt;

use super::base64;
use super::{Kdf, PasswordHash, Wrapping};

/// What is stored in the place of a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Stored {
    /// There is none: nobody logs in by one until it is set.
    Nothing,
    /// bcrypt, of the password or of something made from it.
    Bcrypt(Bcrypt),
    /// Another function.
    Kdf(Kdf),
}

/// A hash that bcrypt made.
#[derive(Clone, PartialEq, Eq)]
pub struct Bcrypt {
    /// Of what.
    pub wrapping: Wrapping,
    /// The letter in `$2b$`: `a`, `b` and `y` are the same for all that a password can be here.
    version: u8,
    /// A hash takes 2^cost rounds.
    pub cost: u32,
    /// As it was made.
    pub salt: [u8; 16],
    /// What came of it.
    pub digest: [u8; 23],
}

impl Stored {
    /// What stands for no password.
    pub const NOTHING: &str = "!";

    /// What stands before the hash of an account that has a factor beside its password: versions that know none take it for no hash.
    pub const MARK: &str = "mfa$";

    /// Reads what is stored. None: Doorward did not write this, or it would take more than is borne.
    #[must_use]
    pub fn parse(hash: &PasswordHash) -> Option<Self> {
        let text = hash.as_str();
        let text = text.strip_prefix(Self::MARK).unwrap_or(text);
        if text == Self::NOTHING {
            return Some(Self::Nothing);
        }
        if text.starts_with("$2") {
            return Bcrypt::parse(text, Wrapping::Plain).map(Self::Bcrypt);
        }
        let (scheme, rest) = text.split_once('$')?;
        match Wrapping::named(scheme) {
            Some(Wrapping::Plain) => None,
            Some(wrapping) => Bcrypt::parse(rest, wrapping).map(Self::Bcrypt),
            None => Kdf::parse(scheme, rest).map(Self::Kdf),
        }
    }

    /// The text that is stored.
    #[must_use]
    pub fn to_hash(&self) -> PasswordHash {
        PasswordHash::new(match self {
            Self::Nothing => Self::NOTHING.to_owned(),
            Self::Bcrypt(bcrypt) if bcrypt.wrapping == Wrapping::Plain => bcrypt.text(),
            Self::Bcrypt(bcrypt) => format!("{}${}", bcrypt.wrapping.name(), bcrypt.text()),
            Self::Kdf(kdf) => kdf.text(),
        })
    }

    /// How it was made, and at what cost, in words for a report: `bcrypt, cost 12`. Shows nothing of the hash.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Nothing => "no password".to_owned(),
            Self::Bcrypt(Bcrypt { wrapping: Wrapping::Plain, cost, .. }) => format!("bcrypt, cost {cost}"),
            Self::Bcrypt(Bcrypt { wrapping, cost, .. }) => format!("{}, cost {cost}", wrapping.name()),
            Self::Kdf(kdf) => kdf.describe(),
        }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({})", self.describe())
    }
}

impl fmt::Debug for Bcrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bcrypt({}, cost {})", self.wrapping.name(), self.cost)
    }
}

impl Bcrypt {
    /// A second of a core and more for one login: whoever can write such a hash into the table could stop the service with it.
    pub const MAX_COST: u32 = 16;
    /// The least that bcrypt has.
    pub const MIN_COST: u32 = 4;

    /// Reads a hash of bcrypt as anybody makes it today: `$2b$`, and `$2a$` and `$2y$`, which are the same for what a
    /// [`Password`](super::Password) can be.
    ///
    /// `$2x$` is refused. It says that `crypt_blowfish` before 1.1 made the hash and took bytes above 127 for negative numbers
    /// (CVE-2011-2483). Taken as `$2b$` it would refuse the right password of everybody who uses such a byte, silently; and
    /// with the flaw some different passwords have the same hash. Such an account needs a new password.
    #[must_use]
    pub fn parse(text: &str, wrapping: Wrapping) -> Option<Self> {
        let [b'$', b'2', version @ (b'a' | b'b' | b'y'), b'$', tens, ones, b'$', ..] = *text.as_bytes() else {
            return None;
        };
        let digit = |byte: u8| char::from(byte).to_digit(10);
        let (salt, digest) = text.get(7..)?.split_at_checked(22)?;
        Self::new(wrapping, version, digit(tens)? * 10 + digit(ones)?, base64::bcrypt(salt)?, base64::bcrypt(digest)?)
    }

    /// None: the cost is not one that is borne.
    pub(super) fn new(wrapping: Wrapping, version: u8, cost: u32, salt: [u8; 16], digest: [u8; 23]) -> Option<Self> {
        let borne = (Self::MIN_COST..=Self::MAX_COST).contains(&cost);
        borne.then_some(Self { wrapping, version, cost, salt, digest })
    }

    /// What a hash costs.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        1 << self.cost
    }

    /// Whether a new hash of the same password should take its place: another program made it, or at another cost.
    #[must_use]
    pub fn is_outdated(&self, cost: u32) -> bool {
        self.wrapping != Wrapping::Plain || self.cost != cost || self.version != b'b'
    }

    fn text(&self) -> String {
        let (salt, digest) = (base64::bcrypt_text(&self.salt), base64::bcrypt_text(&self.digest));
        format!("$2{}${:02}${salt}{digest}", char::from(self.version), self.cost)
    }
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
