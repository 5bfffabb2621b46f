//! What is said to people.

use super::Code;

impl Code {
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
                "Enter the code that your authenticator app shows, or one of your recovery codes, or use your passkey."
            }
            Self::SecondFactorEnrolmentRequired => {
                "Set up an authenticator app or a passkey first: everybody needs a second factor here."
            }
            Self::IncorrectSecondFactor | Self::IncorrectCode => {
                "This code is not correct, or was used already. Enter the next one."
            }
            Self::LoginTicketExpired => "This took too long. Log in again.",
            Self::IncorrectEnrolmentCode => {
                "Enter the code that was mailed to you, or that the operator gave you. The mail may take a few minutes."
            }
            Self::ReauthenticationRequired => "Prove once more that it is you.",
            Self::ExactOriginRequired => "This can't be done here. Open the page at its usual address.",
            Self::NothingToConfirm => "This took too long. Set up the app again.",
            Self::LastFactor => {
                "Everybody needs a second factor here. Set up another one first, or a new app in the place of this one."
            }
            Self::NoFactor => "You have no such factor.",
            Self::PasskeysUnavailable => "Passkeys can't be used here.",
            Self::UnknownPasskey => "No account has this passkey any more. Log in in another way.",
            Self::IncorrectPasskey => "This passkey was not accepted. Log in in another way.",
            Self::InvalidPasskey => "This passkey was not accepted.",
            Self::PasskeyChallengeExpired => "This took too long. Try again.",
            Self::TooManyPasskeys => "You have as many passkeys as you can have. Remove one first.",
            Self::PasskeyNotFound => "You have no such passkey.",
            Self::RecoveryByOperator => "Ask those who run this service: they remove what you have lost.",
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
