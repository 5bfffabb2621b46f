//! What all answers share, whatever the spec says of them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CACHE_CONTROL, CONTENT_TYPE, SERVER};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{Complaints, Exchange};

/// Headers of every answer; the documentation's pages have a `Content-Security-Policy` of their own.
const EVERYWHERE: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-site"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
];

/// Every code, and the status it goes with. 500 is missing on purpose: no test may ever see one.
const CODES: [(&str, u16); 51] = [
    ("malformed_json", 400),
    ("invalid_or_expired_token", 400),
    ("last_superuser", 409),
    ("other_user", 409),
    ("incorrect_credentials", 401),
    ("not_authenticated", 401),
    ("token_expired", 401),
    ("session_expired", 401),
    ("session_ended", 401),
    ("session_revoked", 401),
    ("session_reuse_detected", 401),
    ("device_binding_required", 401),
    ("invalid_device_proof", 400),
    ("device_proof_required", 403),
    ("cross_site_request", 403),
    ("token_delivery_refused", 403),
    ("exact_origin_required", 403),
    ("email_not_verified", 403),
    ("not_found", 404),
    ("session_not_found", 404),
    ("method_not_allowed", 405),
    ("registration_closed", 403),
    ("email_unavailable", 409),
    ("payload_too_large", 413),
    ("unsupported_media_type", 415),
    ("validation_failed", 422),
    ("incorrect_current_password", 422),
    ("too_many_attempts", 429),
    ("overloaded", 503),
    ("mail_unavailable", 503),
    ("database_unavailable", 503),
    ("shutting_down", 503),
    ("second_factor_required", 401),
    ("second_factor_enrolment_required", 401),
    ("incorrect_second_factor", 401),
    ("login_ticket_expired", 401),
    ("incorrect_code", 422),
    ("incorrect_enrolment_code", 422),
    ("recovery_by_operator", 409),
    ("reauthentication_required", 403),
    ("nothing_to_confirm", 409),
    ("last_factor", 409),
    ("no_factor", 409),
    ("factor_unavailable", 503),
    ("passkeys_unavailable", 403),
    ("unknown_passkey", 401),
    ("incorrect_passkey", 401),
    ("invalid_passkey", 422),
    ("passkey_challenge_expired", 409),
    ("too_many_passkeys", 409),
    ("passkey_not_found", 404),
];

/// The client as a script: the one path under `/api/` that may be kept.
const CLIENT: &str = "/api/auth/client.js";

pub(super) fn is_page(path: &str) -> bool {
    matches!(path, "/" | "/docs" | "/redoc" | "/openapi.json" | CLIENT)
        || path.starts_with("/docs/")
        || path.starts_with("/pages/")
        || path.starts_with("/redoc/")
}

/// What all answers share.
pub(super) fn every_answer(exchange: &Exchange, path: &str, page: bool, found: &mut Complaints) {
    let status = exchange.status;
    for (name, value) in EVERYWHERE {
        let given: Vec<_> = exchange.headers.get_all(name).iter().collect();
        let own_policy = page && status.is_success() && name == "content-security-policy";
        let kept = given.len() == 1 && (given[0] == value || own_policy);
        found.unless(kept, || format!("header {name}: {given:?}, expected {value:?}"));
    }
    let id = exchange.header("x-request-id").unwrap_or_default();
    found.unless(!id.is_empty() && id.len() <= 128, || format!("X-Request-Id {id:?}"));
    found.unless(!exchange.headers.contains_key(SERVER), || "a Server header".into());
    if path.starts_with("/api/") || path == "/health" {
        let given = exchange.header(CACHE_CONTROL.as_str());
        let kept = path == CLIENT && matches!(status, StatusCode::OK | StatusCode::NOT_MODIFIED);
        let expected = if kept { "public, max-age=600" } else { "no-store" };
        found.unless(given == Some(expected), || format!("Cache-Control {given:?}"));
    }
    found.unless(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, || format!("{status}!"));
    let wait = exchange.header("retry-after");
    let waits = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let whole_seconds = wait.is_some_and(|wait| wait.parse().is_ok_and(|seconds: u32| seconds >= 1));
    found.unless(if waits { whole_seconds } else { wait.is_none() }, || format!("Retry-After {wait:?} with {status}"));
    let challenge = exchange.header("www-authenticate");
    let expected = (status == StatusCode::UNAUTHORIZED).then_some("Bearer realm=\"doorward\"");
    found.unless(challenge == expected, || format!("WWW-Authenticate {challenge:?} with {status}"));
    found.unless(exchange.method != Method::HEAD || exchange.body.is_empty(), || "a body with HEAD".into());
    let body = String::from_utf8_lossy(&exchange.body);
    for hint in ["$2a$", "$2b$", "$2y$"] {
        found.unless(page || !body.contains(hint), || format!("{hint}: a hash in the body"));
    }
    let has_token = body.match_indices("eyJ").any(|(at, _)| begins_with_json(&body[at..]));
    let may = exchange.is_bare() || exchange.is_from_app();
    found.unless(page || !exchange.has_tokens() || may, || "tokens in a body that a page may read".into());
    found.unless(page || !has_token || exchange.has_tokens(), || "a token in the body".into());
}

