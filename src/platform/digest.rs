//! SHA-256.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 (FIPS 180-4). For secrets that are random and long, such as reset tokens: passwords need bcrypt.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
