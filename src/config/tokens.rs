//! Keys and claims of the tokens.

use super::declarations::{
    JWT_ALGORITHM, JWT_ALGORITHM_PREVIOUS, JWT_AUDIENCE, JWT_ISSUER, JWT_PRIVATE_KEY, JWT_PRIVATE_KEY_NEXT,
    JWT_PRIVATE_KEY_PREVIOUS, JWT_SECRET_KEY, JWT_SECRET_KEY_PREVIOUS, JWT_TYP, SECRET_KEY, SECRET_KEY_PREVIOUS,
};
use super::private_key::PrivateKey;
use super::secret::Secret;
use super::setting::{Reader, Setting};
use crate::domain::session::{Algorithm, TokenType};

/// Settings of access and refresh tokens, and of what else is made with keys.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// `JWT_ALGORITHM`: signs access tokens.
    pub algorithm: Algorithm,
    /// `JWT_ALGORITHM_PREVIOUS`: accepted, not signing.
    pub previous_algorithm: Option<Algorithm>,
    /// `JWT_SECRET_KEY`: signs access tokens with HS256. None: not needed, or development; made once and kept beside the database.
    pub key: Option<Secret>,
    /// `JWT_SECRET_KEY_PREVIOUS`: accepted, not signing.
    pub previous_key: Option<Secret>,
    /// The private keys. None at `current`: derived from `secret_key`.
    pub private: PrivateKeys,
    /// `SECRET_KEY`: the root of all other secrets. None: `key` is; where that is none, too, made once and kept.
    pub secret_key: Option<Secret>,
    /// `SECRET_KEY_PREVIOUS`: accepted as a root, not used.
    pub previous_secret_key: Option<Secret>,
    /// `JWT_TYP`.
    pub token_type: TokenType,
    /// `JWT_ISSUER`.
    pub issuer: String,
    /// `JWT_AUDIENCE`.
    pub audience: String,
}

/// The private keys that sign access tokens, those that will, and those that did.
#[derive(Clone, Debug, Default)]
pub struct PrivateKeys {
    /// `JWT_PRIVATE_KEY`.
    pub current: Option<PrivateKey>,
    /// `JWT_PRIVATE_KEY_NEXT`.
    pub next: Option<PrivateKey>,
    /// `JWT_PRIVATE_KEY_PREVIOUS`.
    pub previous: Option<PrivateKey>,
}

impl Tokens {
    /// Whether tokens of this algorithm are made or accepted.
    #[must_use]
    pub fn knows(&self, algorithm: Algorithm) -> bool {
        self.algorithm == algorithm || self.previous_algorithm == Some(algorithm)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let problems = reader.problems.len();
        let (algorithm, previous_algorithm) = algorithms(reader);
        let tokens = Self {
            algorithm: algorithm.unwrap_or_default(),
            previous_algorithm,
            key: key(reader, &JWT_SECRET_KEY),
            previous_key: key(reader, &JWT_SECRET_KEY_PREVIOUS),
            private: PrivateKeys {
                current: reader.get(&JWT_PRIVATE_KEY),
                next: reader.get(&JWT_PRIVATE_KEY_NEXT),
                previous: reader.get(&JWT_PRIVATE_KEY_PREVIOUS),
            },
            secret_key: key(reader, &SECRET_KEY),
            previous_secret_key: key(reader, &SECRET_KEY_PREVIOUS),
            token_type: reader.get(&JWT_TYP).unwrap_or_default(),
            issuer: reader.get(&JWT_ISSUER).unwrap_or_default(),
            audience: reader.get(&JWT_AUDIENCE).unwrap_or_default(),
        };
        // What is missing because it was wrong is not missed as well.
        if reader.problems.len() == problems {
            tokens.keys_that_are_needed(reader);
        }
        tokens.keys_that_differ(reader);
        if algorithm.is_some() {
            tokens.private_keys_that_fit(reader);
        }
        algorithm.map(|_| tokens)
    }

    fn keys_that_are_needed(&self, reader: &mut Reader<'_>) {
        if self.knows(Algorithm::Hs256) && self.key.is_none() {
            reader.require(&JWT_SECRET_KEY);
        }
        // In development it is made where there is no key at all.
        let is_made = self.key.is_none() && !reader.production();
        let lacks_private_key = |algorithm: Algorithm| {
            let has = |key: &Option<PrivateKey>| key.as_ref().is_some_and(|key| key.algorithm == algorithm);
            let may_only_be_accepted = algorithm != self.algorithm;
            let PrivateKeys { current, next, previous } = &self.private;
            algorithm.is_asymmetric() && !(has(current) || may_only_be_accepted && (has(next) || has(previous)))
        };
        if self.secret_key.is_none() && !is_made {
            if lacks_private_key(self.algorithm) || self.previous_algorithm.is_some_and(lacks_private_key) {
                reader.refuse(
                    &SECRET_KEY,
                    "must be set: the key of ES256 and EdDSA is derived from it where there is no JWT_PRIVATE_KEY, and never from \
                     JWT_SECRET_KEY, which other services may know. `openssl rand -hex 32` makes a good one",
                );
            } else if self.key.is_none() && self.algorithm.is_asymmetric() {
                reader.refuse(
                    &SECRET_KEY,
                    "must be set in production: refresh tokens and all other secrets are made from it. \
                     `openssl rand -hex 32` makes a good one",
                );
            }
        }
        if self.secret_key.is_none() && self.key.is_some() && reader.production() {
            reader.warn(
                &SECRET_KEY,
                "is not set: refresh tokens and all other secrets are made from JWT_SECRET_KEY, which other services may know. \
                 Make one with `openssl rand -hex 32`, and give it to every process first as SECRET_KEY_PREVIOUS; then as \
                 SECRET_KEY, with the value of JWT_SECRET_KEY as SECRET_KEY_PREVIOUS; and remove that after REFRESH_TOKEN_TTL. \
                 Nobody is logged out",
            );
        }
    }

