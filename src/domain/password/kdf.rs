//! Hashes of other functions than bcrypt: what they are, what they cost, and how much of it is borne.

use std::fmt;

use super::Sha;
use super::base64::{bare, bare_text};

/// A hash that was made by another function than bcrypt. Its parameters are borne: see [`Kdf::checked`].
#[derive(Clone, PartialEq, Eq)]
pub struct Kdf {
    /// By which, and with which parameters.
    pub function: Function,
    /// As it was made.
    pub salt: Vec<u8>,
    /// What came of it.
    pub digest: Vec<u8>,
}

/// A function that makes hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Argon2 (RFC 9106), version 19.
    Argon2 {
        /// Argon2id; else Argon2i.
        id: bool,
        /// KiB.
        memory: u32,
        /// How often all of it is gone over.
        passes: u32,
        /// Lanes.
        parallelism: u32,
    },
    /// PBKDF2 (RFC 8018) with HMAC.
    Pbkdf2 {
        /// Of which function; none is SHA-1.
        sha: Option<Sha>,
        /// How many.
        rounds: u32,
    },
    /// scrypt (RFC 7914).
    Scrypt {
        /// N is 2^this.
        log_n: u8,
        /// The size of a block.
        r: u32,
        /// How often all of it is done.
        p: u32,
        /// Of the password in NFKC; else as it is.
        compatible: bool,
    },
    /// Firebase's: a key that scrypt gives encrypts the project's own.
    Firebase {
        /// N is 2^this.
        log_n: u8,
        /// The size of a block.
        r: u32,
    },
}

const MIB: u64 = 1 << 20;
/// Fewer would be guessed, or met by chance; more take longer for nothing.
const DIGESTS: std::ops::RangeInclusive<usize> = 16..=64;
/// Most programs have 16 bytes, or as many letters.
const SALTS: std::ops::RangeInclusive<usize> = 1..=256;

impl Kdf {
    /// Of Argon2, in KiB: 256 MiB.
    pub const MAX_ARGON2_MEMORY: u32 = 256 * 1024;
    /// Of Argon2's passes and lanes, and of scrypt's p.
    pub const MAX_TIMES: u32 = 16;
    /// Of PBKDF2.
    pub const MAX_PBKDF2_ROUNDS: u32 = 3_000_000;
    /// Of scrypt, in bytes: 128 MiB.
    pub const MAX_SCRYPT_MEMORY: u64 = 128 * MIB;

    /// None where the parameters, or the lengths, are not what the function has, or take more than is borne of one login.
    #[must_use]
    pub fn checked(function: Function, salt: Vec<u8>, digest: Vec<u8>) -> Option<Self> {
        let times = 1..=Self::MAX_TIMES;
        let borne = match function {
            Function::Argon2 { memory, passes, parallelism, .. } => {
                times.contains(&passes)
                    && times.contains(&parallelism)
                    && (8 * parallelism..=Self::MAX_ARGON2_MEMORY).contains(&memory)
                    && salt.len() >= 8
            }
            Function::Pbkdf2 { rounds, .. } => (1..=Self::MAX_PBKDF2_ROUNDS).contains(&rounds),
            Function::Scrypt { log_n, r, p, .. } => times.contains(&p) && is_borne_by_scrypt(log_n, r),
            Function::Firebase { log_n, r } => is_borne_by_scrypt(log_n, r),
        };
        let fits = SALTS.contains(&salt.len()) && DIGESTS.contains(&digest.len());
        (borne && fits).then_some(Self { function, salt, digest })
    }

    /// What `scheme` calls this, as it is stored.
    pub(super) fn parse(scheme: &str, rest: &str) -> Option<Self> {
        let parts: Vec<&str> = rest.split('$').collect();
        let [parameters, salt, digest] = parts[..] else { return None };
        let kdf = Self::checked(Function::parse(scheme, parameters)?, bare(salt)?, bare(digest)?)?;
        // One text for each.
        (kdf.text().strip_prefix(scheme)?.strip_prefix('$')? == rest).then_some(kdf)
    }

    pub(super) fn text(&self) -> String {
        let (salt, digest) = (bare_text(&self.salt), bare_text(&self.digest));
        format!("{}${}${salt}${digest}", self.function.name(), self.function.parameters())
    }

    pub(super) fn describe(&self) -> String {
        format!("{}, {}", self.function.name(), self.function.parameters())
    }

