//! Hashes of other software: what bcrypt is given of a password, and the functions beside bcrypt.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{constant_time, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::config::imported::{Firebase, Imported};
use crate::domain::password::{Bcrypt, Function, Kdf, Password, Sha, Wrapping, bcrypt_text};

/// What bcrypt looks at: of what is longer, 72 bytes.
const BCRYPT_BYTES: usize = 72;

/// What bcrypt is given, with the NUL behind it where that counts.
pub(super) type Key = Zeroizing<Vec<u8>>;

/// What bcrypt may have been given when this password was set: for one text, or for two. No key: a text that it was not. `Err`: a setting
/// is missing without which nobody can tell.
pub(super) fn keys(
    password: &Password,
    stored: &Bcrypt,
    imported: &Imported,
) -> Result<Vec<Option<Key>>, &'static str> {
    let pepper = match (stored.wrapping, &imported.pepper) {
        (Wrapping::Devise, None) => return Err("IMPORT_PEPPER is not set"),
        (Wrapping::Devise, Some(pepper)) => pepper.reveal(),
        _ => &[],
    };
    let texts = stored.wrapping.texts(password);
    Ok(texts.iter().map(|text| key(stored, text.as_bytes(), pepper)).collect())
}

fn key(stored: &Bcrypt, text: &[u8], pepper: &[u8]) -> Option<Key> {
    let bytes = match stored.wrapping {
        // A program that cut it off knows less than the whole of it.
        Wrapping::Plain if text.len() >= BCRYPT_BYTES => return None,
        Wrapping::Plain | Wrapping::Phpbb => Zeroizing::new(text.to_vec()),
        Wrapping::Devise => Zeroizing::new([text, pepper].concat()),
        Wrapping::DjangoSha256 | Wrapping::FlaskLong => hex(&digest(&SHA256, text)),
        Wrapping::PasslibV1 => base64(digest(&SHA256, text).as_ref()),
        Wrapping::PasslibV2(sha) => base64(hmac_of(sha, bcrypt_text(&stored.salt).as_bytes(), text).as_ref()),
        Wrapping::Wordpress => base64(hmac_of(Sha::Sha384, b"wp-sha384", text).as_ref()),
    };
    Some(with_end(&bytes))
}

/// With its NUL, cut off where bcrypt does.
pub(super) fn with_end(bytes: &[u8]) -> Key {
    let mut key = Zeroizing::new(Vec::with_capacity(BCRYPT_BYTES));
    key.extend_from_slice(&bytes[..bytes.len().min(BCRYPT_BYTES)]);
    if key.len() < BCRYPT_BYTES {
        key.push(0);
    }
    key
}

fn hex(digest: &Digest) -> Zeroizing<Vec<u8>> {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
    Zeroizing::new(digest.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect())
}

fn base64(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(STANDARD.encode(bytes).into_bytes())
}

fn hmac_of(sha: Sha, key: &[u8], text: &[u8]) -> hmac::Tag {
    let algorithm = match sha {
        Sha::Sha256 => hmac::HMAC_SHA256,
        Sha::Sha384 => hmac::HMAC_SHA384,
        Sha::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::sign(&hmac::Key::new(algorithm, key), text)
}

/// The texts that the function may have been given when this password was set.
pub(super) fn texts(password: &Password, function: Function) -> Vec<Zeroizing<String>> {
    match function {
        Function::Scrypt { compatible: true, .. } => vec![compatible(password.as_typed())],
        _ => Wrapping::Plain.texts(password),
    }
}

/// In NFKC.
fn compatible(text: &str) -> Zeroizing<String> {
    use unicode_normalization::UnicodeNormalization as _;
    // One character becomes eleven bytes of each of its own at most (UAX 15): it does not grow, and leaves nothing behind.
    let mut compatible = Zeroizing::new(String::with_capacity(text.len() * 11));
    compatible.extend(text.nfkc());
    compatible
}

/// Whether the hash is of this text. None: there is no memory, or a setting is missing.
pub(super) fn is_of(kdf: &Kdf, text: &[u8], firebase: Option<&Firebase>) -> Option<bool> {
    let mut derived = Zeroizing::new(vec![0; kdf.digest.len()]);
    match kdf.function {
        Function::Argon2 { id, memory, passes, parallelism } => {
            let params = Params::new(memory, passes, parallelism, Some(derived.len())).ok()?;
            let mut blocks = Vec::new();
            blocks.try_reserve_exact(params.block_count()).ok()?;
            blocks.resize(params.block_count(), Block::new());
            let algorithm = if id { Algorithm::Argon2id } else { Algorithm::Argon2i };
            let argon2 = Argon2::new(algorithm, Version::V0x13, params);
            argon2.hash_password_into_with_memory(text, &kdf.salt, &mut derived, &mut blocks).ok()?;
        }
        Function::Pbkdf2 { sha, rounds } => {
            let algorithm = match sha {
                None => pbkdf2::PBKDF2_HMAC_SHA1,
                Some(Sha::Sha256) => pbkdf2::PBKDF2_HMAC_SHA256,
                Some(Sha::Sha384) => pbkdf2::PBKDF2_HMAC_SHA384,
                Some(Sha::Sha512) => pbkdf2::PBKDF2_HMAC_SHA512,
            };
            pbkdf2::derive(algorithm, NonZeroU32::new(rounds)?, &kdf.salt, text, &mut derived);
        }
        Function::Scrypt { log_n, r, p, .. } => {
            scrypt::scrypt(text, &kdf.salt, &scrypt::Params::new(log_n, r, p).ok()?, &mut derived).ok()?;
        }
        Function::Firebase { log_n, r } => {
            let Firebase { signer_key, salt_separator, .. } = firebase?;
            let salt = [&kdf.salt[..], salt_separator].concat();
            let mut key = Zeroizing::new([0; 32]);
            scrypt::scrypt(text, &salt, &scrypt::Params::new(log_n, r, 1).ok()?, &mut key[..]).ok()?;
            derived = Zeroizing::new(signer_key.reveal().to_vec());
            let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &key[..]).ok()?).ok()?;
            key.less_safe_encrypt(&mut derived, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
        }
    }
    Some(constant_time::verify_slices_are_equal(&derived, &kdf.digest).is_ok())
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
