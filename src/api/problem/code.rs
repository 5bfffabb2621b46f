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
    /// The enrolment code of a first factor is missing, or another one.
    IncorrectEnrolmentCode,
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
    /// Lost factors are removed by an operator alone.
    RecoveryByOperator,
    /// The secret of the account's app can't be read.
    FactorUnavailable,
    /// There are no passkeys here.
    PasskeysUnavailable,
    /// No account has the passkey.
    UnknownPasskey,
    /// The passkey at login proves nothing.
    IncorrectPasskey,
    /// The passkey in a session can't be used.
    InvalidPasskey,
    /// The browser holds no challenge that the passkey could have signed.
    PasskeyChallengeExpired,
    /// The account has as many passkeys as it may.
    TooManyPasskeys,
    /// No such passkey of this user.
    PasskeyNotFound,
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
    pub const ALL: [Self; 54] = [
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
        Self::IncorrectEnrolmentCode,
        Self::ReauthenticationRequired,
        Self::ExactOriginRequired,
        Self::NothingToConfirm,
        Self::LastFactor,
        Self::NoFactor,
        Self::RecoveryByOperator,
        Self::FactorUnavailable,
        Self::PasskeysUnavailable,
        Self::UnknownPasskey,
        Self::IncorrectPasskey,
        Self::InvalidPasskey,
        Self::PasskeyChallengeExpired,
        Self::TooManyPasskeys,
        Self::PasskeyNotFound,
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
            Self::IncorrectEnrolmentCode => {
                ("incorrect_enrolment_code", StatusCode::UNPROCESSABLE_ENTITY, "Incorrect enrolment code")
            }
            Self::ReauthenticationRequired => {
                ("reauthentication_required", StatusCode::FORBIDDEN, "Reauthentication required")
            }
            Self::ExactOriginRequired => ("exact_origin_required", StatusCode::FORBIDDEN, "Exact origin required"),
            Self::NothingToConfirm => ("nothing_to_confirm", StatusCode::CONFLICT, "Nothing to confirm"),
            Self::LastFactor => ("last_factor", StatusCode::CONFLICT, "Last factor"),
            Self::NoFactor => ("no_factor", StatusCode::CONFLICT, "No factor"),
            Self::RecoveryByOperator => ("recovery_by_operator", StatusCode::CONFLICT, "Recovery by operator"),
            Self::FactorUnavailable => ("factor_unavailable", StatusCode::SERVICE_UNAVAILABLE, "Factor unavailable"),
            Self::PasskeysUnavailable => ("passkeys_unavailable", StatusCode::FORBIDDEN, "Passkeys unavailable"),
            Self::UnknownPasskey => ("unknown_passkey", StatusCode::UNAUTHORIZED, "Unknown passkey"),
            Self::IncorrectPasskey => ("incorrect_passkey", StatusCode::UNAUTHORIZED, "Incorrect passkey"),
            Self::InvalidPasskey => ("invalid_passkey", StatusCode::UNPROCESSABLE_ENTITY, "Invalid passkey"),
            Self::PasskeyChallengeExpired => {
                ("passkey_challenge_expired", StatusCode::CONFLICT, "Passkey challenge expired")
            }
            Self::TooManyPasskeys => ("too_many_passkeys", StatusCode::CONFLICT, "Too many passkeys"),
            Self::PasskeyNotFound => ("passkey_not_found", StatusCode::NOT_FOUND, "Passkey not found"),
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
        matches!(
            self,
            Self::SecondFactorRequired | Self::SecondFactorEnrolmentRequired | Self::ReauthenticationRequired
        )
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
