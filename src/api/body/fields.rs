//! The fields of one object, taken one by one, and everything that is wrong with them.

use serde_json::{Map, Value};

use super::json::Json;
use crate::api::problem::{FieldCode, FieldProblem, Problem};

/// The fields of a body that have not been taken yet, and the problems found so far.
#[derive(Default)]
pub struct Fields {
    pairs: Vec<(String, Json)>,
    problems: Vec<FieldProblem>,
}

/// A type that a field may have. There is no coercion: a number is no string.
pub trait Field: Sized {
    /// What is asked for when the type is another.
    const EXPECTED: &'static str;

    /// The value, when it has this type.
    fn take(value: Json) -> Option<Self>;
}

impl Field for String {
    const EXPECTED: &'static str = "Must be a string.";

    fn take(value: Json) -> Option<Self> {
        if let Json::Text(text) = value { Some(text) } else { None }
    }
}

impl Field for bool {
    const EXPECTED: &'static str = "Must be true or false.";

    fn take(value: Json) -> Option<Self> {
        if let Json::Bool(value) = value { Some(value) } else { None }
    }
}

impl Field for Map<String, Value> {
    const EXPECTED: &'static str = "Must be an object.";

    fn take(value: Json) -> Option<Self> {
        if let Json::Nested(Value::Object(members)) = value { Some(members) } else { None }
    }
}

impl Fields {
    /// Adds a pair as it stands in the body. A key that came before is a problem; its first value counts for what follows.
    pub(super) fn push(&mut self, key: String, value: Json) {
        if self.pairs.iter().any(|(known, _)| *known == key) {
            let problem = match nameable(&key) {
                "" => FieldProblem::new("", FieldCode::Duplicate, "The body has a field more than once."),
                field => FieldProblem::new(field, FieldCode::Duplicate, "Occurs more than once."),
            };
            self.note(problem);
        } else {
            self.pairs.push((key, value));
        }
    }

    /// Takes a field that must be there. None: there is a problem.
    pub fn required<T: Field>(&mut self, name: &'static str) -> Option<T> {
        if let Some(value) = self.remove(name) {
            self.typed(name, value)
        } else {
            self.refuse(name, FieldCode::Required, "Is required.");
            None
        }
    }

    /// Takes a field that may be missing or null. None: there is a problem.
    pub fn optional<T: Field>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.remove(name) {
            None | Some(Json::Null) => Some(None),
            Some(value) => self.typed(name, value).map(Some),
        }
    }

    /// Notes a broken rule. The message is a sentence for people and repeats nothing that was submitted.
    pub fn refuse(&mut self, name: &'static str, code: FieldCode, message: &'static str) {
        self.problems.push(FieldProblem::new(name, code, message));
    }

    /// The value, when nothing at all was wrong.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        for (key, _) in std::mem::take(&mut self.pairs) {
            let problem = match nameable(&key) {
                "" => FieldProblem::new("", FieldCode::Unknown, "The body has a field that is not known."),
                field => FieldProblem::new(field, FieldCode::Unknown, "Is not a known field."),
            };
            self.note(problem);
        }
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.problems)),
        }
    }

    fn note(&mut self, problem: FieldProblem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn remove(&mut self, name: &str) -> Option<Json> {
        let index = self.pairs.iter().position(|(key, _)| key == name)?;
        Some(self.pairs.remove(index).1)
    }

    fn typed<T: Field>(&mut self, name: &'static str, value: Json) -> Option<T> {
        let value = T::take(value);
        if value.is_none() {
            self.refuse(name, FieldCode::Type, T::EXPECTED);
        }
        value
    }
}

/// The key, where it is a plain identifier; else nothing: it may be a secret in the wrong place.
fn nameable(key: &str) -> &str {
    let plain = key.len() <= 40
        && key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key.chars().all(|next| next.is_ascii_alphanumeric() || next == '_');
    if plain { key } else { "" }
}
