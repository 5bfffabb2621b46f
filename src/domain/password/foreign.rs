//! Reading the hashes of other software, as its tables have them.

use super::base64::{bare, hex, padded_or_bare, passlib};
use super::kdf::{named_numbers, number_of};
use super::{Bcrypt, Function, Kdf, Sha, Stored, Wrapping};

/// Why a hash is not taken: the account is made without a password. In words, for a report; nothing of the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotTaken(pub &'static str);

const UNUSABLE: NotTaken = NotTaken("no password can be right there");
const FLAWED: NotTaken = NotTaken("$2x$: made by a bcrypt with a flaw, in which different passwords have one hash");
const ANCIENT: NotTaken = NotTaken("$2$: of a bcrypt from before 1999");
const PHPASS: NotTaken = NotTaken("phpass: rounds of MD5");
const CRYPT: NotTaken = NotTaken("crypt(3): not bcrypt");
const FAST: NotTaken = NotTaken("a hash that is fast, and so is guessed fast");
const MALFORMED: NotTaken = NotTaken("damaged, or with more rounds or memory than is borne");
const UNKNOWN: NotTaken = NotTaken("of no known form");

/// Longer than any that is taken.
const MAX_BYTES: usize = 1_024;

/// Reads a stored hash. `bare` is what a bcrypt without any mark is a hash of, which its text does not tell.
///
/// # Errors
/// When it is not taken, and why.
pub fn recognise(text: &str, bare: Wrapping) -> Result<Stored, NotTaken> {
    if text.is_empty() {
        return Ok(Stored::Nothing);
    }
    if text.len() > MAX_BYTES {
        return Err(UNKNOWN);
    }
    if text.starts_with(['!', '*']) {
        return Err(UNUSABLE);
    }
    let text = unwrapped(text);
    let bcrypt = |text, wrapping| Bcrypt::parse(text, wrapping).map(Stored::Bcrypt).ok_or(MALFORMED);
    let kdf = |kdf: Option<Kdf>| kdf.map(Stored::Kdf).ok_or(MALFORMED);
    let of = |prefix| text.strip_prefix(prefix);
    if let Some(rest) = of("bcrypt_sha256$") {
        return bcrypt(rest, Wrapping::DjangoSha256);
    }
    if let Some(rest) = of("bcrypt$") {
        return bcrypt(rest, Wrapping::Plain);
    }
    if of("$wp$2y$").is_some() {
        return bcrypt(&text[3..], Wrapping::Wordpress);
    }
    for (prefix, sha) in
        [("$bcrypt-sha256$", Sha::Sha256), ("$bcrypt-sha384$", Sha::Sha384), ("$bcrypt-sha512$", Sha::Sha512)]
    {
        if let Some(rest) = of(prefix) {
            return from_passlib(rest, sha).map(Stored::Bcrypt).ok_or(MALFORMED);
        }
    }
    if ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| of(prefix).is_some()) {
        return bcrypt(text, bare);
    }
    if of("$argon2id$").or(of("$argon2i$")).is_some() {
        return kdf(argon2(text));
    }
    for (prefix, sha) in [("pbkdf2_sha256$", Some(Sha::Sha256)), ("pbkdf2_sha1$", None)] {
        if let Some(rest) = of(prefix) {
            return kdf(pbkdf2(rest, sha, |text| Some(text.into()), padded_or_bare));
        }
    }
    for (prefix, sha) in
        [("pbkdf2:sha256:", Some(Sha::Sha256)), ("pbkdf2:sha512:", Some(Sha::Sha512)), ("pbkdf2:sha1:", None)]
    {
        if let Some(rest) = of(prefix) {
            return kdf(pbkdf2(rest, sha, |text| Some(text.into()), hex));
        }
    }
    for (prefix, sha) in
        [("$pbkdf2-sha256$", Some(Sha::Sha256)), ("$pbkdf2-sha512$", Some(Sha::Sha512)), ("$pbkdf2$", None)]
    {
        if let Some(rest) = of(prefix) {
            return kdf(pbkdf2(rest, sha, passlib, passlib));
        }
    }
    if let Some(rest) = of("scrypt:") {
        return kdf(werkzeug_scrypt(rest));
    }
    if let Some(rest) = of("scrypt$") {
        return kdf(django_scrypt(rest));
    }
    if let Some(rest) = of("$scrypt$") {
        return kdf(passlib_scrypt(rest));
    }
    if let Some(read) = salt_colon_key(of("s2:").unwrap_or(text)) {
        return Ok(Stored::Kdf(read));
    }
    Err(why_not(text))
}

