//! Errors as problem details (RFC 9457): the one shape of every refusal and failure.

mod code;
mod detail;
mod schema;
mod typed;

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use poem::error::ResponseError;
use poem::http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use poem::http::{HeaderValue, StatusCode};
use poem::{Body, IntoResponse, Response};
use poem_openapi::types::ToJSON;
use poem_openapi::{Enum, Object};

pub use self::code::Code;
pub(crate) use self::typed::codes;
pub use self::typed::{Codes, TypedProblem};

use crate::domain::factor::Method;

/// The media type of every problem.
pub const CONTENT_TYPE_PROBLEM: &str = "application/problem+json";

const PROBLEM: HeaderValue = HeaderValue::from_static(CONTENT_TYPE_PROBLEM);

/// The challenge of every 401 (RFC 6750).
pub const CHALLENGE: &str = r#"Bearer realm="doorward""#;

/// Which kind of rule a field breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum FieldCode {
    /// It is missing.
    Required,
    /// It has another type.
    Type,
    /// There is no such field.
    Unknown,
    /// It occurs more than once.
    Duplicate,
    /// It is too short.
    TooShort,
    /// It is too long.
    TooLong,
    /// Its value is not allowed.
    Invalid,
    /// The password is too easy to guess.
    Weak,
    /// The password is on the list of common ones.
    Common,
}

/// One broken rule of one field.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct FieldProblem {
    /// The field's name. Empty: the body as a whole, or a key that is not repeated here.
    pub field: String,
    /// Which kind of rule.
    pub code: FieldCode,
    /// A sentence for people, to be shown beside the field.
    pub message: String,
}

impl FieldProblem {
    /// A broken rule; repeats nothing that was submitted.
    #[must_use]
    pub fn new(field: &str, code: FieldCode, message: &str) -> Self {
        Self { field: field.to_owned(), code, message: message.to_owned() }
    }
}

/// What a login goes on with.
#[derive(Clone, PartialEq, Eq)]
pub enum Ticket {
    /// As the value of `Set-Cookie`: the one cookie that goes with a refusal.
    Cookie(String),
    /// For a client that gets its tokens in bodies.
    Body(String),
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

/// A refusal or failure, ready to be sent. It displays as its code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", code.as_str())]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// A sentence for people; holds nothing that was submitted.
    pub detail: Cow<'static, str>,
    /// The broken rules of a 422.
    pub errors: Vec<FieldProblem>,
    /// When to try again, for 429 and 503: sent in whole seconds, rounded up, at least 1.
    pub retry_after: Option<Duration>,
    /// How what is wanted can be proved, where the code says so.
    pub methods: Vec<Method>,
    /// The ticket with which a login goes on.
    pub ticket: Option<Box<Ticket>>,
}

impl Problem {
    /// A problem with a sentence that is more exact than the code's own.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None, methods: Vec::new(), ticket: None }
    }

    /// A problem with the code's own sentence.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self::new(code, code.detail())
    }

    /// Broken rules of fields, all at once. The sentence tells them too, for those who show nothing else.
    #[must_use]
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let sentence = |problem: &FieldProblem| match problem.field.as_str() {
            "" => problem.message.clone(),
            field => format!("{field}: {}", problem.message),
        };
        let detail = errors.iter().map(sentence).collect::<Vec<_>>().join(" ");
        Self { errors, ..Self::new(Code::ValidationFailed, detail) }
    }

    /// The same, to be tried again after this time.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The same, saying how what is wanted can be proved.
    #[must_use]
    pub fn methods(self, methods: Vec<Method>) -> Self {
        Self { methods, ..self }
    }

    /// The body: a JSON object.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut body = serde_json::json!({
            "type": format!("urn:doorward:problem:{}", self.code.as_str()),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "detail": self.detail,
            "code": self.code.as_str(),
        });
        if self.code.names_methods() {
            body["methods"] = self.methods.iter().map(|method| method.as_str()).collect();
        }
        if let Some(Ticket::Body(ticket)) = self.ticket.as_deref() {
            body["ticket"] = ticket.as_str().into();
        }
        if self.code == Code::ValidationFailed {
            body["errors"] = self.errors.to_json().unwrap_or_default();
        }
        body
    }

    /// The body as it is sent. Most refusals say no more than their code: those are written once.
    fn text(&self) -> Bytes {
        let says_more = self.detail != self.code.detail()
            || self.code.names_methods()
            || !self.errors.is_empty()
            || matches!(self.ticket.as_deref(), Some(Ticket::Body(_)));
        if says_more {
            return self.to_json().to_string().into();
        }
        let written: &OnceLock<Bytes> = &WRITTEN[self.code as usize];
        written.get_or_init(|| self.to_json().to_string().into()).clone()
    }

    fn response(&self) -> Response {
        let status = self.code.status();
        let mut response = Response::from(Body::from_bytes(self.text()));
        response.set_status(status);
        let headers = response.headers_mut();
        // With those that the gate adds.
        headers.reserve(12);
        headers.insert(CONTENT_TYPE, PROBLEM);
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let wait = self.retry_after.unwrap_or_default();
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.max(1).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(Ticket::Cookie(cookie)) = self.ticket.as_deref() {
            // Base64url, and attributes.
            headers.extend(HeaderValue::try_from(cookie).ok().map(|value| (SET_COOKIE, value)));
        }
        response
    }
}

