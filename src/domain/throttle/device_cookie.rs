//! The shape of a device cookie: what shows that a browser has been used with an account before.
//!
//! `version (1) | key id (4) | device id (16) | for each account, the newest first: tag (16) | HMAC-SHA256 (32)`, in base64url. A tag
//! is a hash of the device id and the account's email, so that the browser's disk does not tell whose accounts they are.
//! `platform::device_cookie` makes and checks it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::session::KeyId;

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 21;
const TAG_BYTES: usize = 16;
const MAC_BYTES: usize = 32;

/// A well-formed device cookie; whether it is authentic is for `platform::device_cookie` to say. Has no `Debug`: it is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCookie {
    /// Which server key made it.
    pub key_id: KeyId,
    /// Random; names the browser.
    pub device: [u8; 16],
    /// The accounts that logged in with it, the newest first.
    pub tags: Vec<[u8; TAG_BYTES]>,
}

impl DeviceCookie {
    /// How many accounts one browser is known for.
    pub const MAX_ACCOUNTS: usize = 5;

    /// Parses the written form into the cookie and the HMAC that it brings. None: it is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<(Self, [u8; MAC_BYTES])> {
        // Longer input is not worth decoding.
        if text.len() > (HEAD_BYTES + Self::MAX_ACCOUNTS * TAG_BYTES + MAC_BYTES).div_ceil(3) * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, mac) = bytes.split_last_chunk::<MAC_BYTES>()?;
        let (head, tags) = body.split_first_chunk::<HEAD_BYTES>()?;
        let (version, head) = head.split_first()?;
        let (key_id, device) = head.split_first_chunk::<4>()?;
        let (tags, rest) = tags.as_chunks::<TAG_BYTES>();
        (*version == VERSION && rest.is_empty() && tags.len() <= Self::MAX_ACCOUNTS)
            .then_some((Self { key_id: *key_id, device: device.try_into().ok()?, tags: tags.to_vec() }, *mac))
    }

    /// The bytes that the HMAC covers.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        [&[VERSION][..], &self.key_id, &self.device, self.tags.as_flattened()].concat()
    }

    /// The written form, with the HMAC of its [body](Self::body).
    #[must_use]
    pub fn write(&self, mac: &[u8; MAC_BYTES]) -> String {
        URL_SAFE_NO_PAD.encode([&self.body()[..], mac].concat())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_parsed(key_id: [u8; 4], device: [u8; 16], mac: [u8; 32], tags in prop::collection::vec(any::<[u8; 16]>(), 0..=5)) {
            let cookie = DeviceCookie { key_id, device, tags };
            let text = cookie.write(&mac);
            prop_assert!(DeviceCookie::parse(&text) == Some((cookie, mac)));
            let longer = text + "AAAA";
            prop_assert!(DeviceCookie::parse(&longer).is_none());
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text in "[A-Za-z0-9_=-]{0,300}") {
            _ = DeviceCookie::parse(&text);
        }
    }
}
