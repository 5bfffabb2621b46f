//! What programs make of a password before they give it to bcrypt. The texts are here; the digests are `platform::hashing`'s.

use zeroize::Zeroizing;

use super::Password;
use super::secret::composed;

/// What bcrypt was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// The password.
    Plain,
    /// Its SHA-256 in hexadecimal: Django's `BCryptSHA256PasswordHasher`.
    DjangoSha256,
    /// Its SHA-256 in base64: passlib's `bcrypt_sha256`, until version 1.7.3.
    PasslibV1,
    /// Its HMAC under the text of the salt, in base64: passlib's `bcrypt_sha256` since, and others.
    PasslibV2(Sha),
    /// Its HMAC-SHA-384 under `wp-sha384`, in base64: WordPress since 6.8.
    Wordpress,
    /// Its SHA-256 in hexadecimal: Flask-Bcrypt with `BCRYPT_HANDLE_LONG_PASSWORDS`.
    FlaskLong,
    /// The password and a pepper behind it: Devise.
    Devise,
    /// The password with entities of HTML in it: phpBB.
    Phpbb,
}

/// A hash function of the SHA-2 family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Wrapping {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::DjangoSha256,
        Self::PasslibV1,
        Self::PasslibV2(Sha::Sha256),
        Self::PasslibV2(Sha::Sha384),
        Self::PasslibV2(Sha::Sha512),
        Self::Wordpress,
        Self::FlaskLong,
        Self::Devise,
        Self::Phpbb,
    ];

    /// How it is called where it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "bcrypt",
            Self::DjangoSha256 => "django-sha256",
            Self::PasslibV1 => "passlib-v1",
            Self::PasslibV2(Sha::Sha256) => "passlib-v2-sha256",
            Self::PasslibV2(Sha::Sha384) => "passlib-v2-sha384",
            Self::PasslibV2(Sha::Sha512) => "passlib-v2-sha512",
            Self::Wordpress => "wordpress",
            Self::FlaskLong => "flask-long",
            Self::Devise => "devise",
            Self::Phpbb => "phpbb",
        }
    }

    /// The one that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wrapping| wrapping.name() == name)
    }

    /// The texts that the program may have hashed when this password was set: one, or two that differ. The first is of the form
    /// that Doorward hashes, where the program hashes what it is given.
    #[must_use]
    pub fn texts(self, password: &Password) -> Vec<Zeroizing<String>> {
        let copy = |text: &str| Zeroizing::new(text.to_owned());
        let (one, other) = match self {
            // Its pages hand on what PHP's old `magic_quotes` would have made of it; its functions do not.
            Self::Wordpress => {
                let typed = trimmed(password.as_typed());
                (slashed(typed), copy(typed))
            }
            // Its request class makes entities of what it is given, and trims unless it is told not to.
            Self::Phpbb => {
                let typed = password.as_typed();
                (composed(&entities(typed)), composed(&entities(trimmed(typed))))
            }
            _ => (copy(password.reveal()), copy(password.as_typed())),
        };
        if one == other { vec![one] } else { vec![one, other] }
    }
}

/// What PHP's `trim` leaves.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}'])
}

/// PHP's `addslashes`; there is no NUL here.
fn slashed(text: &str) -> Zeroizing<String> {
    replaced(text, |c| match c {
        '\'' => Some("\\'"),
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        _ => None,
    })
}

/// PHP's `htmlspecialchars` with `ENT_COMPAT`: an apostrophe stays.
fn entities(text: &str) -> Zeroizing<String> {
    replaced(text, |c| match c {
        '&' => Some("&amp;"),
        '"' => Some("&quot;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

fn replaced(text: &str, by: impl Fn(char) -> Option<&'static str>) -> Zeroizing<String> {
    // Enough for the longest of them: it does not grow, and leaves nothing behind.
    let mut replaced = Zeroizing::new(String::with_capacity(text.len() * 6));
    for c in text.chars() {
        match by(c) {
            Some(other) => replaced.push_str(other),
            None => replaced.push(c),
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(wrapping: Wrapping, typed: &str) -> Vec<String> {
        let password = Password::parse(typed.to_owned()).unwrap();
        wrapping.texts(&password).iter().map(|text| text.to_string()).collect()
    }

    #[test]
    fn two_texts_only_where_they_differ() {
        assert_eq!(texts(Wrapping::Plain, " It's <b> "), [" It's <b> "]);
        assert_eq!(texts(Wrapping::Plain, "e\u{301}"), ["\u{e9}", "e\u{301}"]);
        assert_eq!(texts(Wrapping::Wordpress, " SecurePass123\t"), ["SecurePass123"]);
        assert_eq!(texts(Wrapping::Wordpress, " It's \"\\ "), ["It\\'s \\\"\\\\", "It's \"\\"]);
        assert_eq!(texts(Wrapping::Wordpress, "e\u{301}"), ["e\u{301}"]);
        assert_eq!(texts(Wrapping::Phpbb, "Tom's & \"Ann\" <3>"), ["Tom's &amp; &quot;Ann&quot; &lt;3&gt;"]);
        assert_eq!(texts(Wrapping::Phpbb, " e\u{301}"), [" \u{e9}", "\u{e9}"]);
    }

    #[test]
    fn each_is_found_by_its_name() {
        for wrapping in Wrapping::ALL {
            assert_eq!(Wrapping::named(wrapping.name()), Some(wrapping));
        }
        assert_eq!(Wrapping::named("argon2id"), None);
    }
}
