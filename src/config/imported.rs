//! What hashes of other software need to be looked at, until the last of them has been replaced.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::declarations::{IMPORT_FIREBASE, IMPORT_PEPPER};
use super::secret::Secret;
use super::setting::{Kind, Parse, Reader, Reason};

/// Secrets of the software that accounts came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// `IMPORT_PEPPER`: Devise's `config.pepper`.
    pub pepper: Option<Secret>,
    /// `IMPORT_FIREBASE`.
    pub firebase: Option<Firebase>,
}

/// The hash parameters of a Firebase project that are secret. How much work each hash is stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firebase {
    /// What is encrypted.
    pub signer_key: Secret,
    /// Stands behind each salt.
    pub salt_separator: Vec<u8>,
    /// The block size, scrypt's r.
    pub rounds: u32,
    /// scrypt's N is 2^this.
    pub mem_cost: u8,
}

impl Imported {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self { pepper: reader.get(&IMPORT_PEPPER), firebase: reader.get(&IMPORT_FIREBASE) }
    }
}

pub(super) const PEPPER: Kind<Secret> = Kind {
    values: "a secret of 1 to 1024 bytes",
    parse: Parse::Bytes(|bytes| match bytes.len() {
        1..=1024 => Ok(Secret::new(bytes.to_vec())),
        _ => Err(Reason::Values),
    }),
};

/// As the console shows them (`hash_config { .. }`), or as JSON with the same names.
pub(super) const FIREBASE: Kind<Firebase> = Kind {
    values: "the hash parameters that Firebase's console shows: `base64_signer_key`, `base64_salt_separator`, `rounds` and `mem_cost`",
    parse: Parse::Text(|text| {
        let value = |name: &str| {
            let (_, rest) = text.split_once(name)?;
            let rest = rest.trim_start_matches(['"', ':', '=', ' ']);
            rest.split([',', '\n', '\r', '"', '}', ' ']).next().filter(|value| !value.is_empty())
        };
        let read = || {
            let signer_key = STANDARD.decode(value("base64_signer_key")?).ok()?;
            let salt_separator = STANDARD.decode(value("base64_salt_separator").unwrap_or_default()).ok()?;
            let (rounds, mem_cost) = (value("rounds")?.parse().ok()?, value("mem_cost")?.parse().ok()?);
            let fits = (16..=64).contains(&signer_key.len()) && salt_separator.len() <= 16;
            fits.then(|| Firebase { signer_key: Secret::new(signer_key), salt_separator, rounds, mem_cost })
        };
        read().ok_or(Reason::Values)
    }),
};
