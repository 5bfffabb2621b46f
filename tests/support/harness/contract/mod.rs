//! Holds every answer of every HTTP test to the printed spec and to the rules that all answers share.
//!
//! The spec says which statuses, media types, bodies and headers an operation has. What is the same everywhere (security
//! headers, the shape of a problem, the attributes of cookies) is checked on top, by constants of the tests' own.

mod common;
mod cookies;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use doorward::config::cookies::Cookies;
use http::header::{COOKIE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jsonschema::Validator;
use serde_json::Value;

use self::common::{every_answer, is_page, other_method, page_answer, problem};
use super::schema;

/// An answer has these only where the spec says so.
const DECLARED: [HeaderName; 4] = [RETRY_AFTER, WWW_AUTHENTICATE, SET_COOKIE, LOCATION];

/// One request and its answer.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// As sent, with the query.
    pub(crate) path: String,
    pub(crate) sent: HeaderMap,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether a login goes on with a second factor.
    fn wants_second_factor(&self) -> bool {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let codes = ["second_factor_required", "second_factor_enrolment_required"];
        self.status == StatusCode::UNAUTHORIZED && codes.iter().any(|code| body["code"] == *code)
    }

    /// Whether tokens, or a ticket, are in the body.
    fn has_tokens(&self) -> bool {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        ["access_token", "ticket"].iter().any(|name| body[name].is_string())
    }

    /// Whether it came from an app of another scheme than a page's.
    fn is_from_app(&self) -> bool {
        let origins: Vec<_> = self.sent.get_all(ORIGIN).iter().map(HeaderValue::as_bytes).collect();
        let [origin] = origins.as_slice() else { return false };
        let is_app = !origin.starts_with(b"http") && origin.windows(3).any(|part| part == b"://");
        is_app && self.status != StatusCode::FORBIDDEN
    }

    /// Whether no browser can have sent it for a page.
    fn is_bare(&self) -> bool {
        let is_sign = |name: &HeaderName| *name == ORIGIN || name.as_str().starts_with("sec-fetch-");
        let ours = ["access_token=", "refresh_token=", "session_hint=", "device=", "recent_proof=", "login_ticket="];
        let is_ours = |cookies: &HeaderValue| {
            let cookies = String::from_utf8_lossy(cookies.as_bytes());
            ours.iter().any(|name| cookies.contains(name))
        };
        !self.sent.keys().any(is_sign) && !self.sent.get_all(COOKIE).iter().any(is_ours)
    }

    /// The media type, without parameters.
    fn media_type(&self) -> Option<&str> {
        Some(self.header("content-type")?.split(';').next()?.trim())
    }
}

/// As a failed test shows it.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} gave {}", self.method, self.path, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(f, "\n{}", String::from_utf8_lossy(&self.body))
    }
}

/// The spec and the settings that it leaves open, ready to judge answers.
pub(crate) struct Contract {
    spec: Arc<Spec>,
    cookies: Cookies,
}

struct Spec {
    document: Value,
    /// Made when first needed, by operation and status.
    validators: Mutex<HashMap<String, Validator>>,
}

impl Contract {
    /// The service's own spec.
    pub(crate) fn of_the_service(cookies: Cookies) -> Self {
        static SPEC: LazyLock<Arc<Spec>> = LazyLock::new(|| Spec::new(doorward::api::document()));
        Self { spec: Arc::clone(&SPEC), cookies }
    }

    /// Another spec, to judge the judge.
    pub(crate) fn new(document: Value, cookies: Cookies) -> Self {
        Self { spec: Spec::new(document), cookies }
    }

    /// The names of the access and the refresh cookie.
    pub(crate) fn cookie_names(&self) -> (String, String, String) {
        cookies::names(&self.cookies)
    }

