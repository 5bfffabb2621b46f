//! The OpenAPI document: printed by `doorward openapi`, committed as `openapi/doorward.json`, served at `/openapi.json`.
//!
//! The endpoints are its only source. What poem-openapi prints of them is neither quite true nor complete; `tidy` mends it, in one
//! place, so that the same text is committed and served.

use std::collections::{BTreeMap, BTreeSet};

use poem::http::StatusCode;
use poem_openapi::{ContactObject, LicenseObject, OpenApiService};
use serde_json::{Map, Value, json};

use super::types;

/// The command that makes the committed file.
const GENERATED_BY: &str = "cargo run -- openapi > openapi/doorward.json";

/// The document. Needs no configuration and no database.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::from_str(&raw()).unwrap_or_default();
    tidy(&mut document);
    document
}

/// The document as it is committed: pretty, with a newline at the end.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// What poem-openapi prints.
fn raw() -> String {
    OpenApiService::new(super::operations(), "Doorward", env!("CARGO_PKG_VERSION"))
        .description(include_str!("document.md"))
        .license(LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
        .contact(ContactObject::new().name("The maintainers of Doorward"))
        .spec()
}

fn tidy(document: &mut Value) {
    let mut bodies = BTreeSet::new();
    let mut tags = Vec::new();
    let mut unions = Map::new();
    for (_, path) in members(document, "paths") {
        for operation in path.as_object_mut().into_iter().flat_map(Map::values_mut) {
            tidy_operation(operation);
            name_unions(operation, &mut unions);
            references(&operation["requestBody"], &mut bodies);
            tags.extend(operation["tags"].as_array().into_iter().flatten().cloned());
        }
    }
    // In the order of their first use: poem-openapi sorts them by name.
    if let Some(declared) = document["tags"].as_array_mut() {
        declared.sort_by_key(|tag| tags.iter().position(|name| *name == tag["name"]));
    }
    let mut nested = BTreeSet::new();
    for name in &bodies {
        inner_references(&document["components"]["schemas"], name, &mut nested);
    }
    let types: BTreeMap<String, Value> = members(&mut document["components"], "schemas")
        .map(|(name, schema)| (name.clone(), schema["type"].clone()))
        .collect();
    for (name, schema) in members(&mut document["components"], "schemas") {
        let part = match (bodies.contains(name), nested.contains(name)) {
            (true, _) => Part::Body,
            (false, true) => Part::InBody,
            (false, false) => Part::Answer,
        };
        tidy_schema(schema, part, &types);
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.append(&mut unions);
        schemas.sort_keys();
    }
    // Where the service is to be found is known to who reads this; see `docs.rs` for what is served.
    if let Some(document) = document.as_object_mut() {
        document.shift_remove("servers");
    }
    descriptions(document);
    // poem-openapi says 3.0.0, and uses nothing that changed since.
    document["openapi"] = json!("3.0.3");
    document["x-generated-by"] = json!(GENERATED_BY);
    first(document, &["openapi", "x-generated-by"]);
}

fn tidy_operation(operation: &mut Value) {
    if operation.get("security").is_none() {
        // Public, and meant to be.
        operation["security"] = json!([]);
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        // Some readers ask for an example of whatever stands in a path.
        if parameter["in"] == "path" && parameter["name"] == "id" {
            parameter["example"] = json!(types::SESSION_ID);
        }
    }
    let said = types::SAID.iter().find(|(id, _)| operation["operationId"] == *id);
    for (status, response) in members(operation, "responses") {
        rename(response, "content", |media_type| media_type.trim_end_matches("; charset=utf-8").to_owned());
        rename(response, "headers", canonical);
        for (_, header) in members(response, "headers") {
            if let Some(header) = header.as_object_mut() {
                header.retain(|key, value| key != "deprecated" || *value == json!(true));
            }
        }
        let schema = &response["content"]["application/json"]["schema"]["$ref"];
        let says = schema.as_str().is_some_and(|schema| schema.ends_with("/Message") || schema.ends_with("/Delivered"));
        if let Some((_, message)) = said.filter(|_| says && status.starts_with('2')) {
            response["content"]["application/json"]["example"] = json!({ "message": message });
        }
    }
    first(operation, &["operationId", "tags", "summary", "description", "security"]);
}

/// Gives every union of problems a name, from its operation and status: of what stands inside an answer generators make no type, or one with a number.
fn name_unions(operation: &mut Value, unions: &mut Map<String, Value>) {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let of = id[..1].to_ascii_uppercase() + &id[1..];
    for (status, response) in members(operation, "responses") {
        let description = response["description"].clone();
        let Some(schema) = response.pointer_mut("/content/application~1problem+json/schema") else { continue };
        if schema.get("oneOf").is_some() {
            schema["description"] = description;
            let reason = StatusCode::from_bytes(status.as_bytes()).ok().and_then(|status| status.canonical_reason());
            let name = of.clone() + &reason.unwrap_or(status).replace(' ', "");
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            unions.insert(name, std::mem::replace(schema, reference));
        }
    }
}

/// Fields of answers that are there for clients without cookies alone.
const FOR_CLIENTS_WITHOUT_COOKIES: [&str; 5] =
    ["access_token", "refresh_token", "expires_in", "recent_proof", "ticket"];

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It is a body.
    Body,
    /// In one: what a browser has made, which may have more members.
    InBody,
    /// In an answer.
    Answer,
}

