//! The server's keys. There are two roots: what signs access tokens may be shared with the services that verify them; what all else
//! is derived from is shared with nobody. `docs/design/tokens.md` says why.

mod key;
mod ring;
mod signing;

pub use key::{Key, Purpose};
pub use ring::{Mac, Ring};
pub use signing::{GenerateError, SigningKey, SigningKeys, Stage, Unusable, generate};

use crate::config::secret::Secret;
use crate::config::tokens::PrivateKeys;
use crate::domain::session::Algorithm;

/// All keys, by what they are for.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Sign access tokens.
    pub signing: SigningKeys,
    /// Roots of everything but access tokens and refresh tokens.
    pub secrets: Ring,
    /// Roots of refresh tokens: those of `secrets`, and the shared signing keys, which were their roots before there was a
    /// `SECRET_KEY`. A signing key alone makes no refresh token, so that these can stay; of what needs no secret of a row it could
    /// make all.
    pub refresh: Ring,
}

/// What keys are made of.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// `JWT_ALGORITHM`.
    pub algorithm: Algorithm,
    /// `JWT_ALGORITHM_PREVIOUS`.
    pub previous_algorithm: Option<Algorithm>,
    /// `JWT_SECRET_KEY`. None: nothing is signed with HS256.
    pub signing: Option<Secret>,
    /// `JWT_SECRET_KEY_PREVIOUS`.
    pub previous_signing: Option<Secret>,
    /// The keys of the other algorithms. None at `current`: derived from `secret`.
    pub private: PrivateKeys,
    /// `SECRET_KEY`. None: what signs with HS256 is the root of everything, as it was before there was this one.
    pub secret: Option<Secret>,
    /// `SECRET_KEY_PREVIOUS`; also while there is no `SECRET_KEY` yet: that is how one is introduced.
    pub previous_secret: Option<Secret>,
}

/// No keys can be made of these roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// There is neither a `SECRET_KEY` nor a `JWT_SECRET_KEY`.
    #[error("SECRET_KEY must be set")]
    NoRoot,
    /// There is nothing to sign with.
    #[error("JWT_ALGORITHM={} has no key", .0.name())]
    NothingToSignWith(Algorithm),
    /// The private key of this setting is none.
    #[error("{0} can't be used: its parts do not fit together")]
    Unusable(&'static str),
}

impl Keys {
    /// Keys from their roots.
    ///
    /// # Errors
    /// When roots are missing, or a private key is none.
    pub fn new(roots: Roots) -> Result<Self, KeysError> {
        let signing = signing_keys(&roots)?;
        let Roots { signing: shared, previous_signing, secret, previous_secret, .. } = roots;
        let (secrets, refresh) = match (secret, shared) {
            (None, None) => return Err(KeysError::NoRoot),
            (None, Some(shared)) => {
                let secrets = Ring::new(shared, previous_secret.into_iter().chain(previous_signing));
                (secrets.clone(), secrets)
            }
            (Some(secret), shared) => {
                let before = previous_secret.clone().into_iter().chain(shared).chain(previous_signing);
                (Ring::new(secret.clone(), previous_secret), Ring::new(secret, before))
            }
        };
        Ok(Self { signing, secrets, refresh })
    }
}

fn signing_keys(roots: &Roots) -> Result<SigningKeys, KeysError> {
    let mut keys = keys_of(roots, roots.algorithm)?;
    if keys.first().is_none_or(|key| key.stage() != Stage::Current) {
        return Err(KeysError::NothingToSignWith(roots.algorithm));
    }
    let current = keys.remove(0);
    if let Some(previous) = roots.previous_algorithm {
        keys.extend(keys_of(roots, previous)?);
    }
    Ok(SigningKeys { current, accepted: keys })
}

/// The keys of one algorithm; the first one signs, if it is the one that signs.
fn keys_of(roots: &Roots, algorithm: Algorithm) -> Result<Vec<SigningKey>, KeysError> {
    // Of an algorithm that does not sign, what would sign is accepted: it will sign, or it has.
    let signs = if algorithm == roots.algorithm {
        Stage::Current
    } else if roots.algorithm.is_asymmetric() {
        Stage::Previous
    } else {
        Stage::Next
    };
    if !algorithm.is_asymmetric() {
        let stages = [(&roots.signing, signs), (&roots.previous_signing, Stage::Previous)];
        let given = stages.into_iter().filter_map(|(secret, stage)| Some((Key::new(secret.clone()?), stage)));
        return Ok(given.map(|(key, stage)| SigningKey::shared(&key, stage)).collect());
    }
    let PrivateKeys { current, next, previous } = &roots.private;
    let mut keys = Vec::new();
    for (setting, key, stage) in [
        ("JWT_PRIVATE_KEY", current, signs),
        ("JWT_PRIVATE_KEY_NEXT", next, Stage::Next),
        ("JWT_PRIVATE_KEY_PREVIOUS", previous, Stage::Previous),
    ] {
        if let Some(key) = key.as_ref().filter(|key| key.algorithm == algorithm) {
            keys.push(SigningKey::private(key, stage).map_err(|Unusable| KeysError::Unusable(setting))?);
        }
    }
    let has_one = keys.first().is_some_and(|key| signs != Stage::Current || key.stage() == Stage::Current);
    if !has_one {
        let roots = [(&roots.secret, signs), (&roots.previous_secret, Stage::Previous)];
        let roots = roots.into_iter().filter_map(|(secret, stage)| Some((Key::new(secret.clone()?), stage)));
        let derived = roots.map(|(root, stage)| SigningKey::derived(&root, algorithm, stage));
        let derived: Vec<_> =
            derived.collect::<Result<_, _>>().map_err(|Unusable| KeysError::Unusable("SECRET_KEY"))?;
        keys.splice(0..0, derived);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
