//! The server's keys. There are two roots: what signs access tokens is shared with the services that verify them; what all else
//! is derived from is shared with nobody. `docs/design/tokens.md` says why.

mod key;
mod ring;

pub use key::{Key, Purpose};
pub use ring::{Mac, Ring};

use crate::config::secret::Secret;

/// All keys, by what they are for.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Sign access tokens, and nothing else once there is a `SECRET_KEY`.
    pub signing: Ring,
    /// Roots of everything but access tokens and refresh tokens.
    pub secrets: Ring,
    /// Roots of refresh tokens: those of `secrets`, and the signing keys, which were their roots before there was a `SECRET_KEY`.
    /// A signing key alone makes no refresh token, so that these can stay; of what needs no secret of a row it could make all.
    pub refresh: Ring,
}

/// What keys are made of.
#[derive(Clone, Debug)]
pub struct Roots {
    /// `JWT_SECRET_KEY`.
    pub signing: Secret,
    /// `JWT_SECRET_KEY_PREVIOUS`.
    pub previous_signing: Option<Secret>,
    /// `SECRET_KEY`. None: what signs is the root of everything, as it was before there was this one.
    pub secret: Option<Secret>,
    /// `SECRET_KEY_PREVIOUS`; also while there is no `SECRET_KEY` yet: that is how one is introduced.
    pub previous_secret: Option<Secret>,
}

impl Keys {
    /// Keys from their roots.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        let Roots { signing, previous_signing, secret, previous_secret } = roots;
        let ring = Ring::new(signing.clone(), previous_signing.clone());
        let (secrets, refresh) = match secret {
            None => {
                let secrets = Ring::new(signing, previous_secret.into_iter().chain(previous_signing));
                (secrets.clone(), secrets)
            }
            Some(secret) => {
                let before = previous_secret.clone().into_iter().chain([signing]).chain(previous_signing);
                (Ring::new(secret.clone(), previous_secret), Ring::new(secret, before))
            }
        };
        Self { signing: ring, secrets, refresh }
    }
}

#[cfg(test)]
mod tests;