    /// What is wrong with an answer; nothing, when it keeps the contract.
    pub(crate) fn complaints(&self, exchange: &Exchange) -> Vec<String> {
        let mut found = Complaints::default();
        let path = exchange.path.split('?').next().unwrap_or_default();
        let page = is_page(path);
        every_answer(exchange, path, page, &mut found);
        let item = self.spec.template(path).map(|template| &self.spec.document["paths"][template]);
        let operation = item.and_then(|item| item.get(key(&exchange.method)?));
        match (item, operation) {
            (Some(_), Some(operation)) => self.declared_answer(exchange, operation, &mut found),
            _ if exchange.status == StatusCode::FORBIDDEN => {
                found.unless(!exchange.method.is_safe(), || "403 for a safe method".into());
                problem(exchange, &["cross_site_request"], &mut found);
            }
            (Some(item), None) => other_method(exchange, item, &mut found),
            (None, _) if page => page_answer(exchange, &mut found),
            (None, _) => problem(exchange, &["not_found"], &mut found),
        }
        if operation.is_none() {
            found.unless(!exchange.headers.contains_key(SET_COOKIE), || "a cookie from nowhere".into());
        }
        found.0
    }

    fn declared_answer(&self, exchange: &Exchange, operation: &Value, found: &mut Complaints) {
        let Some(declared) = operation["responses"].get(exchange.status.as_str()) else {
            found.add(format!("the spec does not declare {}", exchange.status));
            return;
        };
        let spec_header = |name: &str| {
            declared["headers"]
                .as_object()
                .and_then(|headers| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
        };
        for name in DECLARED {
            found.unless(!exchange.headers.contains_key(&name) || spec_header(name.as_str()).is_some(), || {
                format!("the spec does not declare the header {name} of {}", exchange.status)
            });
        }
        for (name, header) in declared["headers"].as_object().into_iter().flatten() {
            found.unless(
                header["required"] != Value::Bool(true) || exchange.headers.contains_key(name.as_str()),
                || format!("the required header {name} is missing"),
            );
        }
        let id = operation["operationId"].as_str().unwrap_or_default();
        cookies::check(&self.cookies, id, exchange, found);
        let Some(content) = declared["content"].as_object().filter(|content| !content.is_empty()) else {
            found.unless(exchange.body.is_empty(), || "a body where the spec has none".into());
            found.unless(exchange.media_type().is_none(), || "a content type where the spec has no body".into());
            return;
        };
        let Some((media_type, media)) = content.iter().find(|(name, _)| exchange.media_type() == Some(name)) else {
            found.add(format!("content type {:?}; the spec has {:?}", exchange.media_type(), content.keys()));
            return;
        };
        if exchange.status.is_client_error() || exchange.status.is_server_error() {
            found.unless(media_type == "application/problem+json", || format!("an error as {media_type}"));
            problem(exchange, &[], found);
        }
        if exchange.method != Method::HEAD {
            self.spec.body(exchange, id, &media["schema"], found);
        }
    }
}

impl Spec {
    fn new(document: Value) -> Arc<Self> {
        Arc::new(Self { document, validators: Mutex::default() })
    }

    /// The spec's path template that a path matches; one without parameters wins.
    fn template(&self, path: &str) -> Option<&str> {
        let paths = self.document["paths"].as_object()?;
        let matches = |template: &str| {
            let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            template.len() == path.len()
                && template
                    .iter()
                    .zip(path)
                    .all(|(part, given)| part == &given || (part.starts_with('{') && !given.is_empty()))
        };
        paths
            .keys()
            .filter(|template| matches(template))
            .min_by_key(|template| template.contains('{'))
            .map(String::as_str)
    }

    fn body(&self, exchange: &Exchange, operation: &str, schema: &Value, found: &mut Complaints) {
        let body: Value = match serde_json::from_slice(&exchange.body) {
            Ok(body) => body,
            Err(error) => return found.add(format!("the body is no JSON: {error}")),
        };
        let key = format!("{operation} {}", exchange.status);
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(key).or_insert_with(|| schema::closed(&self.document, schema));
        for error in validator.iter_errors(&body) {
            found.add(format!("the body breaks the spec at {:?}: {error}", error.instance_path().to_string()));
        }
    }
}

/// The spec's key for a method; HEAD is GET. None where the spec can't have it: methods are case-sensitive.
pub(super) fn key(method: &Method) -> Option<String> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    method.bytes().all(|byte| byte.is_ascii_uppercase()).then(|| method.to_lowercase())
}

#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn add(&mut self, complaint: String) {
        self.0.push(complaint);
    }

    fn unless(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.0.push(complaint());
        }
    }
}
