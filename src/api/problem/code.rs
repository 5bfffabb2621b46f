//! What can go wrong, in one table.

use poem::http::StatusCode;

/// What went wrong: the closed set that clients may switch on. Each operation documents its own part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// What came is no request of HTTP/1.1.
    MalformedRequest,
    /// The request line and the headers are larger than the limit.
    HeadersTooLarge,
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
    /// The password is right, and it is one of two.
    SecondFactorRequired,
    /// The password is right, everybody needs a second factor, and the account has none.
    SecondFactorEnrolmentRequired,
    /// The code at login is wrong, or was used.
    IncorrectSecondFactor,
    /// There is no ticket of a login that is good.
    LoginTicketExpired,
    /// The code in a session is wrong, or was used.
    IncorrectCode,
    /// It is to be proved again who asks.
    ReauthenticationRequired,
    /// The page's origin is one of many that a `*` allows.
    ExactOriginRequired,
    /// No app is being set up by this session.
    NothingToConfirm,
    /// The last factor can't be removed where everybody needs one.
    LastFactor,
    /// The account has no factor beside its password.
    NoFactor,
    /// The secret of the account's app can't be read.
    FactorUnavailable,
    /// The reset token is unknown, used, replaced or expired: never told which.
    InvalidOrExpiredToken,
    /// Nobody can register (`REGISTRATION=closed`).
    RegistrationClosed,
    /// The email can't be registered.
    EmailUnavailable,
    /// The last active superuser can't leave.
    LastSuperuser,
    /// The page shows another person than the one who is logged in.
    OtherUser,
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
    /// The session had to be bound to a device by now.
    DeviceBindingRequired,
    /// A device's proof is missing its parts, or proves nothing.
    InvalidDeviceProof,
    /// The session is bound to a device, and nothing proves that this is it.
    DeviceProofRequired,
    /// The password is right, and the address must be confirmed first.
    EmailNotVerified,
    /// The request came from another site's page.
    CrossSiteRequest,
    /// The tokens can't be answered in this way: in a body to what may be a page, as cookies to an app.
    TokenDeliveryRefused,
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
    /// No mail can be sent.
    MailUnavailable,
    /// The database does not answer.
    DatabaseUnavailable,
    /// The service is about to stop.
    ShuttingDown,
    /// A defect of the service.
    InternalError,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 45] = [
        Self::MalformedRequest,
        Self::HeadersTooLarge,
        Self::MalformedJson,
        Self::UnsupportedMediaType,
        Self::PayloadTooLarge,
        Self::ValidationFailed,
        Self::IncorrectCredentials,
        Self::IncorrectCurrentPassword,
        Self::SecondFactorRequired,
        Self::SecondFactorEnrolmentRequired,
        Self::IncorrectSecondFactor,
        Self::LoginTicketExpired,
        Self::IncorrectCode,
        Self::ReauthenticationRequired,
        Self::ExactOriginRequired,
        Self::NothingToConfirm,
        Self::LastFactor,
        Self::NoFactor,
        Self::FactorUnavailable,
        Self::InvalidOrExpiredToken,
        Self::RegistrationClosed,
        Self::EmailUnavailable,
        Self::LastSuperuser,
        Self::OtherUser,
        Self::NotAuthenticated,
        Self::TokenExpired,
        Self::SessionExpired,
        Self::SessionEnded,
        Self::SessionRevoked,
        Self::SessionReuseDetected,
        Self::DeviceBindingRequired,
        Self::InvalidDeviceProof,
        Self::DeviceProofRequired,
        Self::EmailNotVerified,
        Self::CrossSiteRequest,
        Self::TokenDeliveryRefused,
        Self::NotFound,
        Self::SessionNotFound,
        Self::MethodNotAllowed,
        Self::TooManyAttempts,
        Self::Overloaded,
        Self::MailUnavailable,
        Self::DatabaseUnavailable,
        Self::ShuttingDown,
        Self::InternalError,
    ];

    /// The code on the wire, its status and its title.
    const fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::MalformedRequest => ("malformed_request", StatusCode::BAD_REQUEST, "Malformed request"),
            Self::HeadersTooLarge => {
                ("headers_too_large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large")
            }
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
            Self::SecondFactorRequired => {
                ("second_factor_required", StatusCode::UNAUTHORIZED, "Second factor required")
            }
            Self::SecondFactorEnrolmentRequired => {
                ("second_factor_enrolment_required", StatusCode::UNAUTHORIZED, "Second factor enrolment required")
            }
            Self::IncorrectSecondFactor => {
                ("incorrect_second_factor", StatusCode::UNAUTHORIZED, "Incorrect second factor")
            }
            Self::LoginTicketExpired => ("login_ticket_expired", StatusCode::UNAUTHORIZED, "Login ticket expired"),
            Self::IncorrectCode => ("incorrect_code", StatusCode::UNPROCESSABLE_ENTITY, "Incorrect code"),
            Self::ReauthenticationRequired => {
                ("reauthentication_required", StatusCode::FORBIDDEN, "Reauthentication required")
            }
            Self::ExactOriginRequired => ("exact_origin_required", StatusCode::FORBIDDEN, "Exact origin required"),
            Self::NothingToConfirm => ("nothing_to_confirm", StatusCode::CONFLICT, "Nothing to confirm"),
            Self::LastFactor => ("last_factor", StatusCode::CONFLICT, "Last factor"),
            Self::NoFactor => ("no_factor", StatusCode::CONFLICT, "No factor"),
            Self::FactorUnavailable => ("factor_unavailable", StatusCode::SERVICE_UNAVAILABLE, "Factor unavailable"),
            Self::InvalidOrExpiredToken => {
                ("invalid_or_expired_token", StatusCode::BAD_REQUEST, "Invalid or expired token")
            }
            Self::RegistrationClosed => ("registration_closed", StatusCode::FORBIDDEN, "Registration closed"),
            Self::EmailUnavailable => ("email_unavailable", StatusCode::CONFLICT, "Email unavailable"),
            Self::LastSuperuser => ("last_superuser", StatusCode::CONFLICT, "Last superuser"),
            Self::OtherUser => ("other_user", StatusCode::CONFLICT, "Other user"),
            Self::NotAuthenticated => ("not_authenticated", StatusCode::UNAUTHORIZED, "Not authenticated"),
            Self::TokenExpired => ("token_expired", StatusCode::UNAUTHORIZED, "Token expired"),
            Self::SessionExpired => ("session_expired", StatusCode::UNAUTHORIZED, "Session expired"),
            Self::SessionEnded => ("session_ended", StatusCode::UNAUTHORIZED, "Session ended"),
            Self::SessionRevoked => ("session_revoked", StatusCode::UNAUTHORIZED, "Session revoked"),
            Self::SessionReuseDetected => {
                ("session_reuse_detected", StatusCode::UNAUTHORIZED, "Session reuse detected")
            }
            Self::DeviceBindingRequired => {
                ("device_binding_required", StatusCode::UNAUTHORIZED, "Device binding required")
            }
            Self::InvalidDeviceProof => ("invalid_device_proof", StatusCode::BAD_REQUEST, "Invalid device proof"),
            Self::DeviceProofRequired => ("device_proof_required", StatusCode::FORBIDDEN, "Device proof required"),
            Self::EmailNotVerified => ("email_not_verified", StatusCode::FORBIDDEN, "Email not verified"),
            Self::CrossSiteRequest => ("cross_site_request", StatusCode::FORBIDDEN, "Cross-site request"),
            Self::TokenDeliveryRefused => ("token_delivery_refused", StatusCode::FORBIDDEN, "Token delivery refused"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "Not found"),
            Self::SessionNotFound => ("session_not_found", StatusCode::NOT_FOUND, "Session not found"),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::TooManyAttempts => ("too_many_attempts", StatusCode::TOO_MANY_REQUESTS, "Too many attempts"),
            Self::Overloaded => ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Overloaded"),
            Self::MailUnavailable => ("mail_unavailable", StatusCode::SERVICE_UNAVAILABLE, "Mail unavailable"),
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

    /// Whether it says how something can be proved.
    #[must_use]
    pub const fn names_methods(self) -> bool {
        matches!(self, Self::SecondFactorRequired | Self::ReauthenticationRequired)
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

    /// The sentence for people, where there is nothing more exact to say.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::MalformedRequest => "This is not a valid HTTP/1.1 request.",
            Self::HeadersTooLarge => "The request line and the headers are larger than 32 KiB.",
            Self::MalformedJson => "The body is not valid JSON.",
            Self::UnsupportedMediaType => "Send the body as application/json.",
            Self::PayloadTooLarge => "The body is larger than 16 KiB.",
            Self::ValidationFailed => "The body breaks rules of its fields.",
            Self::IncorrectCredentials => "Incorrect email or password",
            Self::IncorrectCurrentPassword => "The current password is not correct.",
            Self::SecondFactorRequired => {
                "Enter the code that your authenticator app shows, or one of your recovery codes."
            }
            Self::SecondFactorEnrolmentRequired => "Set up an authenticator app first: everybody needs one here.",
            Self::IncorrectSecondFactor | Self::IncorrectCode => {
                "This code is not correct, or was used already. Enter the next one."
            }
            Self::LoginTicketExpired => "This took too long. Log in again.",
            Self::ReauthenticationRequired => "Prove once more that it is you.",
            Self::ExactOriginRequired => "This can't be done here. Open the page at its usual address.",
            Self::NothingToConfirm => "This took too long. Set up the app again.",
            Self::LastFactor => "Everybody needs an authenticator app here. You can set up another one in its place.",
            Self::NoFactor => "You have no authenticator app.",
            Self::FactorUnavailable => {
                "The service can't check codes of your app at the moment. Use a recovery code, or try again."
            }
            Self::InvalidOrExpiredToken => "This link has been used or has expired. Ask for a new one.",
            Self::LastSuperuser => "You are the last superuser. Make somebody else one first.",
            Self::OtherUser => "Somebody else has logged in with this browser. Reload the page.",
            Self::RegistrationClosed => "Nobody can register here at the moment.",
            Self::EmailUnavailable => "This email cannot be registered. If you have an account, log in.",
            Self::NotAuthenticated => "You are not logged in.",
            Self::TokenExpired => "The access token has expired. Refresh the session.",
            Self::SessionExpired => "Your session has expired. Log in again.",
            Self::SessionEnded => "You have logged out. Log in again.",
            Self::SessionRevoked => "Your session was ended. Log in again.",
            Self::SessionReuseDetected => {
                "Your session was ended to protect you: somebody else may have used it. Log in again."
            }
            Self::DeviceBindingRequired => {
                "This browser can't bind your session to this device, which is required here."
            }
            Self::InvalidDeviceProof => "This proves no device. Browsers send it by themselves.",
            Self::DeviceProofRequired => "Your session is bound to a device, which this browser has not proved to be.",
            Self::EmailNotVerified => "Confirm your address first. A link is on its way to you.",
            Self::CrossSiteRequest => "The request came from a page of another site.",
            Self::TokenDeliveryRefused => "Tokens can't be delivered to this client in this way.",
            Self::NotFound => "There is nothing at this path.",
            Self::SessionNotFound => "You have no such session.",
            Self::MethodNotAllowed => "This path has no such method. Allow lists those that it has.",
            Self::TooManyAttempts => "Too many attempts. Try again later.",
            Self::Overloaded => "The service is busy. Try again in a moment.",
            Self::MailUnavailable => "This service sends no mail. Ask whoever runs it.",
            Self::DatabaseUnavailable => "The service can't reach its database. Try again in a moment.",
            Self::ShuttingDown => "The service is about to stop. Try again in a moment.",
            Self::InternalError => "Something went wrong on our side.",
        }
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
