//! The world outside the rules: time, chance, bcrypt, signatures.

pub mod access_token;
pub mod clock;
pub mod device_cookie;
pub mod device_proof;
pub mod digest;
pub mod hashing;
pub mod keyed_hash;
pub mod keys;
pub mod mail;
pub mod one_time_code;
pub mod proof_cookies;
pub mod qr_code;
pub mod random;
pub mod refresh_token;
pub mod sealed;
pub mod webauthn;
