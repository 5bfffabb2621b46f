//! Looking at a code. The one place that uses one up.

use super::{context, hash_of};
use crate::domain::account::UserId;
use crate::domain::factor::{Code, Proof, RecoveryCode, SecretKey, steps};
use crate::domain::timestamp::Timestamp;
use crate::platform::one_time_code::step_of;
use crate::platform::sealed::{Sealed, Seals};
use crate::storage::{Error, Tx, factor};

/// What somebody has typed in.
#[derive(Clone, Debug)]
pub enum Offered {
    /// A code of an app. None: it can't be one.
    Code(Option<Code>),
    /// A recovery code. None: it can't be one.
    RecoveryCode(Option<RecoveryCode>),
}

/// What was found of it.
pub(in crate::service) enum Looked {
    /// It is right, and used up.
    Proved(Proof),
    /// It is another one, or was used.
    Wrong,
    /// The account has an app whose secret can't be read: no key of the server opens it.
    Unreadable,
}

/// Looks at what was typed in, and uses it up. The user's row must be locked. Recovery codes from before `not_before` are void.
pub(in crate::service) async fn look(
    tx: &mut Tx,
    seals: &Seals,
    id: UserId,
    offered: &Offered,
    not_before: Timestamp,
    now: Timestamp,
) -> Result<Looked, Error> {
    match offered {
        Offered::Code(code) => {
            let Some(stored) = factor::totp(tx, id).await? else { return Ok(Looked::Wrong) };
            let Some(secret) = open(seals, id, &stored.secret) else {
                tracing::error!(user_id = %id, "no key opens the secret of an authenticator app");
                return Ok(Looked::Unreadable);
            };
            let step = code.and_then(|code| step_of(&secret, code, steps(now, stored.last_step)));
            let Some(step) = step else { return Ok(Looked::Wrong) };
            let is_first = factor::use_step(tx, id, step, now).await?;
            Ok(if is_first { Looked::Proved(Proof::Totp) } else { Looked::Wrong })
        }
        Offered::RecoveryCode(code) => {
            let codes = factor::recovery_codes(tx, id).await?;
            let Some(code) = code else { return Ok(Looked::Wrong) };
            let good = codes.iter().filter(|stored| stored.used_at.is_none() && stored.created_at >= not_before);
            let Some(stored) = good.into_iter().find(|stored| hash_of(&stored.salt, code) == stored.hash) else {
                return Ok(Looked::Wrong);
            };
            let is_first = factor::use_recovery_code(tx, id, &stored.salt, now).await?;
            Ok(if is_first { Looked::Proved(Proof::RecoveryCode) } else { Looked::Wrong })
        }
    }
}

/// The secret of an app.
pub(super) fn open(seals: &Seals, id: UserId, sealed: &Sealed) -> Option<SecretKey> {
    let bytes = seals.open(sealed, &context(id))?;
    bytes.try_into().ok().map(SecretKey::new)
}
