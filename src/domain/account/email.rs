//! An email address in its canonical form.
//!
//! Doorward takes what people have and mail servers accept, not all of RFC 5321: a dot-atom ASCII local part, and a domain of
//! two or more labels. An internationalized domain becomes its A-labels (IDNA, UTS 46 strict); an internationalized local part
//! (RFC 6531) is refused, because two that look alike would be two accounts. No comments, quoted strings, address literals.

use std::fmt;

use idna::domain_to_ascii_strict;

/// A canonical email address: lower-case, its domain in A-labels. Two accounts never differ only by case or by the domain's
/// spelling. Shows itself in no `Debug`: addresses do not belong into logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// Why no account can have this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// More than 254 bytes, as given or in canonical form (RFC 5321 4.5.3.1, RFC 3696 erratum 1690).
    #[error("more than 254 bytes")]
    TooLong,
    /// Not of the form described above.
    #[error("not an email address")]
    Invalid,
}

impl Email {
    /// The longest address that mail can be sent to.
    pub const MAX_BYTES: usize = 254;

    /// RFC 5321 4.5.3.1.1.
    const MAX_LOCAL_BYTES: usize = 64;

    /// Parses an address into its canonical form, which parses to itself. White space around it is none of it: phones add a blank
    /// behind what they complete.
    ///
    /// # Errors
    /// When no account can have it.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        // Before anything that takes longer for longer texts.
        if text.len() > Self::MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Invalid)?;
        if !is_dot_atom(local) || local.len() > Self::MAX_LOCAL_BYTES {
            return Err(EmailError::Invalid);
        }
        let domain = domain_to_ascii_strict(domain).map_err(|_| EmailError::Invalid)?;
        let (_, top_level) = domain.rsplit_once('.').ok_or(EmailError::Invalid)?;
        // No top-level domain is a number (RFC 3696 2): this is an IPv4 address.
        if top_level.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EmailError::Invalid);
        }
        let canonical = format!("{}@{domain}", local.to_ascii_lowercase());
        if canonical.len() > Self::MAX_BYTES { Err(EmailError::TooLong) } else { Ok(Self(canonical)) }
    }

    /// What stands behind the `@`: A-labels.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

/// RFC 5322 3.2.3: atoms with single dots between them.
fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte))
}

fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
