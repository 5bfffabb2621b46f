//! A keyed hash: names that tell nothing without the key.

use aws_lc_rs::hmac;

/// HMAC-SHA-256, cut to 128 bits. The throttle counts accounts under such names, so that neither its memory nor its table
/// holds addresses of people, and nobody can aim at another account's counter.
#[derive(Clone, Debug)]
pub struct KeyedHash(hmac::Key);

impl KeyedHash {
    /// Takes 32 secret bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The name of `text` under this key.
    #[must_use]
    pub fn of(&self, text: &[u8]) -> [u8; 16] {
        let tag = hmac::sign(&self.0, text);
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 1 with its 20-byte key filled with zeros, which HMAC does as well.
    #[test]
    fn is_hmac_sha_256() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            KeyedHash::new(&key).of(b"Hi There"),
            [0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b]
        );
    }

    #[test]
    fn another_key_gives_another_name() {
        assert_ne!(KeyedHash::new(&[1; 32]).of(b"a"), KeyedHash::new(&[2; 32]).of(b"a"));
        assert!(!format!("{:?}", KeyedHash::new(&[77; 32])).contains("77"));
    }
}
