//! Laws of the OpenAPI document. What the server really answers is held against it wherever tests speak HTTP.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the message")]

use std::collections::BTreeSet;

use doorward::api;
use doorward::api::problem::Code;
use serde_json::Value;

/// An operation and where it stands.
struct Operation {
    method: String,
    path: String,
    value: Value,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, value) in methods.as_object().unwrap() {
            operations.push(Operation { method: method.clone(), path: path.clone(), value: value.clone() });
        }
    }
    operations
}

impl Operation {
    /// The statuses that it documents, with their responses.
    fn responses(&self) -> impl Iterator<Item = (u16, &Value)> {
        let responses = self.value["responses"].as_object().unwrap();
        responses.iter().map(|(status, response)| (status.parse().unwrap(), response))
    }

    fn statuses(&self) -> BTreeSet<u16> {
        self.responses().map(|(status, _)| status).collect()
    }

    /// The codes that it documents, with their statuses.
    fn codes(&self, document: &Value) -> BTreeSet<(u16, String)> {
        let mut codes = BTreeSet::new();
        for (status, response) in self.responses().filter(|(status, _)| *status >= 400) {
            for schema in variants(document, &response["content"]["application/problem+json"]["schema"]) {
                codes.insert((status, only(&schema["properties"]["code"])));
            }
        }
        codes
    }

    fn is_secured_by(&self, scheme: &str) -> bool {
        self.value["security"].as_array().unwrap().iter().any(|one| one.get(scheme).is_some())
    }
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(target) => document.pointer(&target[1..]).unwrap_or_else(|| panic!("{target} leads nowhere")),
        None => value,
    }
}

/// The schemas of which an answer is one.
fn variants<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolve(document, schema);
    match schema["oneOf"].as_array() {
        Some(variants) => variants.iter().map(|variant| resolve(document, variant)).collect(),
        None => vec![schema],
    }
}

/// The one value that a closed schema allows.
fn only(schema: &Value) -> String {
    let values = schema["enum"].as_array().unwrap_or_else(|| panic!("not closed: {schema}"));
    assert_eq!(values.len(), 1, "{schema}");
    values[0].as_str().map_or_else(|| values[0].to_string(), str::to_owned)
}

#[test]
fn the_committed_document_is_what_the_endpoints_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/doorward.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == api::document::text(),
        "the API and openapi/doorward.json differ. If that is meant, accept it:\n\n    cargo run -- openapi > openapi/doorward.json\n"
    );
}

#[test]
fn every_operation_introduces_itself() {
    let document = api::document();
    let declared: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone().to_string()).collect();
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let name = format!("{} {}", operation.method, operation.path);
        let id = operation.value["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no id"));
        let is_name = id.starts_with(|first: char| first.is_ascii_lowercase()) && id.chars().all(char::is_alphanumeric);
        assert!(is_name, "{name}: `{id}` is no function name");
        assert!(ids.insert(id.to_owned()), "{name}: `{id}` is taken");
        for key in ["summary", "description"] {
            assert!(operation.value[key].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {key}");
        }
        let tags = operation.value["tags"].as_array().unwrap();
        assert!(tags.len() == 1 && declared.contains(&tags[0].to_string()), "{name}: {tags:?}");
    }
}

#[test]
fn everything_has_a_description_of_one_line_per_paragraph() {
    fn walk(value: &Value, path: &str) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(text)) = map.get("description") {
                    assert!(!text.trim().is_empty(), "{path} has an empty description");
                    assert!(!text.contains(" \n") && !text.ends_with('\n'), "{path}: {text:?}");
                }
                map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}")));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(key, value)| walk(value, &format!("{path}/{key}")));
            }
            value => assert!(!value.is_null() || path.contains("/example"), "{path} is null"),
        }
    }
    let document = api::document();
    walk(&document, "");
    for operation in operations(&document) {
        for (status, response) in operation.responses() {
            assert!(response["description"].is_string(), "{} {status}", operation.path);
            let headers = response["headers"].as_object().into_iter().flatten();
            headers.for_each(|(name, header)| {
                assert!(header["description"].is_string(), "{} {status} {name}", operation.path);
            });
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name} has no description");
    }
}