/// The names of all schemas that stand in this one.
fn inner_references(schemas: &Value, name: &str, names: &mut BTreeSet<String>) {
    let mut found = BTreeSet::new();
    references(&schemas[name], &mut found);
    for name in found {
        if names.insert(name.clone()) {
            inner_references(schemas, &name, names);
        }
    }
}

/// An optional field is an `Option`, and `None` is written as null: poem-openapi says neither. Answers have all their fields; bodies
/// may leave out what may be null, and have no others. What only clients without cookies get is left out for the others.
fn tidy_schema(schema: &mut Value, part: Part, types: &BTreeMap<String, Value>) {
    let required = schema["required"].clone();
    let is_required = |name: &String| required.as_array().is_some_and(|all| all.contains(&json!(name)));
    let (mut names, mut never_null) = (Vec::new(), Vec::new());
    for (name, property) in members(schema, "properties") {
        if part == Part::Answer && FOR_CLIENTS_WITHOUT_COOKIES.contains(&name.as_str()) {
            continue;
        }
        if !is_required(name) {
            property["nullable"] = json!(true);
            // Beside a reference it says nothing without a type (OpenAPI 3.0.3).
            let mut inner = BTreeSet::new();
            references(&property["allOf"], &mut inner);
            if let Some(of) = inner.first().and_then(|inner| types.get(inner)) {
                property["type"] = of.clone();
                // What is referred to is not null, so no example is.
                never_null.push(name.clone());
            }
        }
        // The description stands beside `allOf`, and once more inside it.
        if let Some(parts) = property.get_mut("allOf").and_then(Value::as_array_mut) {
            parts.retain(|part| part.get("$ref").is_some());
        }
        names.push(json!(name));
    }
    if let Some(example) = schema.get_mut("example").and_then(Value::as_object_mut) {
        example.retain(|name, value| !(value.is_null() && never_null.contains(name)));
    }
    let Some(schema) = schema.as_object_mut().filter(|schema| schema.contains_key("properties")) else { return };
    match part {
        Part::Body => {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        Part::InBody => {}
        Part::Answer => {
            schema.insert("required".to_owned(), json!(names));
        }
    }
    // The name, once more.
    schema.shift_remove("title");
}

/// Undoes the line breaks of our doc comments, which some readers would show.
fn descriptions(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "description" => *text = unwrap_lines(text),
                    value => descriptions(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(descriptions),
        _ => {}
    }
}

/// Joins the lines of each paragraph and each list item of a Markdown text.
fn unwrap_lines(text: &str) -> String {
    let mut whole = String::new();
    for line in text.trim().lines() {
        let starts_anew = line.is_empty() || line.starts_with("- ") || whole.is_empty() || whole.ends_with('\n');
        if starts_anew && !whole.is_empty() {
            whole.push('\n');
        } else if !starts_anew {
            whole.push(' ');
        }
        whole.push_str(line.trim());
    }
    whole
}

/// The members of the object at `key`, if there is one.
fn members<'a>(value: &'a mut Value, key: &str) -> impl Iterator<Item = (&'a String, &'a mut Value)> + use<'a> {
    value.get_mut(key).and_then(Value::as_object_mut).into_iter().flatten()
}

/// The names of all schemas that are referred to in `value`.
fn references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next());
            names.extend(name.map(str::to_owned));
            map.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, names)),
        _ => {}
    }
}

/// Renames the members of the object at `key`, if there is one.
fn rename(value: &mut Value, key: &str, name: impl Fn(&str) -> String) {
    if let Some(map) = value.get_mut(key).and_then(Value::as_object_mut) {
        *map = std::mem::take(map).into_iter().map(|(key, value)| (name(&key), value)).collect();
    }
}

/// Moves some members to the top.
fn first(value: &mut Value, keys: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        let mut top: Map<_, _> = keys.iter().filter_map(|key| map.shift_remove_entry(*key)).collect();
        top.append(map);
        *map = top;
    }
}

/// `SET-COOKIE`, as poem-openapi writes it, to `Set-Cookie`. A name that has small letters is one of ours, and right.
fn canonical(name: &str) -> String {
    if name.contains(|letter: char| letter.is_ascii_lowercase()) {
        return name.to_owned();
    }
    let word = |word: &str| word[..1].to_owned() + &word[1..].to_ascii_lowercase();
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two implementations that share a path, or a status on both sides of a `Result`, are printed twice, and readers keep one.
    #[test]
    fn nothing_is_printed_twice() {
        let survives = |text: &str| format!("{:#}", serde_json::from_str::<Value>(text).unwrap()) == text;
        assert!(survives(&raw()), "an object of the printed document has a key twice");
        assert!(!survives("{\n  \"a\": 1,\n  \"a\": 2\n}"));
    }

    #[test]
    fn paragraphs_and_list_items_become_one_line_each() {
        let text = "One\ntwo.\n\n## Three\n\n- four\n  five\n- six\n";
        assert_eq!(unwrap_lines(text), "One two.\n\n## Three\n\n- four five\n- six");
    }

    #[test]
    fn header_names_are_written_as_everywhere() {
        assert_eq!(canonical("SET-COOKIE"), "Set-Cookie");
        assert_eq!(canonical("WWW-Authenticate"), "WWW-Authenticate");
    }
}
