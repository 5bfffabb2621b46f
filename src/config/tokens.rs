//! Keys and claims of the tokens.

use super::declarations::{
    JWT_AUDIENCE, JWT_ISSUER, JWT_SECRET_KEY, JWT_SECRET_KEY_PREVIOUS, SECRET_KEY, SECRET_KEY_PREVIOUS,
};
use super::secret::Secret;
use super::setting::Reader;

/// Settings of access and refresh tokens, and of what else is made with keys.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// `JWT_SECRET_KEY`: signs access tokens. None: development; made once and kept beside the database.
    pub key: Option<Secret>,
    /// `JWT_SECRET_KEY_PREVIOUS`: accepted, not signing.
    pub previous_key: Option<Secret>,
    /// `SECRET_KEY`: the root of all other secrets. None: `key` is; where that is none, too, made once and kept.
    pub secret_key: Option<Secret>,
    /// `SECRET_KEY_PREVIOUS`: accepted as a root, not used.
    pub previous_secret_key: Option<Secret>,
    /// `JWT_ISSUER`.
    pub issuer: String,
    /// `JWT_AUDIENCE`.
    pub audience: String,
}

impl Tokens {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut key = |setting| {
            let key = reader.get(setting);
            reader.refuse_in_production_else_warn(
                key.as_ref().is_some_and(|key: &Secret| is_sample(key.reveal())),
                setting,
                "is a sample that others know, or hardly random: whoever guesses it can be any user. \
                 `openssl rand -hex 32` makes a good one",
            );
            key
        };
        let (jwt, previous_jwt) = (key(&JWT_SECRET_KEY), key(&JWT_SECRET_KEY_PREVIOUS));
        let (secret, previous_secret) = (key(&SECRET_KEY), key(&SECRET_KEY_PREVIOUS));
        if jwt.is_some() && jwt == previous_jwt {
            reader.refuse(&JWT_SECRET_KEY_PREVIOUS, "must differ from JWT_SECRET_KEY");
        }
        if secret.is_some() && (secret == jwt || secret == previous_jwt) {
            reader.refuse(
                &SECRET_KEY,
                "must differ from JWT_SECRET_KEY and JWT_SECRET_KEY_PREVIOUS, which other services may know",
            );
        }
        if secret.is_some() && secret == previous_secret {
            reader.refuse(&SECRET_KEY_PREVIOUS, "must differ from SECRET_KEY");
        }
        if secret.is_none() && jwt.is_some() && reader.production() {
            reader.warn(
                &SECRET_KEY,
                "is not set: refresh tokens and all other secrets are made from JWT_SECRET_KEY, which other services may know. \
                 Make one with `openssl rand -hex 32`, and give it to every process first as SECRET_KEY_PREVIOUS; then as \
                 SECRET_KEY, with the value of JWT_SECRET_KEY as SECRET_KEY_PREVIOUS; and remove that after REFRESH_TOKEN_TTL. \
                 Nobody is logged out",
            );
        }
        let (issuer, audience) = (reader.get(&JWT_ISSUER), reader.get(&JWT_AUDIENCE));
        Some(Self {
            key: jwt,
            previous_key: previous_jwt,
            secret_key: secret,
            previous_secret_key: previous_secret,
            issuer: issuer?,
            audience: audience?,
        })
    }
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