    fn keys_that_differ(&self, reader: &mut Reader<'_>) {
        if self.key.is_some() && self.key == self.previous_key {
            reader.refuse(&JWT_SECRET_KEY_PREVIOUS, "must differ from JWT_SECRET_KEY");
        }
        if self.secret_key.is_some() && (self.secret_key == self.key || self.secret_key == self.previous_key) {
            reader.refuse(
                &SECRET_KEY,
                "must differ from JWT_SECRET_KEY and JWT_SECRET_KEY_PREVIOUS, which other services may know",
            );
        }
        if self.secret_key.is_some() && self.secret_key == self.previous_secret_key {
            reader.refuse(&SECRET_KEY_PREVIOUS, "must differ from SECRET_KEY");
        }
        let PrivateKeys { current, next, previous } = &self.private;
        if next.is_some() && next == current {
            reader.refuse(&JWT_PRIVATE_KEY_NEXT, "must differ from JWT_PRIVATE_KEY");
        }
        if previous.is_some() && (previous == current || previous == next) {
            reader.refuse(&JWT_PRIVATE_KEY_PREVIOUS, "must differ from JWT_PRIVATE_KEY and JWT_PRIVATE_KEY_NEXT");
        }
    }

    fn private_keys_that_fit(&self, reader: &mut Reader<'_>) {
        let PrivateKeys { current, next, previous } = &self.private;
        let unused = |key: &PrivateKey| !self.knows(key.algorithm);
        if self.algorithm.is_asymmetric() {
            if current.as_ref().is_some_and(|key| key.algorithm != self.algorithm) {
                reader.refuse(
                    &JWT_PRIVATE_KEY,
                    "must be a key of JWT_ALGORITHM: on P-256 for ES256, of Ed25519 for EdDSA",
                );
            }
        } else if current.as_ref().is_some_and(unused) {
            reader.warn(&JWT_PRIVATE_KEY, "is not used: JWT_ALGORITHM signs with JWT_SECRET_KEY");
        }
        for (setting, key) in [(&JWT_PRIVATE_KEY_NEXT, next), (&JWT_PRIVATE_KEY_PREVIOUS, previous)] {
            if key.as_ref().is_some_and(unused) {
                reader.refuse(setting, "must be a key of JWT_ALGORITHM or JWT_ALGORITHM_PREVIOUS");
            }
        }
    }
}

/// What signs, and what is accepted too.
fn algorithms(reader: &mut Reader<'_>) -> (Option<Algorithm>, Option<Algorithm>) {
    let (algorithm, previous) = (reader.get(&JWT_ALGORITHM), reader.get(&JWT_ALGORITHM_PREVIOUS));
    if algorithm.is_some() && algorithm == previous {
        reader.refuse(&JWT_ALGORITHM_PREVIOUS, "must differ from JWT_ALGORITHM");
    }
    if algorithm == Some(Algorithm::EdDsa) {
        reader.warn(
            &JWT_ALGORITHM,
            "is EdDSA, which is not known to HAProxy, mod_auth_openidc, npm's jsonwebtoken, python-jose and others. ES256 is known to all",
        );
    }
    (algorithm, previous)
}

/// A secret that is no sample.
fn key(reader: &mut Reader<'_>, setting: &Setting<Secret>) -> Option<Secret> {
    let key = reader.given(setting);
    reader.refuse_in_production_else_warn(
        key.as_ref().is_some_and(|key: &Secret| is_sample(key.reveal())),
        setting,
        "is a sample that others know, or hardly random: whoever guesses it can be any user. \
         `openssl rand -hex 32` makes a good one",
    );
    key
}

/// Whether a key was copied from an example (what tutorials and templates print), or holds fewer than 8 different bytes.
fn is_sample(key: &[u8]) -> bool {
    const COPIED: [&str; 12] = [
        // The FastAPI tutorial.
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        // jwt.io.
        "astringsecretatleast256bitslong",
        "yoursecret",
        "yoursupersecret",
        "your256bit",
        "secretkey",
        "changeme",
        "changethis",
        "changeinproduction",
        "replaceme",
        "replacethis",
        "notasecret",
    ];
    // What is left of "Your-Secret_KEY" is "yoursecretkey".
    let letters: String = key
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|&byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let mut different = key.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() < 8 || COPIED.iter().any(|sample| letters.contains(sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_from_tutorials_are_known() {
        for sample in [
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "your-secret-key-change-this-in-production",
            "Your_Super_Secret_JWT_Key_Goes_Here!",
            "please-CHANGE-ME-please-change-me",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "12341234123412341234123412341234",
        ] {
            assert!(is_sample(sample.as_bytes()), "{sample}");
        }
        for good in [
            "o8JmF0kq2mXyq1T0l3b7b0r8Rk3x5m5v",
            "0123456789abcdef0123456789abcdef",
            "correct horse battery staple orbit",
        ] {
            assert!(!is_sample(good.as_bytes()), "{good}");
        }
    }
}
