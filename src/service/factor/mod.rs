//! Factors beside the password: looked at, set up, removed, and asked for again.

mod enrol;
mod first;
mod list;
mod look;
mod notices;
mod passkey_add;
mod passkey_manage;
mod passkey_options;
mod reauthenticate;
mod recent;
mod recover;
mod remove;
mod reseal;

pub use enrol::{ConfirmError, Confirmation, Enrolment, confirm_totp, enrol_totp};
pub(super) use enrol::{NewFactor, add, right_step, show};
pub(super) use first::Shown;
pub(super) use list::factors_of;
pub use list::{FactorOf, Factors as Listed, PasskeyOf, list};
pub use look::Offered;
pub(super) use look::{Looked, Looker};
pub(super) use notices::{Notices, note_wrong, used};
pub use passkey_add::{Added, NewPasskey, PasskeyError, add_passkey};
pub(super) use passkey_add::{Made as MadePasskey, register as register_passkey};
pub use passkey_manage::{remove_passkey, rename_passkey, stranded};
pub use passkey_options::{CreationOptions, Known, RequestOptions, login_options, passkey_options, reproof_options};
pub(super) use passkey_options::{creation_options, options_of};
pub use reauthenticate::{ReauthenticateError, Reproof, Typed, reauthenticate};
pub use recent::NotRecent;
pub(super) use recent::{ensure_recent, is_recent};
pub use recover::{FollowError, Followed, follow as follow_recovery};
pub(super) use recover::{may_recover, stop_recovery, tell as tell_recoveries};
pub use remove::{RemoveError, new_recovery_codes, remove_totp};
pub(super) use remove::{forget_all, removed};
pub(super) use reseal::unreadable;
pub use reseal::{SealedBy, WhichKey, reseal, sealed_by};

use std::sync::Arc;
use std::time::Duration;

use crate::domain::account::UserId;
use crate::domain::factor::{RECOVERY_CODES, RecoveryCode};
use crate::platform::digest::sha256;
use crate::platform::proof_cookies::ProofCookies;
use crate::platform::sealed::Seals;
use crate::platform::webauthn::RelyingParty;
use crate::service::{App, Failure};
use crate::storage::factor::NewRecoveryCode;

/// What factors stand on.
pub struct Factors {
    /// Seal the secrets of apps.
    pub seals: Seals,
    /// Tickets and recent proofs.
    pub cookies: ProofCookies,
    /// For whom passkeys are made. None: there are none.
    pub passkeys: Option<Arc<RelyingParty>>,
    /// Whether browsers are told of passkeys that nobody has.
    pub tells_unknown: bool,
    /// How apps and passkeys call the account's service: `APP_NAME`.
    pub issuer: String,
}

/// How long a secret that was shown can be confirmed.
const PENDING_FOR: Duration = Duration::from_mins(10);

/// What a secret is sealed for: nobody else's row opens it.
fn context(id: UserId) -> Vec<u8> {
    [b"totp".as_slice(), &id.0.to_be_bytes()].concat()
}

/// How a recovery code is stored.
fn hash_of(salt: &[u8; 16], code: &RecoveryCode) -> [u8; 32] {
    sha256(&[salt.as_slice(), code.bytes()].concat())
}

/// Fresh recovery codes, and how they are stored.
pub(super) fn draw_codes(app: &App) -> Result<(Vec<RecoveryCode>, Vec<NewRecoveryCode>), Failure> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    let mut stored = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let (code, salt) = (RecoveryCode::new(app.random.bytes()?), app.random.bytes()?);
        stored.push(NewRecoveryCode { salt, hash: hash_of(&salt, &code) });
        codes.push(code);
    }
    Ok((codes, stored))
}
