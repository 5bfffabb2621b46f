//! The operations of the spec, for tests that walk all of them.

use std::sync::LazyLock;

use http::Method;
use serde_json::Value;

use super::browser::{Browser, Call, PASSWORD};
use super::contract;

static DOCUMENT: LazyLock<Value> = LazyLock::new(doorward::api::document);

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// With an example in place of each parameter.
    pub(crate) path: String,
    /// The security schemes of which one is needed; empty where nobody need be known.
    pub(crate) security: Vec<String>,
    pub(crate) body_is_optional: bool,
    /// Whether a body of another type says nothing.
    pub(crate) ignores_other_bodies: bool,
    /// The example of the body; null without a body.
    pub(crate) example: Value,
}

impl Operation {
    pub(crate) fn call(&self, browser: &Browser) -> Call {
        browser.call(self.method.clone(), &self.path)
    }
}

/// All of them.
pub(crate) fn operations() -> Vec<Operation> {
    let mut found = Vec::new();
    for (template, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let names = |requirement: &Value| {
                requirement.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>()
            };
            found.push(Operation {
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                method,
                path: example_of(template),
                security: operation["security"].as_array().into_iter().flatten().flat_map(names).collect(),
                body_is_optional: operation["requestBody"]["required"] == Value::Bool(false),
                ignores_other_bodies: operation["responses"].get("415").is_none(),
                example: example_body(resolved(&operation["requestBody"]["content"]["application/json"]["schema"])),
            });
        }
    }
    found
}

/// Those that take a body.
///
/// # Panics
/// When there is none, or one has no example: nothing would be tested.
pub(crate) fn operations_with_a_body() -> Vec<Operation> {
    let (mut with, mut found) = (0, operations());
    found.retain(|operation| {
        let item = &DOCUMENT["paths"][template_of(&operation.path)][operation.method.as_str().to_lowercase()];
        with += usize::from(item.get("requestBody").is_some());
        operation.example.is_object()
    });
    assert!(with > 0 && with == found.len(), "{with} operations have a body, {} an example of it", found.len());
    found
}

/// All paths, with an example in place of each parameter.
pub(crate) fn paths() -> Vec<String> {
    DOCUMENT["paths"].as_object().expect("paths").keys().map(|template| example_of(template)).collect()
}

/// Whether the spec has this method, or GET for HEAD.
pub(crate) fn has(method: &Method, path: &str) -> bool {
    contract::key(method).is_some_and(|key| DOCUMENT["paths"][template_of(path)].get(key).is_some())
}

fn example_of(template: &str) -> String {
    template.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA")
}

/// The schema's example, or one made of its fields.
fn example_body(schema: &Value) -> Value {
    if schema["example"].is_object() || !schema["properties"].is_object() {
        return schema["example"].clone();
    }
    let fields = schema["properties"].as_object().into_iter().flatten();
    let value = |(name, field): (&String, &Value)| {
        let value = match (name.as_str(), field["type"].as_str()) {
            (_, Some("boolean")) => Value::Bool(true),
            ("password" | "current_password", _) => PASSWORD.into(),
            ("full_name", _) => "Jane Doe".into(),
            _ => panic!("no example of {name}"),
        };
        (name.clone(), value)
    };
    Value::Object(fields.map(value).collect())
}

fn template_of(path: &str) -> String {
    path.replace("AAAAAAAAAAAAAAAAAAAAAA", "{id}")
}

fn resolved(schema: &Value) -> &Value {
    let Some(target) = schema["$ref"].as_str() else { return schema };
    DOCUMENT.pointer(target.trim_start_matches('#')).expect("what $ref names")
}