/// Firebase's two fields, and the project's parameters.
///
/// # Errors
/// When they are damaged.
pub fn firebase(hash: &str, salt: &str, log_n: u8, r: u32) -> Result<Stored, NotTaken> {
    let fields = padded_or_bare(salt).zip(padded_or_bare(hash));
    let kdf = fields.and_then(|(salt, digest)| Kdf::checked(Function::Firebase { log_n, r }, salt, digest));
    kdf.map(Stored::Kdf).ok_or(MALFORMED)
}

/// Keycloak's fields: its name of the function, rounds or passes, and for Argon2 memory in KiB and lanes.
///
/// # Errors
/// When they are damaged, or the function is not taken.
pub fn keycloak(
    algorithm: &str,
    iterations: u32,
    (memory, parallelism): (u32, u32),
    salt: &str,
    value: &str,
) -> Result<Stored, NotTaken> {
    let function = match algorithm {
        "argon2" => Function::Argon2 { id: true, memory, passes: iterations, parallelism },
        "pbkdf2" => Function::Pbkdf2 { sha: None, rounds: iterations },
        "pbkdf2-sha256" => Function::Pbkdf2 { sha: Some(Sha::Sha256), rounds: iterations },
        "pbkdf2-sha512" => Function::Pbkdf2 { sha: Some(Sha::Sha512), rounds: iterations },
        _ => return Err(UNKNOWN),
    };
    let fields = padded_or_bare(salt).zip(padded_or_bare(value));
    fields.and_then(|(salt, digest)| Kdf::checked(function, salt, digest)).map(Stored::Kdf).ok_or(MALFORMED)
}

/// Without what some programs put before a hash that says for itself what it is.
fn unwrapped(text: &str) -> &str {
    for mark in
        ["{BLF-CRYPT}", "{CRYPT}", "{bcrypt}", "#jbcrypt:", "1|", "{ARGON2ID}", "{ARGON2I}", "argon2", "3|", "2|"]
    {
        if let Some(rest) = text.strip_prefix(mark).filter(|rest| rest.starts_with('$')) {
            return rest;
        }
    }
    // A line of htpasswd.
    match text.split_once(':') {
        Some((user, rest)) if rest.starts_with("$2") && !user.contains('$') => rest,
        _ => text,
    }
}

/// `v=2,t=2b,r=12$salt$digest`, or `2b,12$salt$digest` of the first version, which is of SHA-256 alone.
fn from_passlib(rest: &str, sha: Sha) -> Option<Bcrypt> {
    let parts: Vec<&str> = rest.split('$').collect();
    let [parameters, salt, digest] = parts[..] else { return None };
    let (wrapping, version, cost) = match parameters.split(',').collect::<Vec<_>>()[..] {
        ["v=2", version, cost] => (Wrapping::PasslibV2(sha), version.strip_prefix("t=")?, cost.strip_prefix("r=")?),
        [version, cost] if sha == Sha::Sha256 => (Wrapping::PasslibV1, version, cost),
        _ => return None,
    };
    let version = match version {
        "2a" => b'a',
        "2b" => b'b',
        _ => return None,
    };
    Bcrypt::new(wrapping, version, number_of(cost)?, super::base64::bcrypt(salt)?, super::base64::bcrypt(digest)?)
}