/// A method that the path's item in the spec lacks: 405, or what OPTIONS answers.
pub(super) fn other_method(exchange: &Exchange, item: &Value, found: &mut Complaints) {
    let mut methods: BTreeSet<String> = ["get", "post", "put", "patch", "delete"]
        .into_iter()
        .filter(|method| item.get(method).is_some())
        .map(str::to_uppercase)
        .collect();
    if methods.contains("GET") {
        methods.insert("HEAD".into());
    }
    methods.insert("OPTIONS".into());
    let preflight = exchange.sent.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let allow = exchange.header(ALLOW.as_str()).unwrap_or_default();
    let allowed: BTreeSet<String> = allow.split(',').map(|method| method.trim().to_owned()).collect();
    if exchange.method == Method::OPTIONS {
        found.unless(exchange.status == StatusCode::NO_CONTENT, || format!("OPTIONS gave {}", exchange.status));
        found.unless(exchange.body.is_empty(), || "a body with OPTIONS".into());
        found.unless(preflight || allowed == methods, || format!("Allow {allow:?}, expected {methods:?}"));
    } else {
        found.unless(allowed == methods, || format!("Allow {allow:?}, expected {methods:?}"));
        problem(exchange, &["method_not_allowed"], found);
    }
}

/// The documentation's pages are not part of the spec.
pub(super) fn page_answer(exchange: &Exchange, found: &mut Complaints) {
    match exchange.status {
        StatusCode::OK => found.unless(exchange.media_type().is_some(), || "a page without a content type".into()),
        StatusCode::SEE_OTHER => {
            found.unless(exchange.header("location") == Some("/docs"), || "a redirect elsewhere".into());
        }
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => {}
        _ => problem(exchange, &["not_found", "method_not_allowed"], found),
    }
}

/// The one shape of every refusal. `codes`: those that fit here; none given: the spec's body schema decides.
pub(super) fn problem(exchange: &Exchange, codes: &[&str], found: &mut Complaints) {
    let given = exchange.header(CONTENT_TYPE.as_str());
    found.unless(given == Some("application/problem+json"), || format!("{} as {given:?}", exchange.status));
    if exchange.method == Method::HEAD {
        return;
    }
    let body: Value = match serde_json::from_slice(&exchange.body) {
        Ok(body) => body,
        Err(error) => return found.add(format!("{} is no problem: {error}", exchange.status)),
    };
    let code = body["code"].as_str().unwrap_or_default();
    found.unless(codes.is_empty() || codes.contains(&code), || format!("code {code:?}, expected one of {codes:?}"));
    found.unless(CODES.contains(&(code, exchange.status.as_u16())), || {
        format!("code {code:?} with {}", exchange.status)
    });
    found.unless(body["status"] == exchange.status.as_u16(), || format!("status {} in the body", body["status"]));
    found.unless(body["type"] == format!("urn:doorward:problem:{code}"), || format!("type {}", body["type"]));
    found.unless(body["title"].as_str().is_some_and(|title| !title.is_empty()), || "no title".into());
    let detail = body["detail"].as_str().unwrap_or_default();
    found.unless(detail.contains(' '), || format!("detail {detail:?} is no sentence"));
    let errors = body["errors"].as_array().map_or(0, Vec::len);
    found.unless((errors > 0) == (code == "validation_failed"), || format!("{errors} errors with {code}"));
    let methods = body["methods"].as_array().map_or(0, Vec::len);
    let names_methods =
        ["second_factor_required", "second_factor_enrolment_required", "reauthentication_required"].contains(&code);
    found.unless((methods > 0) == names_methods, || format!("{methods} methods with {code}"));
    let keys: BTreeSet<_> = body.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    let extra: Vec<_> = keys
        .iter()
        .filter(|key| !["type", "title", "status", "detail", "code", "errors", "methods"].contains(key))
        .filter(|key| !(**key == "ticket" && code.starts_with("second_factor")))
        .collect();
    found.unless(extra.is_empty(), || format!("unknown members {extra:?}"));
}

/// Whether a part of a token stands there: JSON in base64url. An id may have its first letters by chance.
fn begins_with_json(text: &str) -> bool {
    let word = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_')).next();
    let bytes = word.and_then(|word| URL_SAFE_NO_PAD.decode(word).ok());
    bytes.is_some_and(|bytes| serde_json::from_slice::<Value>(&bytes).is_ok())
}
