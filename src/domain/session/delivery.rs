//! How a session's tokens come to its client.

/// How a session's tokens come to its client. Chosen at login, and never changed: a script that could turn cookies into text would have
/// what cookies keep from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// As cookies that no script can read.
    #[default]
    Cookies,
    /// In the bodies of answers: to clients without cookies, such as native apps.
    Body,
}

impl Delivery {
    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cookies => "cookies",
            Self::Body => "body",
        }
    }

    /// Reads the stored form. None: it is none of these.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Cookies, Self::Body].into_iter().find(|delivery| delivery.as_str() == text)
    }
}
