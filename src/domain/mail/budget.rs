//! How many mails somebody gets.

use std::fmt::Write as _;

/// By which count a mail is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Anybody may ask for it: all of those to one address share `MAIL_RATE_LIMIT`.
    Asked,
    /// A browser asks for it that the account has logged in with: as many once more, so that strangers don't use up the owner's.
    Device([u8; 16]),
    /// Somebody asks for it who has proved the password: as many once more, for the same reason.
    Proved,
    /// It tells of something that happened. Counted by its kind.
    Notice,
}

impl Budget {
    /// The stored form.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Asked => "asked".to_owned(),
            Self::Proved => "proved".to_owned(),
            Self::Notice => "notice".to_owned(),
            Self::Device(id) => id.iter().fold("device:".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_browser_has_a_budget_of_its_own() {
        assert_eq!(Budget::Device([0xa0; 16]).text(), format!("device:{}", "a0".repeat(16)));
        assert_ne!(Budget::Device([1; 16]).text(), Budget::Device([2; 16]).text());
        let shared = [Budget::Asked, Budget::Proved, Budget::Notice].map(|budget| budget.text());
        assert_eq!(shared, ["asked", "proved", "notice"]);
    }
}
