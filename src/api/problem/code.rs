//! What can go wrong, in one table.

use poem::http::StatusCode;

/// What went wrong: the closed set that clients may switch on. Each operation documents its own part of it.
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

struct Entry {
    wire: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: &'static str,
}

const fn entry(wire: &'static str, status: StatusCode, title: &'static str, detail: &'static str) -> Entry {
    Entry { wire, status, title, detail }
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

    const fn entry(self) -> Entry {
        match self {
            Self::MalformedJson => {
                entry("malformed_json", StatusCode::BAD_REQUEST, "Malformed JSON", "The body is not valid JSON.")
            }
            Self::UnsupportedMediaType => entry(
                "unsupported_media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
                "Send the body as application/json.",
            ),
            Self::PayloadTooLarge => entry(
                "payload_too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "Payload too large",
                "The body is larger than 16 KiB.",
            ),
            Self::ValidationFailed => entry(
                "validation_failed",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Validation failed",
                "The body breaks rules of its fields.",
            ),
            Self::IncorrectCredentials => entry(
                "incorrect_credentials",
                StatusCode::UNAUTHORIZED,
                "Incorrect credentials",
                "Incorrect email or password",
            ),
            Self::IncorrectCurrentPassword => entry(
                "incorrect_current_password",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Incorrect current password",
                "The current password is not correct.",
            ),
            Self::EmailUnavailable => entry(
                "email_unavailable",
                StatusCode::CONFLICT,
                "Email unavailable",
                "This email cannot be registered. If you have an account, log in.",
            ),
            Self::NotAuthenticated => {
                entry("not_authenticated", StatusCode::UNAUTHORIZED, "Not authenticated", "You are not logged in.")
            }
            Self::TokenExpired => entry(
                "token_expired",
                StatusCode::UNAUTHORIZED,
                "Token expired",
                "The access token has expired. Refresh the session.",
            ),
            Self::SessionExpired => entry(
                "session_expired",
                StatusCode::UNAUTHORIZED,
                "Session expired",
                "Your session has expired. Log in again.",
            ),
            Self::SessionEnded => {
                entry("session_ended", StatusCode::UNAUTHORIZED, "Session ended", "You have logged out. Log in again.")
            }
            Self::SessionRevoked => entry(
                "session_revoked",
                StatusCode::UNAUTHORIZED,
                "Session revoked",
                "Your session was ended. Log in again.",
            ),
            Self::SessionReuseDetected => entry(
                "session_reuse_detected",
                StatusCode::UNAUTHORIZED,
                "Session reuse detected",
                "Your session was ended to protect you: somebody else may have used it. Log in again.",
            ),
            Self::CrossSiteRequest => entry(
                "cross_site_request",
                StatusCode::FORBIDDEN,
                "Cross-site request",
                "The request came from a page of another site.",
            ),
            Self::NotFound => entry("not_found", StatusCode::NOT_FOUND, "Not found", "There is nothing at this path."),
            Self::SessionNotFound => {
                entry("session_not_found", StatusCode::NOT_FOUND, "Session not found", "You have no such session.")
            }
            Self::MethodNotAllowed => entry(
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "This path has no such method. Allow lists those that it has.",
            ),
            Self::TooManyAttempts => entry(
                "too_many_attempts",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                "Too many attempts. Try again later.",
            ),
            Self::Overloaded => entry(
                "overloaded",
                StatusCode::SERVICE_UNAVAILABLE,
                "Overloaded",
                "The service is busy. Try again in a moment.",
            ),
            Self::DatabaseUnavailable => entry(
                "database_unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Database unavailable",
                "The service can't reach its database. Try again in a moment.",
            ),
            Self::ShuttingDown => entry(
                "shutting_down",
                StatusCode::SERVICE_UNAVAILABLE,
                "Shutting down",
                "The service is about to stop. Try again in a moment.",
            ),
            Self::InternalError => entry(
                "internal_error",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal error",
                "Something went wrong on our side.",
            ),
        }
    }

    /// The code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.entry().wire
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.entry().status
    }

    /// The short summary, the same every time.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.entry().title
    }

    /// The sentence for people, where there is nothing more exact to say.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.entry().detail
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct() {
        let codes: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
