//! What the operations on a person's address are sent.

use poem_openapi::Object;
use poem_openapi::types::{Example, Password as PasswordText};

use crate::api::body::{Body, Fields, rules};
use crate::domain::account::Email;
use crate::domain::mail::LinkToken;
use crate::domain::password::{Password, PasswordPolicy};
use crate::service::App;
use crate::service::session::Credentials;

/// The example of a link's token.
pub(super) const TOKEN: &str = "n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0";

/// A link's token, and a password where it is needed.
#[derive(Object)]
#[oai(example)]
pub(super) struct EmailVerification {
    /// What stands behind `#token=` in the link.
    token: PasswordText,
    /// As in `changePassword`. Needed where nobody is logged in to the account.
    #[oai(validator(min_length = 8, max_length = 71))]
    new_password: Option<PasswordText>,
}

impl Example for EmailVerification {
    fn example() -> Self {
        Self { token: PasswordText(TOKEN.into()), new_password: Some(PasswordText("EvenMoreSecure456".into())) }
    }
}

impl Body for EmailVerification {
    type Value = (Option<LinkToken>, Option<Password>);

    fn read(fields: &mut Fields, app: &App) -> Option<Self::Value> {
        let token = fields.required::<String>("token");
        let new = rules::optional_new_password(fields, "new_password", policy(app));
        Some((LinkToken::parse(&token?), new?))
    }
}

/// The address that shall be, and the password that is.
#[derive(Object)]
#[oai(example)]
pub(super) struct EmailChange {
    /// An email address.
    #[oai(validator(max_length = 254))]
    email: String,
    /// The password that the person has now.
    current_password: PasswordText,
}

impl Example for EmailChange {
    fn example() -> Self {
        Self { email: "new.user@example.com".into(), current_password: PasswordText("SecurePass123".into()) }
    }
}

impl Body for EmailChange {
    /// The password is none where no account can have it.
    type Value = (Email, Option<Password>);

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let email = rules::email(fields, "email");
        let current = fields.required::<String>("current_password");
        Some((email?, Password::parse(current?).ok()))
    }
}

/// Who it is, and the address that shall be.
#[derive(Object)]
#[oai(example)]
pub(super) struct EmailCorrection {
    /// The address that the account has.
    email: String,
    /// The account's password.
    password: PasswordText,
    /// An email address.
    #[oai(validator(max_length = 254))]
    new_email: String,
}

impl Example for EmailCorrection {
    fn example() -> Self {
        Self {
            email: "user@example.con".into(),
            password: PasswordText("SecurePass123".into()),
            new_email: "user@example.com".into(),
        }
    }
}

impl Body for EmailCorrection {
    /// Credentials are none where no account can have them, as in `login`.
    type Value = (Option<Credentials>, Email);

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let credentials = rules::credentials(fields);
        let new = rules::email(fields, "new_email");
        Some((credentials?.credentials(), new?))
    }
}

/// A link's token, and the password that shall be.
#[derive(Object)]
#[oai(example)]
pub(super) struct EmailRestoration {
    /// What stands behind `#restore=` in the link.
    token: PasswordText,
    /// As in `changePassword`.
    #[oai(validator(min_length = 8, max_length = 71))]
    new_password: PasswordText,
}

impl Example for EmailRestoration {
    fn example() -> Self {
        Self { token: PasswordText(TOKEN.into()), new_password: PasswordText("EvenMoreSecure456".into()) }
    }
}

impl Body for EmailRestoration {
    type Value = (Option<LinkToken>, Password);

    fn read(fields: &mut Fields, app: &App) -> Option<Self::Value> {
        let token = fields.required::<String>("token");
        let new = rules::new_password(fields, "new_password", policy(app), None);
        Some((LinkToken::parse(&token?), new?))
    }
}

fn policy(app: &App) -> PasswordPolicy {
    PasswordPolicy { composition: app.password.policy.composition }
}