    /// What one takes of a core, in rounds of bcrypt: counted in what each function does, by rates that were measured
    /// (`docs/design/moving-in.md`).
    #[must_use]
    pub fn rounds(&self) -> u64 {
        let blocks = |bytes: usize| (self.digest.len() as u64).div_ceil(bytes as u64);
        let rounds = match self.function {
            Function::Argon2 { memory, passes, .. } => {
                u64::from(memory) * u64::from(passes) * ARGON2_ROUNDS_PER_MIB / 1024
            }
            Function::Pbkdf2 { sha, rounds } => {
                let (bytes, a_round) = match sha {
                    None => (20, SHA1_PER_ROUND),
                    Some(Sha::Sha256) => (32, SHA256_PER_ROUND),
                    Some(Sha::Sha384) => (48, SHA512_PER_ROUND),
                    Some(Sha::Sha512) => (64, SHA512_PER_ROUND),
                };
                u64::from(rounds) * blocks(bytes) / a_round
            }
            Function::Scrypt { p, .. } => self.memory() * u64::from(p) * SCRYPT_ROUNDS_PER_MIB / MIB,
            Function::Firebase { .. } => self.memory() * SCRYPT_ROUNDS_PER_MIB / MIB,
        };
        rounds.max(1)
    }

    /// What one needs, in bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        match self.function {
            Function::Argon2 { memory, .. } => u64::from(memory) * 1024,
            Function::Pbkdf2 { .. } => 0,
            Function::Scrypt { log_n, r, .. } | Function::Firebase { log_n, r } => scrypt_memory(log_n, r),
        }
    }
}

/// How many rounds of bcrypt take as long as going once over a MiB.
const ARGON2_ROUNDS_PER_MIB: u64 = 13;
const SCRYPT_ROUNDS_PER_MIB: u64 = 58;
/// How many rounds of PBKDF2 take as long as one of bcrypt, for each block of its digest.
const SHA1_PER_ROUND: u64 = 590;
const SHA256_PER_ROUND: u64 = 550;
const SHA512_PER_ROUND: u64 = 140;

fn scrypt_memory(log_n: u8, r: u32) -> u64 {
    (128 * u64::from(r)) << log_n
}

fn is_borne_by_scrypt(log_n: u8, r: u32) -> bool {
    (1..=20).contains(&log_n) && (1..=1024).contains(&r) && scrypt_memory(log_n, r) <= Kdf::MAX_SCRYPT_MEMORY
}

impl Function {
    const fn name(self) -> &'static str {
        match self {
            Self::Argon2 { id: true, .. } => "argon2id",
            Self::Argon2 { id: false, .. } => "argon2i",
            Self::Pbkdf2 { sha: None, .. } => "pbkdf2-sha1",
            Self::Pbkdf2 { sha: Some(Sha::Sha256), .. } => "pbkdf2-sha256",
            Self::Pbkdf2 { sha: Some(Sha::Sha384), .. } => "pbkdf2-sha384",
            Self::Pbkdf2 { sha: Some(Sha::Sha512), .. } => "pbkdf2-sha512",
            Self::Scrypt { compatible: false, .. } => "scrypt",
            Self::Scrypt { compatible: true, .. } => "scrypt-nfkc",
            Self::Firebase { .. } => "firebase",
        }
    }

    fn parameters(self) -> String {
        match self {
            Self::Argon2 { memory, passes, parallelism, .. } => format!("m={memory},t={passes},p={parallelism}"),
            Self::Pbkdf2 { rounds, .. } => format!("i={rounds}"),
            Self::Scrypt { log_n, r, p, .. } => format!("ln={log_n},r={r},p={p}"),
            Self::Firebase { log_n, r } => format!("ln={log_n},r={r}"),
        }
    }

    fn parse(scheme: &str, parameters: &str) -> Option<Self> {
        let [memory, passes, parallelism, rounds, log_n, r] =
            named_numbers(parameters, ["m", "t", "p", "i", "ln", "r"])?;
        let pbkdf2 = |sha| Some(Self::Pbkdf2 { sha, rounds: rounds? });
        let log_n = || u8::try_from(log_n?).ok();
        match scheme {
            "argon2id" | "argon2i" => Some(Self::Argon2 {
                id: scheme == "argon2id",
                memory: memory?,
                passes: passes?,
                parallelism: parallelism?,
            }),
            "pbkdf2-sha1" => pbkdf2(None),
            "pbkdf2-sha256" => pbkdf2(Some(Sha::Sha256)),
            "pbkdf2-sha384" => pbkdf2(Some(Sha::Sha384)),
            "pbkdf2-sha512" => pbkdf2(Some(Sha::Sha512)),
            "scrypt" | "scrypt-nfkc" => {
                Some(Self::Scrypt { log_n: log_n()?, r: r?, p: parallelism?, compatible: scheme == "scrypt-nfkc" })
            }
            "firebase" => Some(Self::Firebase { log_n: log_n()?, r: r? }),
            _ => None,
        }
    }
}

/// `m=1,t=2` in any order: the numbers with these names. None where there is another name, one comes twice, or is no plain number.
pub(super) fn named_numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[Option<u32>; N]> {
    let mut numbers = [None; N];
    for pair in text.split(',') {
        let (name, number) = pair.split_once('=')?;
        let place = numbers.get_mut(names.iter().position(|known| *known == name)?)?;
        if place.replace(number_of(number)?).is_some() {
            return None;
        }
    }
    Some(numbers)
}

/// Digits alone: no sign, no white space.
pub(super) fn number_of(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Debug for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kdf({})", self.describe())
    }
}
