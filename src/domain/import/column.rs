//! Where in a row a value of an account stands.

use serde_json::{Map, Value};

/// A row of the source: its columns by name. A value may hold others.
pub type Record = Map<String, Value>;

/// What is read of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// How the source names the account.
    Id,
    /// The email address.
    Email,
    /// The name.
    FullName,
    /// Whether, or when, it was shown that the person reads the mail of the address.
    EmailVerified,
    /// The password's hash.
    Hash,
    /// Whether the person may log in.
    IsActive,
    /// Whether the application gives the person all rights.
    IsSuperuser,
    /// When the account was made.
    CreatedAt,
    /// The last login.
    LastLogin,
    /// Firebase: the salt.
    Salt,
    /// Keycloak: a JSON text of the function and its parameters.
    CredentialData,
    /// Keycloak: a JSON text of the hash and its salt.
    SecretData,
}

impl Field {
    /// All there are.
    pub const ALL: [Self; 12] = [
        Self::Id,
        Self::Email,
        Self::FullName,
        Self::EmailVerified,
        Self::Hash,
        Self::IsActive,
        Self::IsSuperuser,
        Self::CreatedAt,
        Self::LastLogin,
        Self::Salt,
        Self::CredentialData,
        Self::SecretData,
    ];

    /// How it is called at the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "email",
            Self::FullName => "full_name",
            Self::EmailVerified => "email_verified",
            Self::Hash => "hash",
            Self::IsActive => "is_active",
            Self::IsSuperuser => "is_superuser",
            Self::CreatedAt => "created_at",
            Self::LastLogin => "last_login",
            Self::Salt => "salt",
            Self::CredentialData => "credential_data",
            Self::SecretData => "secret_data",
        }
    }
}

/// Where a value stands: `a|b` is the first of two columns that has one, `a+b` both with a blank between, `!a` the opposite; `a.b` is in
/// what `a` holds. An empty text is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    negated: bool,
    /// The first that has a value counts; the parts of one are joined.
    alternatives: Vec<Vec<String>>,
}

/// This is no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnError;

impl Column {
    /// Reads the notation.
    ///
    /// # Errors
    /// When a name is empty.
    pub fn parse(text: &str) -> Result<Self, ColumnError> {
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        if text.is_empty() && !negated {
            return Ok(Self { negated, alternatives: Vec::new() });
        }
        let parts = |alternative: &str| alternative.split('+').map(str::to_owned).collect::<Vec<_>>();
        let alternatives: Vec<_> = text.split('|').map(parts).collect();
        let whole = alternatives.iter().flatten().all(|name| !name.is_empty());
        whole.then_some(Self { negated, alternatives }).ok_or(ColumnError)
    }

    /// Whether a switch is to be read the other way round.
    #[must_use]
    pub const fn is_negated(&self) -> bool {
        self.negated
    }

    /// The value in this row: a text, a number or a switch. None: null, or no such column.
    #[must_use]
    pub fn of(&self, record: &Record) -> Option<Value> {
        self.alternatives.iter().find_map(|parts| match &parts[..] {
            [one] => find(record, one).filter(|value| !value.is_null()).cloned(),
            several => {
                let texts: Vec<_> = several.iter().filter_map(|name| find(record, name)?.as_str()).collect();
                let joined = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect::<Vec<_>>();
                (!joined.is_empty()).then(|| Value::String(joined.join(" ")))
            }
        })
    }

    /// Whether the row has such a column, be it null.
    #[must_use]
    pub fn is_in(&self, record: &Record) -> bool {
        self.alternatives.iter().flatten().any(|name| find(record, name).is_some())
    }
}

/// A column of this name; else what stands under the parts of the name, one in the other.
fn find<'a>(record: &'a Record, name: &str) -> Option<&'a Value> {
    if let Some(value) = record.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    rest.split('.').try_fold(record.get(first)?, |value, part| match value {
        Value::Object(object) => object.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(column: &str, record: &Value) -> Option<Value> {
        Column::parse(column).unwrap().of(record.as_object().unwrap())
    }

    #[test]
    fn columns_are_found_as_they_are_written() {
        let record = json!({ "a": 1, "none": null, "first": "Ann", "last": " Lee ", "deep": { "er": [{ "x": true }] }, "dot.ted": "d" });
        for (column, expected) in [
            ("a", Some(json!(1))),
            ("none", None),
            ("missing", None),
            ("none|a", Some(json!(1))),
            ("missing|none", None),
            ("first+last", Some(json!("Ann Lee"))),
            ("missing+last", Some(json!("Lee"))),
            ("missing+none|a", Some(json!(1))),
            ("deep.er.0.x", Some(json!(true))),
            ("deep.er.1.x", None),
            ("dot.ted", Some(json!("d"))),
            ("!a", Some(json!(1))),
            ("", None),
        ] {
            assert_eq!(of(column, &record), expected, "{column}");
        }
        for column in ["|", "a|", "+a", "!", "a||b"] {
            assert_eq!(Column::parse(column), Err(ColumnError), "{column}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(column in "[ab.|+!0]{0,12}", key in "[ab.0]{0,4}") {
            if let Ok(column) = Column::parse(&column) {
                let record = json!({ key: [{ "a": "x" }] });
                let _ = column.of(record.as_object().unwrap());
            }
        }
    }
}
