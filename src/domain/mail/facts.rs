//! What a mail may tell beside its link.

use serde::{Deserialize, Serialize};

/// The most characters of what somebody has typed, or their browser says.
const MAX_CHARS: usize = 60;

/// Empty in mails to addresses that are not confirmed for the account: else whoever registers somebody else's address could write
/// them a letter in our name. What is missing when it is read was written by another version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The person's name, as they wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Such as "Firefox on Linux".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// From where it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// A day, where another is told of than that of the mail: such as `2026-11-29`. Nobody types it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

impl Facts {
    /// Whether it tells anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A text that somebody has typed, as a mail may show it: cut, and none at all where it could be taken for a link or an address.
#[must_use]
pub fn presentable(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let lures = ["http", "www.", "://", "@"].iter().any(|lure| lower.contains(lure));
    let breaks = text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    if lures || breaks {
        return None;
    }
    let cut: String = text.chars().take(MAX_CHARS).collect();
    let cut = cut.trim();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lures_are_left_out() {
        for lure in
            ["Click HTTPS://evil.example", "www.evil.example", "ann@example.com", "a://b", "a\nb", "a\u{2028}b", " "]
        {
            assert_eq!(presentable(lure), None, "{lure:?}");
        }
        assert_eq!(presentable(" Zoë O'Brien "), Some("Zoë O'Brien".to_owned()));
    }

    proptest! {
        #[test]
        fn whatever_is_shown_is_one_short_line(text in "\\PC{0,200}|.{0,100}") {
            if let Some(shown) = presentable(&text) {
                prop_assert!((1..=MAX_CHARS).contains(&shown.chars().count()));
                prop_assert!(!shown.contains(['\r', '\n', '\0', '@']) && !shown.contains("://"));
            }
        }
    }
}
