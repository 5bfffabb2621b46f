//! How somebody proved who they are when their session began.

/// A method of authentication, by the words of RFC 8176.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// `pwd`: the password.
    Password,
    /// `otp`: a code of an authenticator app, or a recovery code.
    OneTimeCode,
    /// `hwk`: a passkey that stays on its device.
    HardwareKey,
    /// `swk`: a passkey that may be copied to other devices of its owner.
    SoftwareKey,
    /// `mfa`: two different kinds of the others.
    MultiFactor,
    /// Another version of Doorward knows this word.
    Other(String),
}

impl AuthMethod {
    /// The stored form.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match self {
            Self::Password => "pwd",
            Self::OneTimeCode => "otp",
            Self::HardwareKey => "hwk",
            Self::SoftwareKey => "swk",
            Self::MultiFactor => "mfa",
            Self::Other(word) => word.as_str(),
        }
    }

    fn read(word: &str) -> Self {
        let known = [Self::Password, Self::OneTimeCode, Self::HardwareKey, Self::SoftwareKey, Self::MultiFactor];
        known.into_iter().find(|method| method.as_str() == word).unwrap_or_else(|| Self::Other(word.to_owned()))
    }

    /// The stored form of several: words with a space between them. None of none.
    #[must_use]
    pub fn join(methods: &[Self]) -> Option<String> {
        let words: Vec<_> = methods.iter().map(Self::as_str).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// Reads the stored form of several. A session of a version before 0.2 has none.
    #[must_use]
    pub fn split(words: Option<&str>) -> Vec<Self> {
        words.unwrap_or_default().split_whitespace().map(Self::read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_back_from_their_stored_form() {
        let other = |word: &str| AuthMethod::Other(word.to_owned());
        for (words, methods) in [
            (None, vec![]),
            (Some("pwd"), vec![AuthMethod::Password]),
            (Some("pwd otp mfa"), vec![AuthMethod::Password, AuthMethod::OneTimeCode, AuthMethod::MultiFactor]),
            (Some("swk mfa"), vec![AuthMethod::SoftwareKey, AuthMethod::MultiFactor]),
            (Some("pwd hwk"), vec![AuthMethod::Password, AuthMethod::HardwareKey]),
            (Some("pwd sms"), vec![AuthMethod::Password, other("sms")]),
        ] {
            assert_eq!(AuthMethod::split(words), methods);
            assert_eq!(AuthMethod::join(&methods).as_deref(), words);
        }
    }
}
