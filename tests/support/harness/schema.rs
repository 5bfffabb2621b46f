//! Turns the schemas of an OpenAPI 3.0 document into JSON Schema 2020-12, closed: a field that the spec lacks is an error.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// A validator for one schema of the document; what it refers to comes along.
pub(crate) fn closed(document: &Value, schema: &Value) -> Validator {
    let mut root = at_a_value(schema);
    let components = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let components: Map<_, _> = components.iter().map(|(name, schema)| (name.clone(), convert(schema))).collect();
    root["components"] = json!({ "schemas": components });
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .expect("a schema of the spec")
}

/// A schema where a value stands: nothing may stand there that neither it nor what it is composed of names. (Closing the
/// parts of an `allOf` one by one would refuse each other's fields.)
fn at_a_value(schema: &Value) -> Value {
    let mut schema = convert(schema);
    if let Some(object) = schema.as_object_mut() {
        object.insert("unevaluatedProperties".into(), false.into());
    }
    schema
}

fn convert(schema: &Value) -> Value {
    let Some(given) = schema.as_object() else { return schema.clone() };
    let mut converted = Map::new();
    for (key, value) in given {
        let value = match (key.as_str(), value) {
            ("nullable" | "example" | "discriminator" | "xml" | "externalDocs", _) => continue,
            ("properties", Value::Object(fields)) => {
                fields.iter().map(|(name, field)| (name.clone(), at_a_value(field))).collect()
            }
            ("items" | "additionalProperties", value) if value.is_object() => at_a_value(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => parts.iter().map(convert).collect(),
            ("not", value) => convert(value),
            (_, value) => value.clone(),
        };
        converted.insert(key.clone(), value);
    }
    if given.get("nullable") == Some(&Value::Bool(true)) {
        return json!({ "anyOf": [{ "type": "null" }, converted] });
    }
    Value::Object(converted)
}
