//! From bytes to [`Fields`]: syntax is judged here (400), meaning there (422).

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::fields::Fields;
use crate::api::problem::{Code, FieldCode, FieldProblem, Problem};

/// How many pairs an object may have: far more than any body here has, few enough to list what is wrong with each.
const MAX_PAIRS: usize = 16;

/// A value, as far as a body may use it. Has no `Debug`: it may be a password.
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A string.
    Text(String),
    /// An array or an object.
    Nested(Value),
    /// A number: no field takes one.
    Other,
}

/// Reads an object, hands its fields to `take`, and tells all that is wrong with them.
///
/// # Errors
/// `malformed_json` for what is no JSON text in UTF-8 (RFC 8259), `validation_failed` for everything else.
pub(super) fn read<T>(bytes: &[u8], take: impl FnOnce(&mut Fields) -> Option<T>) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("The body is not UTF-8."))?;
    if text.trim_ascii().is_empty() {
        return Err(malformed("The body is empty. Send a JSON object."));
    }
    let mut source = serde_json::Deserializer::from_str(text);
    let root = if text.trim_ascii_start().starts_with('{') {
        source.deserialize_map(RootVisitor)
    } else {
        Json::deserialize(&mut source).map(|_| Root::NoObject)
    };
    let root = root.and_then(|root| source.end().map(|()| root)).map_err(|error| {
        // serde_json's own text may repeat what was submitted; the position does not.
        malformed(format!("The body is not valid JSON: see line {}, column {}.", error.line(), error.column()))
    })?;
    let whole = |code, message| Err(Problem::invalid(vec![FieldProblem::new("", code, message)]));
    match root {
        Root::Object(mut fields) => {
            let value = take(&mut fields);
            fields.finish(value)
        }
        Root::TooManyPairs => whole(FieldCode::TooLong, "The object has too many fields."),
        Root::NoObject => whole(FieldCode::Type, "The body must be a JSON object."),
    }
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Code::MalformedJson, detail)
}

enum Root {
    Object(Fields),
    TooManyPairs,
    NoObject,
}

struct RootVisitor;

impl<'de> Visitor<'de> for RootVisitor {
    type Value = Root;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Root, A::Error> {
        let mut fields = Fields::default();
        for _ in 0..MAX_PAIRS {
            match pairs.next_entry()? {
                Some((key, value)) => fields.push(key, value),
                None => return Ok(Root::Object(fields)),
            }
        }
        if pairs.next_entry::<Json, Json>()?.is_none() {
            return Ok(Root::Object(fields));
        }
        JsonVisitor.visit_map(pairs).map(|_| Root::TooManyPairs)
    }
}

/// Reads whatever comes, recursively, so that the limit of depth holds: its `IgnoredAny` has none.
struct JsonVisitor;

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(JsonVisitor)
    }
}

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let all = std::iter::from_fn(|| items.next_element::<Value>().transpose());
        all.collect::<Result<_, _>>().map(|items| Json::Nested(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Json, A::Error> {
        let all = std::iter::from_fn(|| pairs.next_entry::<String, Value>().transpose());
        all.collect::<Result<_, _>>().map(|pairs| Json::Nested(Value::Object(pairs)))
    }
}
