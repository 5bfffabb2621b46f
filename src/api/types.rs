//! Values that several answers share.

use std::borrow::Cow;

use poem_openapi::Object;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;

use crate::domain::timestamp::Timestamp;

/// What operations say when they are done, by their id: the examples of their answers.
pub(super) const SAID: [(&str, &str); 18] = [
    ("login", LOGGED_IN),
    ("refresh", REFRESHED),
    ("logout", LOGGED_OUT),
    ("logoutAll", LOGGED_OUT_EVERYWHERE),
    ("changePassword", PASSWORD_CHANGED),
    ("resetPassword", PASSWORD_CHANGED),
    ("forgotPassword", LINK_MAILED),
    ("reportNotMe", REPORTED),
    ("sendVerification", VERIFICATION_MAILED),
    ("verifyEmail", EMAIL_VERIFIED),
    ("changeEmail", CHANGE_MAILED),
    ("correctEmail", CHANGE_MAILED),
    ("restoreEmail", EMAIL_RESTORED),
    ("register", REGISTRATION_MAILED),
    ("loginSecondFactor", LOGGED_IN),
    ("loginPasskey", LOGGED_IN),
    ("reauthenticate", PROVED),
    ("askFactorRecovery", RECOVERY_MAILED),
];
pub(super) const LOGGED_IN: &str = "Login successful";
pub(super) const PROVED: &str = "It is you";
pub(super) const REFRESHED: &str = "Token refreshed successfully";
pub(super) const LOGGED_OUT: &str = "Successfully logged out";
pub(super) const LOGGED_OUT_EVERYWHERE: &str = "Logged out everywhere";
pub(super) const PASSWORD_CHANGED: &str = "Password changed";

pub(super) const LINK_MAILED: &str = "If an account has this address, a link that sets a new password is on its way.";
pub(super) const RECOVERY_MAILED: &str = "A link that begins the removal is on its way to the address of your account.";
pub(super) const VERIFICATION_MAILED: &str = "A link that confirms your address is on its way.";
pub(super) const EMAIL_VERIFIED: &str = "Your address is confirmed";
pub(super) const CHANGE_MAILED: &str = "A link is on its way to the new address.";
pub(super) const EMAIL_RESTORED: &str = "The account has its former address and a new password";
pub(super) const REGISTRATION_MAILED: &str = "A mail to this address says how it goes on.";
pub(super) const REPORTED: &str =
    "If this link was good, every session of the account has ended, and a link that sets a new password is on its way.";

/// The example of a session's id.
pub(super) const SESSION_ID: &str = "Huk0zwUiSR4aN4igtFYDPg";

/// A sentence that says what was done.
#[derive(Debug, Object)]
pub struct Message {
    /// What was done.
    pub message: String,
}

impl Message {
    /// Says it.
    #[must_use]
    pub fn new(message: &str) -> Self {
        Self { message: message.to_owned() }
    }
}

/// A point in time: RFC 3339, UTC, whole seconds, `Z`.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Timestamp);

impl Type for Moment {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_date-time".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "date-time")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Moment {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

/// `Object` asks for it; nobody sends one.
impl ParseFromJSON for Moment {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = value.as_ref().and_then(Value::as_str);
        text.and_then(Timestamp::parse).map(Self).ok_or_else(ParseError::expected_input)
    }
}