/// By the code's number.
static WRITTEN: [OnceLock<Bytes>; Code::ALL.len()] = [const { OnceLock::new() }; Code::ALL.len()];

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response()
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.code.status()
    }

    fn as_response(&self) -> Response {
        self.response()
    }
}

/// The framework's own errors too become problems, without their text: it may repeat what was submitted.
impl From<poem::Error> for Problem {
    fn from(error: poem::Error) -> Self {
        let status = error.status();
        match error.downcast::<Self>() {
            Ok(problem) => problem,
            Err(_) => Self::of(match status {
                StatusCode::NOT_FOUND => Code::NotFound,
                StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
                StatusCode::UNAUTHORIZED => Code::NotAuthenticated,
                StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
                StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
                status if status.is_client_error() => Code::MalformedJson,
                _ => Code::InternalError,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use poem::error::{MethodNotAllowedError, NotFoundError};

    use super::*;

    #[tokio::test]
    async fn is_sent_with_its_status_type_and_headers() {
        let problem = Problem::new(Code::TooManyAttempts, "Later.").retry_after(Duration::from_millis(1_001));
        let mut response = problem.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.content_type(), Some("application/problem+json"));
        assert_eq!(response.header("Retry-After"), Some("2"));
        let body: serde_json::Value = response.take_body().into_json().await.unwrap();
        assert_eq!(
            body,
            serde_json::json!({"type": "urn:doorward:problem:too_many_attempts", "title": "Too many attempts",
                "status": 429, "detail": "Later.", "code": "too_many_attempts"})
        );
    }

    #[tokio::test]
    async fn each_says_its_own_the_second_time_too() {
        for code in Code::ALL.iter().chain(&Code::ALL) {
            for problem in
                [Problem::of(*code), Problem::new(*code, "More."), Problem::of(*code).methods(vec![Method::Totp])]
            {
                let expected = problem.to_json().to_string();
                assert_eq!(problem.into_response().into_body().into_string().await.unwrap(), expected);
            }
        }
        let broken = Problem {
            detail: Code::ValidationFailed.detail().into(),
            ..Problem::invalid(vec![FieldProblem::new("a", FieldCode::Type, "")])
        };
        assert!(broken.into_response().into_body().into_string().await.unwrap().contains("errors\":[{"));
    }

    #[test]
    fn a_401_challenges_and_a_503_always_says_when_to_retry() {
        let response = Problem::of(Code::TokenExpired).into_response();
        assert_eq!(response.header("WWW-Authenticate"), Some(r#"Bearer realm="doorward""#));
        let response = Problem::of(Code::DatabaseUnavailable).into_response();
        assert_eq!(response.header("Retry-After"), Some("1"));
    }

    #[test]
    fn tells_all_broken_rules_in_one_sentence_too() {
        let problem = Problem::invalid(vec![
            FieldProblem::new("email", FieldCode::Required, "Is required."),
            FieldProblem::new("", FieldCode::Unknown, "Is not a known field."),
        ]);
        assert_eq!(problem.detail, "email: Is required. Is not a known field.");
        assert_eq!(
            problem.to_json()["errors"],
            serde_json::json!([{"field": "email", "code": "required", "message": "Is required."},
                {"field": "", "code": "unknown", "message": "Is not a known field."}])
        );
    }

    #[test]
    fn passes_through_the_framework_unchanged_and_replaces_the_frameworks_own_errors() {
        let problem = Problem::of(Code::EmailUnavailable);
        assert_eq!(Problem::from(poem::Error::from(problem.clone())), problem);
        assert_eq!(Problem::from(poem::Error::from(NotFoundError)).code, Code::NotFound);
        assert_eq!(Problem::from(poem::Error::from(MethodNotAllowedError)).code, Code::MethodNotAllowed);
        let leak = poem::Error::from_string("hunter2", StatusCode::BAD_REQUEST);
        assert!(!format!("{:?}", Problem::from(leak)).contains("hunter2"));
    }
}
