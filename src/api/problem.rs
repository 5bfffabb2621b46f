//! Errors as problem details (RFC 9457): the one shape of every refusal and failure.

use std::borrow::Cow;
use std::time::Duration;

use poem::http::StatusCode;
use poem::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use poem::{Body, IntoResponse, Response};

/// The media type of every problem.
pub const CONTENT_TYPE_PROBLEM: &str = "application/problem+json";

/// What went wrong: the closed set that clients may switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The body is not JSON, or did not arrive whole.
    MalformedJson,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The body is larger than the limit.
    PayloadTooLarge,
    /// The body breaks rules of its fields: all of them are listed.
    ValidationFailed,
    /// Unknown email, wrong password or disabled account: never told which.
    IncorrectCredentials,
    /// The current password is wrong.
    IncorrectCurrentPassword,
    /// The email can't be registered.
    EmailUnavailable,
    /// No valid credential.
    NotAuthenticated,
    /// The access token has expired: refresh.
    TokenExpired,
    /// The session was unused for too long, or is too old.
    SessionExpired,
    /// The person logged out.
    SessionEnded,
    /// The session was ended by a password change, an operator, or a newer session.
    SessionRevoked,
    /// A refresh token was used again: the session was ended for safety.
    SessionReuseDetected,
    /// The request came from another site's page.
    CrossSiteRequest,
    /// No such path.
    NotFound,
    /// No such session of this user.
    SessionNotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// A rate limit was reached.
    TooManyAttempts,
    /// The service can't take this on in time.
    Overloaded,
    /// The database does not answer.
    DatabaseUnavailable,
    /// The service is about to stop.
    ShuttingDown,
    /// A defect of the service.
    InternalError,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::MalformedJson,
        Self::UnsupportedMediaType,
        Self::PayloadTooLarge,
        Self::ValidationFailed,
        Self::IncorrectCredentials,
        Self::IncorrectCurrentPassword,
        Self::EmailUnavailable,
        Self::NotAuthenticated,
        Self::TokenExpired,
        Self::SessionExpired,
        Self::SessionEnded,
        Self::SessionRevoked,
        Self::SessionReuseDetected,
        Self::CrossSiteRequest,
        Self::NotFound,
        Self::SessionNotFound,
        Self::MethodNotAllowed,
        Self::TooManyAttempts,
        Self::Overloaded,
        Self::DatabaseUnavailable,
        Self::ShuttingDown,
        Self::InternalError,
    ];

    /// The code on the wire, its status and its title.
    const fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::MalformedJson => ("malformed_json", StatusCode::BAD_REQUEST, "Malformed JSON"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")
            }
            Self::PayloadTooLarge => ("payload_too_large", StatusCode::PAYLOAD_TOO_LARGE, "Payload too large"),
            Self::ValidationFailed => ("validation_failed", StatusCode::UNPROCESSABLE_ENTITY, "Validation failed"),
            Self::IncorrectCredentials => ("incorrect_credentials", StatusCode::UNAUTHORIZED, "Incorrect credentials"),
            Self::IncorrectCurrentPassword => {
                ("incorrect_current_password", StatusCode::UNPROCESSABLE_ENTITY, "Incorrect current password")
            }
            Self::EmailUnavailable => ("email_unavailable", StatusCode::CONFLICT, "Email unavailable"),
            Self::NotAuthenticated => ("not_authenticated", StatusCode::UNAUTHORIZED, "Not authenticated"),
            Self::TokenExpired => ("token_expired", StatusCode::UNAUTHORIZED, "Token expired"),
            Self::SessionExpired => ("session_expired", StatusCode::UNAUTHORIZED, "Session expired"),
            Self::SessionEnded => ("session_ended", StatusCode::UNAUTHORIZED, "Session ended"),
            Self::SessionRevoked => ("session_revoked", StatusCode::UNAUTHORIZED, "Session revoked"),
            Self::SessionReuseDetected => {
                ("session_reuse_detected", StatusCode::UNAUTHORIZED, "Session reuse detected")
            }
            Self::CrossSiteRequest => ("cross_site_request", StatusCode::FORBIDDEN, "Cross-site request"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "Not found"),
            Self::SessionNotFound => ("session_not_found", StatusCode::NOT_FOUND, "Session not found"),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::TooManyAttempts => ("too_many_attempts", StatusCode::TOO_MANY_REQUESTS, "Too many attempts"),
            Self::Overloaded => ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Overloaded"),
            Self::DatabaseUnavailable => {
                ("database_unavailable", StatusCode::SERVICE_UNAVAILABLE, "Database unavailable")
            }
            Self::ShuttingDown => ("shutting_down", StatusCode::SERVICE_UNAVAILABLE, "Shutting down"),
            Self::InternalError => ("internal_error", StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        }
    }

    /// The code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.parts().0
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.parts().1
    }

    /// The short summary, the same every time.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.parts().2
    }
}

/// One broken rule of one field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldProblem {
    /// The field's name.
    pub field: String,
    /// Which kind of rule: `required`, `type`, `unknown`, `duplicate`, `too_short`, `too_long`, `invalid`, `weak`, `common`.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// A refusal or failure, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// A sentence for people; holds nothing that was submitted.
    pub detail: Cow<'static, str>,
    /// The broken rules of a 422.
    pub errors: Vec<FieldProblem>,
    /// When to try again, for 429 and 503: sent in whole seconds, rounded up, at least 1.
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// A problem without field errors.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// The same, to be tried again after this time.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
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
        if self.code == Code::ValidationFailed {
            body["errors"] = serde_json::json!(self.errors);
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let mut response = Response::builder().status(status).header(CONTENT_TYPE, CONTENT_TYPE_PROBLEM);
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let wait = self.retry_after.unwrap_or_default();
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response = response.header(RETRY_AFTER, seconds.max(1));
        }
        if status == StatusCode::UNAUTHORIZED {
            response = response.header(WWW_AUTHENTICATE, r#"Bearer realm="doorward""#);
        }
        response.body(Body::from_string(self.to_json().to_string()))
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_401_challenges_and_a_503_always_says_when_to_retry() {
        let response = Problem::new(Code::TokenExpired, "").into_response();
        assert_eq!(response.header("WWW-Authenticate"), Some(r#"Bearer realm="doorward""#));
        let response = Problem::new(Code::DatabaseUnavailable, "").into_response();
        assert_eq!(response.header("Retry-After"), Some("1"));
    }

    #[test]
    fn codes_are_distinct() {
        let codes: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