/// What answers have for clients without cookies, and leave out for others.
const WITHOUT_COOKIES: [&str; 5] = ["access_token", "refresh_token", "expires_in", "recent_proof", "ticket"];

/// `application/problem+json`, a closed code that goes with the status, an example that is one.
#[test]
fn every_refusal_is_a_problem_with_a_closed_code() {
    let document = api::document();
    let known: BTreeSet<_> = Code::ALL.iter().map(|code| (code.status().as_u16(), code.as_str().to_owned())).collect();
    for operation in operations(&document) {
        let codes = operation.codes(&document);
        assert!(codes.is_subset(&known), "{}: {:?}", operation.path, codes.difference(&known));
        for (status, response) in operation.responses().filter(|(status, _)| *status >= 400) {
            assert_ne!(status, 500, "{}: a defect is no part of the contract", operation.path);
            let content = response["content"].as_object().unwrap();
            assert_eq!(content.keys().collect::<Vec<_>>(), ["application/problem+json"], "{} {status}", operation.path);
            for schema in variants(&document, &content["application/problem+json"]["schema"]) {
                let (properties, example) = (&schema["properties"], &schema["example"]);
                assert_eq!(only(&properties["status"]), status.to_string());
                for key in ["type", "code"] {
                    assert_eq!(example[key], only(&properties[key]), "{schema}");
                }
                let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
                let mut always = keys(properties);
                always.retain(|key| !WITHOUT_COOKIES.contains(&key.as_str()));
                assert_eq!(keys(example), always, "{schema}");
                assert_eq!(schema["required"].as_array().unwrap().len(), always.len(), "{schema}");
            }
        }
    }
}

/// An operation whose path has no parameters is called past the framework's router, which alone reads a query.
#[test]
fn no_operation_has_parameters_in_its_query() {
    for operation in operations(&api::document()) {
        let parameters = operation.value["parameters"].as_array().into_iter().flatten();
        let places: Vec<_> = parameters.map(|parameter| parameter["in"].as_str().unwrap()).collect();
        assert!(places.iter().all(|place| ["path", "header"].contains(place)), "{}: {places:?}", operation.path);
    }
}

/// What the checks before an operation answer, it documents, and nothing that they can't.
#[test]
fn the_checks_before_an_operation_are_documented_with_it() {
    let document = api::document();
    let caller = [
        "not_authenticated",
        "token_expired",
        "session_expired",
        "session_ended",
        "session_revoked",
        "session_reuse_detected",
        "device_binding_required",
    ];
    for operation in operations(&document) {
        let name = format!("{} {}", operation.method, operation.path);
        let codes: BTreeSet<_> = operation.codes(&document).into_iter().map(|(_, code)| code).collect();
        let has = |code: &str| codes.contains(code);
        // A proxy asks about requests of any method.
        let may_cross_sites = operation.method != "get" || operation.path == "/api/auth/check";
        assert_eq!(has("cross_site_request"), may_cross_sites, "{name}");
        let body = &operation.value["requestBody"];
        for code in ["malformed_json", "payload_too_large", "validation_failed"] {
            assert_eq!(has(code), !body.is_null(), "{name}: {code}");
        }
        // Those that had no body before there were clients without cookies take any other for none.
        let ignores_others = ["/api/auth/refresh", "/api/auth/login/totp", "/api/auth/login/recovery"]
            .contains(&operation.path.as_str());
        assert_eq!(has("unsupported_media_type"), !body.is_null() && !ignores_others, "{name}");
        if operation.is_secured_by("accessCookie") {
            assert!(operation.is_secured_by("bearer"), "{name}");
            assert!(caller.iter().all(|code| has(code)), "{name}: {codes:?}");
        }
        assert_eq!(has("token_expired"), operation.is_secured_by("accessCookie"), "{name}");
        // Only what answers from memory can't be kept waiting.
        let from_memory = ["/health", "/.well-known/jwks.json"].contains(&operation.path.as_str());
        assert_eq!(has("overloaded"), !from_memory, "{name}");
        assert_eq!(has("not_found"), operation.path == "/.well-known/jwks.json", "{name}");
        assert!(!has("method_not_allowed") && !has("internal_error"), "{name}");
    }
}

