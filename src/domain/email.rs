//! An email address in its canonical form.

/// A canonical email address: two accounts never differ only by its case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is no email address that an account can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an email address")]
pub struct EmailError;

impl Email {
    /// Parses and lower-cases an address.
    ///
    /// # Errors
    /// When no account can have it.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        if text.contains('@') { Ok(Self(text.to_ascii_lowercase())) } else { Err(EmailError) }
    }

    /// The canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
