//! What is logged in and refreshed with.

use poem_openapi::Object;
use poem_openapi::types::{Example, Password as PasswordText};

use super::delivery::{TokenDelivery, token_delivery};
use crate::api::body::{Body, Fields, rules};
use crate::api::problem::FieldCode;
use crate::domain::session::Delivery;
use crate::service::App;
use crate::service::session::Typed;

/// Who logs in.
#[derive(Object)]
#[oai(example)]
pub(super) struct Login {
    /// The email of the account. Upper and lower case are the same.
    email: String,
    /// The password.
    password: PasswordText,
    /// How to answer with the tokens; if it is left out, as cookies.
    token_delivery: Option<TokenDelivery>,
}

impl Example for Login {
    fn example() -> Self {
        Self { email: "user@example.com".into(), password: PasswordText("SecurePass123".into()), token_delivery: None }
    }
}

impl Body for Login {
    type Value = (Typed, Delivery);

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let (credentials, delivery) = (rules::credentials(fields), token_delivery(fields));
        Some((credentials?, delivery?))
    }
}

/// What a client without cookies refreshes with.
#[derive(Object)]
#[oai(example)]
pub(super) struct Refresh {
    /// `body`, if the refresh token is in this one.
    token_delivery: Option<TokenDelivery>,
    /// The newest one, with `token_delivery: body`.
    refresh_token: Option<PasswordText>,
}

impl Example for Refresh {
    /// Of a page, which has it in a cookie: whoever tries it out in the documentation sends this.
    fn example() -> Self {
        Self { token_delivery: None, refresh_token: None }
    }
}

impl Body for Refresh {
    /// None: it is in a cookie.
    type Value = Option<String>;

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let (delivery, token) = (token_delivery(fields), fields.optional::<String>("refresh_token"));
        match (delivery?, token?) {
            (Delivery::Cookies, None) => Some(None),
            (Delivery::Body, Some(token)) => Some(Some(token)),
            (Delivery::Body, None) => {
                fields.refuse("refresh_token", FieldCode::Required, "Is required with `token_delivery: body`.");
                None
            }
            (Delivery::Cookies, Some(_)) => {
                fields.refuse("token_delivery", FieldCode::Required, "Must be `body` with a `refresh_token`.");
                None
            }
        }
    }
}