/// `$argon2id$v=19$m=65536,t=3,p=4$salt$digest`; the parameters in any order.
fn argon2(text: &str) -> Option<Kdf> {
    let parts: Vec<&str> = text.split('$').collect();
    let ["", name, "v=19", parameters, salt, digest] = parts[..] else { return None };
    let [memory, passes, parallelism] = named_numbers(parameters, ["m", "t", "p"])?;
    let id = name == "argon2id";
    let function = Function::Argon2 { id, memory: memory?, passes: passes?, parallelism: parallelism? };
    Kdf::checked(function, bare(salt)?, bare(digest)?)
}

/// `rounds$salt$digest`.
fn pbkdf2(
    rest: &str,
    sha: Option<Sha>,
    salt_of: impl Fn(&str) -> Option<Vec<u8>>,
    digest_of: impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<Kdf> {
    let parts: Vec<&str> = rest.split('$').collect();
    let [rounds, salt, digest] = parts[..] else { return None };
    Kdf::checked(Function::Pbkdf2 { sha, rounds: number_of(rounds)? }, salt_of(salt)?, digest_of(digest)?)
}

/// `32768:8:1$salt$hex`: the salt is text.
fn werkzeug_scrypt(rest: &str) -> Option<Kdf> {
    let (parameters, rest) = rest.split_once('$')?;
    let (salt, digest) = rest.split_once('$')?;
    let parameters: Vec<&str> = parameters.split(':').collect();
    let [n, r, p] = parameters[..] else { return None };
    Kdf::checked(scrypt(n, r, p)?, salt.into(), hex(digest)?)
}

/// `16384$salt$8$5$base64`: the salt is text.
fn django_scrypt(rest: &str) -> Option<Kdf> {
    let parts: Vec<&str> = rest.split('$').collect();
    let [n, salt, r, p, digest] = parts[..] else { return None };
    Kdf::checked(scrypt(n, r, p)?, salt.into(), padded_or_bare(digest)?)
}

fn scrypt(n: &str, r: &str, p: &str) -> Option<Function> {
    let (n, r, p) = (number_of(n)?, number_of(r)?, number_of(p)?);
    let log_n = n.is_power_of_two().then(|| n.ilog2())?;
    Some(Function::Scrypt { log_n: u8::try_from(log_n).ok()?, r, p, compatible: false })
}

/// `ln=16,r=8,p=1$salt$digest`.
fn passlib_scrypt(rest: &str) -> Option<Kdf> {
    let parts: Vec<&str> = rest.split('$').collect();
    let [parameters, salt, digest] = parts[..] else { return None };
    let [log_n, r, p] = named_numbers(parameters, ["ln", "r", "p"])?;
    let function = Function::Scrypt { log_n: u8::try_from(log_n?).ok()?, r: r?, p: p?, compatible: false };
    Kdf::checked(function, bare(salt)?, bare(digest)?)
}

/// 32 and 128 digits of hexadecimal: better-auth, Lucia, oslo. The salt is the text of its digits.
fn salt_colon_key(text: &str) -> Option<Kdf> {
    let (salt, key) = text.split_once(':').filter(|(salt, key)| salt.len() == 32 && key.len() == 128)?;
    hex(salt)?;
    let function = Function::Scrypt { log_n: 14, r: 16, p: 1, compatible: true };
    Kdf::checked(function, salt.into(), hex(key)?)
}

fn why_not(text: &str) -> NotTaken {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
    if begins(&["$2x$"]) {
        FLAWED
    } else if begins(&["$2$"]) {
        ANCIENT
    } else if begins(&["$P$", "$H$"]) {
        PHPASS
    } else if begins(&["$1$", "$5$", "$6$", "$7$", "$y$", "$sha1$", "{SHA256-CRYPT}", "{SHA512-CRYPT}", "{MD5-CRYPT}"])
    {
        CRYPT
    } else if begins(&[
        "{SSHA",
        "{SHA",
        "{SMD5",
        "{CRAM-MD5",
        "{PLAIN",
        "{MD5",
        "md5$",
        "sha1$",
        "sha256$",
        "unsalted_",
    ]) {
        FAST
    } else {
        UNKNOWN
    }
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
