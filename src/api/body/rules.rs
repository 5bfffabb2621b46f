//! Fields that several bodies have, with their rules: of a value that is to be set. What a person logs in with has no rules.

use super::fields::Fields;
use crate::api::problem::{FieldCode, FieldProblem};
use crate::domain::account::{Email, EmailError};
use crate::domain::account::{FullName, FullNameError};
use crate::domain::password::Password;
use crate::domain::password::{PasswordPolicy, PasswordProblem};
use crate::service::session::Typed;

/// An email address for an account.
pub fn email(fields: &mut Fields, name: &'static str) -> Option<Email> {
    let text = fields.required::<String>(name)?;
    let (code, message) = match Email::parse(&text) {
        Ok(email) => return Some(email),
        Err(EmailError::TooLong) => (FieldCode::TooLong, "Must have at most 254 bytes."),
        Err(EmailError::Invalid) => (FieldCode::Invalid, "Must be an email address."),
    };
    fields.refuse(name, code, message);
    None
}

/// What a person logs in with. Whatever it is: what no account can have is answered as a wrong password is, in the same time.
pub fn credentials(fields: &mut Fields) -> Option<Typed> {
    let (email, password) = (fields.required("email"), fields.required("password"));
    Some(Typed { email: email?, password: password? })
}

/// A new password, with all that is wrong with it. `email` is the account's, where it is known.
pub fn new_password(
    fields: &mut Fields,
    name: &'static str,
    policy: PasswordPolicy,
    email: Option<&Email>,
) -> Option<Password> {
    let text = fields.required::<String>(name)?;
    check_new_password(fields, name, policy, email, &text);
    // What has no problem is a password.
    Password::parse(text).ok()
}

/// A new password that may be left out.
pub fn optional_new_password(
    fields: &mut Fields,
    name: &'static str,
    policy: PasswordPolicy,
) -> Option<Option<Password>> {
    let Some(text) = fields.optional::<String>(name)? else { return Some(None) };
    check_new_password(fields, name, policy, None, &text);
    Password::parse(text).ok().map(Some)
}

fn check_new_password(
    fields: &mut Fields,
    name: &'static str,
    policy: PasswordPolicy,
    email: Option<&Email>,
    text: &str,
) {
    for problem in policy.problems(text, email) {
        let code = match problem {
            PasswordProblem::TooShort => FieldCode::TooShort,
            PasswordProblem::TooLong => FieldCode::TooLong,
            PasswordProblem::Invalid => FieldCode::Invalid,
            PasswordProblem::Weak => FieldCode::Weak,
            PasswordProblem::Common => FieldCode::Common,
        };
        fields.refuse(name, code, problem.message());
    }
}

/// A new password that is the account's email, where the account is known only after the body was read.
#[must_use]
pub fn is_the_email(name: &str) -> FieldProblem {
    FieldProblem::new(name, FieldCode::Common, PasswordProblem::Common.message())
}

/// The name of a person. None inside: no name.
pub fn full_name(fields: &mut Fields, name: &'static str) -> Option<Option<FullName>> {
    let text = fields.optional::<String>(name)?.unwrap_or_default();
    let (code, message) = match FullName::parse(&text) {
        Ok(full_name) => return Some(full_name),
        Err(FullNameError::TooLong) => (FieldCode::TooLong, "Must have at most 200 characters."),
        Err(FullNameError::ControlCharacter) => (FieldCode::Invalid, "Must not have control characters."),
    };
    fields.refuse(name, code, message);
    None
}