#[test]
fn headers_that_clients_need_are_documented_where_they_are_sent() {
    let document = api::document();
    for operation in operations(&document) {
        for (status, response) in operation.responses() {
            let has = |name: &str| !response["headers"][name].is_null();
            assert_eq!(has("Retry-After"), matches!(status, 429 | 503), "{} {status}", operation.path);
            assert_eq!(has("WWW-Authenticate"), status == 401, "{} {status}", operation.path);
            // No refusal ever sets or clears a cookie, but for the ticket with which a login goes on.
            let goes_on = operation.path == "/api/auth/login" && status == 401;
            assert!(!has("Set-Cookie") || status < 300 || goes_on, "{} {status}", operation.path);
        }
    }
    let register = &document["paths"]["/api/auth/device/register"]["post"]["responses"]["200"];
    assert_eq!(register["headers"]["Set-Cookie"]["required"], true);
}

/// Answers have all their fields; bodies have no others than those described; a field is either required or may be null.
#[test]
fn schemas_say_what_may_be_missing_or_null() {
    let document = api::document();
    let body =
        |operation: &Operation| operation.value["requestBody"]["content"]["application/json"]["schema"]["$ref"].clone();
    let bodies: BTreeSet<String> = operations(&document)
        .iter()
        .filter_map(|operation| Some(body(operation).as_str()?.rsplit('/').next()?.to_owned()))
        .collect();
    assert!(bodies.contains("Registration"), "{bodies:?}");
    // What stands in a body is a browser's own: it may have more members.
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut sent = bodies.clone();
    while let Some(inner) = sent.iter().flat_map(|name| named_in(&schemas[name])).find(|name| !sent.contains(name)) {
        sent.insert(inner);
    }
    for (name, schema) in schemas {
        let Some(properties) = schema["properties"].as_object() else { continue };
        let required: BTreeSet<_> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(schema["additionalProperties"] == false, bodies.contains(name), "{name}");
        for (key, property) in properties {
            if !bodies.contains(name) && WITHOUT_COOKIES.contains(&key.as_str()) {
                assert!(!required.contains(key.as_str()) && property["nullable"] != true, "{name}.{key}");
                continue;
            }
            let (required, nullable) = (required.contains(key.as_str()), property["nullable"] == true);
            assert_eq!(required, !(sent.contains(name) && nullable), "{name}.{key}");
        }
        let nulls = schema["example"].as_object().into_iter().flatten().filter(|(_, value)| value.is_null());
        nulls.for_each(|(key, _)| assert_eq!(properties[key]["nullable"], true, "{name}.{key}"));
    }
    assert_eq!(document["components"]["schemas"]["User"]["properties"]["last_login"]["nullable"], true);
}

/// The schemas that one names.
fn named_in(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next());
            own.map(str::to_owned).into_iter().chain(members.values().flat_map(named_in)).collect()
        }
        Value::Array(items) => items.iter().flat_map(named_in).collect(),
        _ => Vec::new(),
    }
}

/// The table of the documentation, as it is promised to frontends.
#[test]
fn operations_answer_with_the_promised_statuses() {
    let document = api::document();
    for (method, path, statuses) in [
        ("post", "/api/auth/register", &[201, 202, 400, 403, 409, 413, 415, 422, 429, 503][..]),
        ("post", "/api/auth/login", &[200, 400, 401, 403, 413, 415, 422, 429, 503]),
        ("post", "/api/auth/refresh", &[200, 400, 401, 403, 413, 422, 429, 503]),
        ("post", "/api/auth/logout", &[200, 403, 503]),
        ("get", "/api/auth/me", &[200, 401, 503]),
        ("get", "/api/auth/health", &[200, 503]),
        ("get", "/api/auth/check", &[204, 401, 403, 503]),
        ("get", "/.well-known/jwks.json", &[200, 404]),
        ("get", "/health", &[200]),
    ] {
        let operations = operations(&document);
        let operation = operations.iter().find(|operation| operation.method == method && operation.path == path);
        let operation = operation.unwrap_or_else(|| panic!("there is no {method} {path}"));
        assert_eq!(operation.statuses(), statuses.iter().copied().collect(), "{method} {path}");
    }
}
