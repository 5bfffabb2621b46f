//! What an account has beside its password.

use crate::domain::account::UserId;
use crate::domain::factor::{Passkey, PasskeyId, PasskeyName};
use crate::domain::timestamp::Timestamp;
use crate::service::session::Caller;
use crate::service::{App, Failure};
use crate::storage::{Error, Tx, factor};

/// A factor, without what it is proved by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorOf {
    /// Since when the account has it.
    pub since: Timestamp,
    /// When it was used last.
    pub last_used_at: Timestamp,
}

/// A passkey, without what it is checked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyOf {
    /// How pages call it.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: PasskeyName,
    /// Whether it may be copied to other devices of its owner.
    pub is_synced: bool,
    /// When it was added.
    pub since: Timestamp,
    /// When it was used last. None: never.
    pub last_used_at: Option<Timestamp>,
}

impl From<Passkey> for PasskeyOf {
    fn from(passkey: Passkey) -> Self {
        let Passkey { id, credential, name, created_at, last_used_at } = passkey;
        Self { id, name, is_synced: credential.is_synced, since: created_at, last_used_at }
    }
}

/// The factors of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Its authenticator app.
    pub totp: Option<FactorOf>,
    /// When its recovery codes were made, and how many of them are left.
    pub recovery_codes: Option<(Timestamp, u32)>,
    /// Its passkeys, the oldest first.
    pub passkeys: Vec<PasskeyOf>,
}

/// The caller's.
///
/// # Errors
/// When the database can't be asked.
pub async fn list(app: &App, caller: &Caller) -> Result<Factors, Failure> {
    let not_before = app.session.policy.not_before.unwrap_or(Timestamp::EPOCH);
    Ok(factors_of(&mut app.store.read().await?, caller.user.id, not_before).await?)
}

/// Those of an account. Recovery codes from before `not_before` are void.
pub(in crate::service) async fn factors_of(tx: &mut Tx, id: UserId, not_before: Timestamp) -> Result<Factors, Error> {
    let totp = factor::totp(tx, id).await?;
    let passkeys = factor::passkeys(tx, id).await?;
    let codes = factor::recovery_codes(tx, id).await?;
    let left = codes.iter().filter(|code| code.used_at.is_none() && code.created_at >= not_before).count();
    let made = codes.iter().map(|code| code.created_at).max();
    Ok(Factors {
        totp: totp.map(|totp| FactorOf { since: totp.created_at, last_used_at: totp.last_used_at }),
        recovery_codes: made.map(|made| (made, u32::try_from(left).unwrap_or(u32::MAX))),
        passkeys: passkeys.into_iter().map(PasskeyOf::from).collect(),
    })
}
