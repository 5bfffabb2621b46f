//! What somebody logs in with, before and after it is looked into.

use crate::domain::account::Email;
use crate::domain::password::Password;

/// What a person logs in with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// In canonical form.
    pub email: Email,
    /// As typed; the policy is not asked: an imported account may not satisfy it.
    pub password: Password,
}

/// What somebody has typed to log in: looked into once they may try. Has no `Debug`: it is a password.
pub struct Typed {
    /// As it came.
    pub email: String,
    /// As it came.
    pub password: String,
}

impl Typed {
    /// None: no account can have these.
    #[must_use]
    pub fn credentials(self) -> Option<Credentials> {
        let (email, password) = (Email::parse(&self.email).ok(), Password::parse(self.password).ok());
        email.zip(password).map(|(email, password)| Credentials { email, password })
    }
}
