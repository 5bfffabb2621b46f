//! Authenticator data (Web Authentication, section 6.1).

use super::cbor;
use crate::platform::digest::sha256;

/// What an authenticator says.
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8],
    pub(super) flags: Flags,
    pub(super) sign_count: u32,
    /// The key that it has made.
    pub(super) attested: Option<Attested<'a>>,
}

/// A new key.
pub(super) struct Attested<'a> {
    pub(super) credential_id: &'a [u8],
    /// A `COSE_Key`.
    pub(super) public_key: &'a [u8],
}

/// The flags that are looked at.
#[expect(clippy::struct_excessive_bools, reason = "they are bits of a byte")]
pub(super) struct Flags {
    pub(super) user_present: bool,
    pub(super) user_verified: bool,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
}

/// Whether it is for this domain.
pub(super) fn is_of(data: &AuthenticatorData<'_>, rp_id: &str) -> bool {
    data.rp_id_hash == sha256(rp_id.as_bytes())
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of it. None: it is none, or something stands behind it.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_at_checked(32)?;
        let (flags, rest) = rest.split_first()?;
        let (count, mut rest) = rest.split_first_chunk::<4>()?;
        let has = |bit: u8| flags >> bit & 1 == 1;
        let mut attested = None;
        if has(6) {
            // What make it is.
            let (_, behind) = rest.split_at_checked(16)?;
            let (length, behind) = behind.split_first_chunk::<2>()?;
            let (credential_id, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into())?;
            let (public_key, behind) = cbor::split(behind)?;
            attested = Some(Attested { credential_id, public_key });
            rest = behind;
        }
        if has(7) {
            // Extensions, of which none was asked for.
            rest = cbor::split(rest)?.1;
        }
        let flags = Flags { user_present: has(0), user_verified: has(2), backup_eligible: has(3), backed_up: has(4) };
        rest.is_empty().then_some(Self { rp_id_hash, flags, sign_count: u32::from_be_bytes(*count), attested })
    }
}
