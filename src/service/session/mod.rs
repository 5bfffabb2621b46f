//! Sessions: how they begin, go on and end, and who is asking.

mod authenticate;
mod begin;
mod credentials;
mod device;
mod end;
mod enrol;
mod enrol_passkey;
mod enter;
mod issue;
mod list;
mod login;
mod login_passkey;
mod logout;
mod recover;
mod refresh;
mod refresh_device;
mod register_device;
mod revocations;
mod rotate;
mod second_factor;
mod state;

pub use authenticate::{AuthError, Caller, authenticate};
pub(super) use begin::{Begun, Kept, Prepared, begin_session, prepare_session, session_begun};
pub use credentials::{Credentials, Typed};
pub use device::{DeviceBinding, NextChallenge, next_challenge};
use end::end_unbound;
pub(super) use end::{end_by_id, end_session, end_sessions_of, session_ended};
pub use enrol::{EnrolledIn, confirm_at_login, enrol_at_login};
pub use enrol_passkey::{EnrolPasskeyError, add_passkey_at_login, passkey_options_at_login};
pub use issue::IssuedTokens;
pub(super) use issue::{issue_first_tokens, issue_tokens};
pub use list::{end, end_all, list};
pub use login::{LoginError, LoginOutcome, login};
pub(super) use login::{Verified, verify_credentials};
pub use login_passkey::{PasskeyLoginError, login_passkey};
pub use logout::{LogoutError, is_ours, logout};
pub use recover::{AskRecoveryError, ask_recovery};
pub use refresh::{RefreshError, Refreshed, refresh};
pub use refresh_device::{DeviceRefresh, DeviceRefreshError, refresh_device};
pub use register_device::{RegisterDeviceError, register_device};
pub use revocations::{Follower, Look, follow_revocations};
pub use rotate::{Rotations, rotations};
pub use second_factor::{SecondFactorError, SecondFactorIn, second_factor, second_factor_options};
pub use state::{State, state};

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::cache::access_tokens::VerifiedTokens;
use crate::cache::sessions::SessionCache;
use crate::domain::session::{Delivery, Policy, PublishedKey, SessionId};
use crate::platform::device_cookie::DeviceCookies;
use crate::platform::keyed_hash::KeyedHash;
use crate::platform::keys::{Keys, SigningKey};

/// What sessions stand on.
pub struct Sessions {
    /// Lifetimes and refresh rotation.
    pub policy: Policy,
    /// Live and ended sessions.
    pub cache: SessionCache,
    /// Those that rotate now.
    pub rotations: Arc<Rotations>,
    /// Signs access tokens, and verifies each once.
    pub access_tokens: VerifiedTokens,
    /// Of access and refresh tokens.
    pub keys: Keys,
    /// Makes the cookies that browsers are known by.
    pub devices: DeviceCookies,
    /// Names sessions to the pages that use them.
    pub names: KeyedHash,
    /// Binds sessions to devices.
    pub device: DeviceBinding,
}

impl Sessions {
    /// The public keys of access tokens, the one that signs first; none where they are signed with a shared secret.
    pub fn published_keys(&self) -> impl Iterator<Item = &PublishedKey> {
        self.keys.signing.published().filter_map(SigningKey::public)
    }

    /// How a session is called in answers: it tells one from another, and is nothing to ask with.
    #[must_use]
    pub fn name_of(&self, id: SessionId) -> SessionName {
        SessionName(self.names.of(&id.0))
    }
}

/// The name of a session, for pages: 22 base64url characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionName([u8; 16]);

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// What a client brings beside its access token: every cookie of the name, or what stands in the body, not looked into.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// Refresh tokens.
    pub refresh: Vec<String>,
    /// Device cookies.
    pub device: Vec<String>,
    /// Tickets of logins that want a second factor.
    pub tickets: Vec<String>,
    /// Challenges for passkeys.
    pub ceremonies: Vec<String>,
    /// What tells that somebody has just proved who they are.
    pub recent: Vec<String>,
    /// How it has brought that, and gets its tokens.
    pub delivery: Delivery,
    /// Whether its page says that it knows sessions that are bound to a device.
    pub binds: bool,
}
