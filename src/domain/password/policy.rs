//! What a new password must be. Applied when a password is set, never at login: an imported account may not satisfy it.

use std::sync::LazyLock;

use super::Password;
use super::secret::composed;
use crate::domain::account::Email;

/// The rules that can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// `PASSWORD_COMPOSITION`: whether an upper-case and a lower-case letter and a digit are required. NIST SP 800-63B advises
    /// against it; many organizations ask for it still.
    pub composition: bool,
}

/// One reason why a text can't be a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    /// Fewer than 8 characters (OWASP ASVS 6.2.1).
    TooShort,
    /// More than 71 bytes: bcrypt ignores what follows.
    TooLong,
    /// Holds a NUL: bcrypt can't tell it from its end.
    Invalid,
    /// Lacks an upper-case letter, a lower-case letter or a digit.
    Weak,
    /// One of the passwords that are tried first (OWASP ASVS 6.2.4), or the account's own email address.
    Common,
}

impl PasswordProblem {
    /// What is asked for, in a sentence.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::TooShort => "Must have at least 8 characters.",
            Self::TooLong => "Must have at most 71 bytes; a letter with an accent has two or more.",
            Self::Invalid => "Must not have a NUL character.",
            Self::Weak => "Must have an upper-case letter, a lower-case letter and a digit.",
            Self::Common => "Is one that is tried first: a common password, or the email address.",
        }
    }
}

impl PasswordPolicy {
    /// The fewest characters (not bytes) of a new password.
    pub const MIN_CHARS: usize = 8;

    /// All problems of `text` as a new password of the account with `email`, if that is known already. A text without any is a
    /// [`Password`].
    #[must_use]
    pub fn problems(self, text: &str, email: Option<&Email>) -> Vec<PasswordProblem> {
        // Of the form that is hashed: what one keyboard makes of the same letters is as good as what another does.
        let text = composed(text);
        let text = text.as_str();
        let weak = !(text.chars().any(char::is_uppercase)
            && text.chars().any(char::is_lowercase)
            && text.chars().any(char::is_numeric));
        [
            (text.chars().count() < Self::MIN_CHARS, PasswordProblem::TooShort),
            (text.len() > Password::MAX_BYTES, PasswordProblem::TooLong),
            (text.contains('\0'), PasswordProblem::Invalid),
            (self.composition && weak, PasswordProblem::Weak),
            (is_common(text) || email.is_some_and(|email| is_email(text, email)), PasswordProblem::Common),
        ]
        .into_iter()
        .filter_map(|(found, problem)| found.then_some(problem))
        .collect()
    }
}

/// Exactly as listed: folding case would refuse passwords that nobody tries first.
fn is_common(text: &str) -> bool {
    COMMON.binary_search(&text).is_ok()
}

fn is_email(text: &str, email: &Email) -> bool {
    Email::parse(text).is_ok_and(|text| text == *email)
}

/// Sorted by bytes, one per line. Made by `scripts/common-passwords`, which says from what.
static COMMON: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PasswordProblem::{Common, Invalid, TooLong, TooShort, Weak};
    use super::*;

    const ON: PasswordPolicy = PasswordPolicy { composition: true };
    const OFF: PasswordPolicy = PasswordPolicy { composition: false };

    fn problems(policy: PasswordPolicy, text: &str) -> Vec<PasswordProblem> {
        policy.problems(text, None)
    }

    #[test]
    fn passwords_that_documents_and_tests_use_register() {
        for text in ["SecurePass123", "Test1234", "Ünïcødé99", "Correct Horse 7 Battery"] {
            assert_eq!(problems(ON, text), [], "{text}");
        }
        assert_eq!(problems(OFF, "correct horse battery staple"), []);
    }

    #[test]
    fn all_problems_at_once() {
        assert_eq!(problems(ON, ""), [TooShort, Weak]);
        assert_eq!(problems(ON, "short"), [TooShort, Weak]);
        assert_eq!(problems(ON, "Aa1\0"), [TooShort, Invalid]);
        assert_eq!(problems(ON, &"\0".repeat(80)), [TooLong, Invalid, Weak]);
        assert_eq!(problems(ON, "password"), [Weak, Common]);
        assert_eq!(problems(OFF, "password"), [Common]);
        assert_eq!(problems(ON, "Password1"), [Common]);
    }

    #[test]
    fn lengths_are_counted_in_characters_below_and_in_bytes_above() {
        assert_eq!(problems(ON, "Abcdef1"), [TooShort]);
        assert_eq!(problems(ON, "Äbcdéf1"), [TooShort]);
        assert_eq!(problems(ON, "Äbcdéf1ö"), []);
        let longest = format!("Aa1{}", "é".repeat(34));
        assert_eq!(longest.len(), 71);
        assert_eq!(problems(ON, &longest), []);
        assert_eq!(problems(ON, &format!("{longest}x")), [TooLong]);
        assert_eq!(problems(ON, &format!("Aa12{}", "é".repeat(34))), [TooLong]);
    }

    #[test]
    fn composition_is_about_letters_of_any_script() {
        for text in ["abcdefg1", "ABCDEFG1", "Abcdefgh", "12345678a", "日本語のパスワード1"] {
            assert!(problems(ON, text).contains(&Weak), "{text}");
            assert!(!problems(OFF, text).contains(&Weak), "{text}");
        }
        assert_eq!(problems(ON, "Жжжжжжж1"), []);
    }

    #[test]
    fn the_own_email_is_no_password() {
        let email = Email::parse("Ann1@Bücher.example").unwrap();
        for text in ["Ann1@Bücher.example", "ann1@BÜCHER.example", "aNN1@xn--bcher-kva.example"] {
            assert!(ON.problems(text, Some(&email)).contains(&Common), "{text}");
            assert!(!ON.problems(text, None).contains(&Common), "{text}");
        }
        assert_eq!(ON.problems("Ann2@Bücher.example", Some(&email)), []);
    }

    #[test]
    fn the_list_is_sorted_compared_exactly_and_holds_nothing_in_vain() {
        assert!(COMMON.is_sorted_by(|a, b| a < b));
        assert!(COMMON.iter().all(|text| problems(OFF, text) == [Common]));
        // OWASP ASVS 6.2.4: at least the first 3000 that satisfy the policy, with and without composition.
        assert!(COMMON.iter().filter(|text| problems(ON, text) == [Common]).count() >= 3_000);
        assert!(COMMON.iter().filter(|text| problems(ON, text) == [Weak, Common]).count() >= 3_000);
        assert_eq!(problems(ON, "pAssword1"), []);
    }

    #[test]
    fn letters_count_the_same_however_they_are_written() {
        let decomposed = format!("Aa1{}", "e\u{301}".repeat(34));
        assert!(decomposed.len() > 71);
        assert_eq!(problems(ON, &decomposed), []);
        assert_eq!(problems(ON, "e\u{301}e\u{301}e\u{301}Aa1"), [TooShort]);
    }

    proptest! {
        #[test]
        fn what_has_no_problem_is_a_password(text in "[\\PC\0]{0,90}") {
            for policy in [ON, OFF] {
                if policy.problems(&text, None).is_empty() {
                    prop_assert!(Password::parse(text.clone()).is_ok());
                }
            }
        }
    }
}
