//! What is wrong with the settings: everything at once, by name, never with a value.

use std::borrow::Cow;
use std::fmt;

/// One setting that is wrong. The reason is a text of this program, so that it cannot hold what was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, or the place (`.env, line 3`).
    pub name: String,
    /// Continues a sentence that begins with the name.
    pub reason: Cow<'static, str>,
}

impl Problem {
    pub(super) fn new(name: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), reason: reason.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.reason)
    }
}

/// Everything that is wrong; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are wrong:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}
