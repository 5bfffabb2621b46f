//! Logging in by a passkey and nothing else.

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::{Tokens, binds, logged_in, with_ceremony};
use crate::api::Tag;
use crate::api::body::{Body, Fields, Strict};
use crate::api::data::Data;
use crate::api::factor::{PasskeyRequestOptions, UsedCredential, assertion};
use crate::api::problem::{TypedProblem, codes};
use crate::api::types::{LOGGED_IN, Message};
use crate::config::cookies::Cookies;
use crate::domain::factor::Assertion;
use crate::domain::session::Delivery;
use crate::service::factor::{self, PasskeyError};
use crate::service::session::{self, PasskeyLoginError};
use crate::service::{App, Client};

/// Operations that log in without a password.
pub struct PasskeyLoginApi;

#[OpenApi(prefix_path = "/api/auth/login", tag = "Tag::Session")]
impl PasskeyLoginApi {
    /// Ask for a passkey to log in with
    ///
    /// What `PublicKeyCredential.parseRequestOptionsFromJSON` takes, for a button or for autofill, and a cookie with the challenge, which
    /// is good for ten minutes and once. A browser holds those of its last four tabs.
    #[oai(path = "/passkey/options", method = "post", operation_id = "loginPasskeyOptions")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn options(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
    ) -> Result<Response<Asked>, TypedProblem<LoginPasskeyOptionsCode>> {
        tokens.door.allow_passkey(Delivery::Cookies)?;
        match factor::login_options(app, &tokens.browser.ceremonies) {
            Ok(options) => {
                let cookie = options.cookie.clone();
                Ok(with_ceremony(Asked::Ok(Json(PasskeyRequestOptions::of(options))), settings, &cookie))
            }
            Err(PasskeyError::Failed(cause)) => Err(cause.into()),
            Err(_) => Err(TypedProblem::new(LoginPasskeyOptionsCode::PasskeysUnavailable)),
        }
    }

    /// Log in with a passkey
    ///
    /// Takes what the authenticator has answered to the options. It says whose passkey it is, so that nobody types anything, and has made
    /// sure who holds it: that is both factors. Starts a session and sets the cookies of `login`.
    #[oai(path = "/passkey", method = "post", operation_id = "loginPasskey")]
    async fn login(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
        /// As in `login`.
        #[oai(name = "X-Doorward-Bind")]
        bind: Header<Option<String>>,
        passkey: Strict<PasskeyLogin>,
    ) -> Result<Response<SignedIn>, TypedProblem<LoginPasskeyCode>> {
        tokens.door.allow_passkey(Delivery::Cookies)?;
        let browser = session::Browser { binds: binds(bind.0.as_deref()), ..tokens.browser };
        let had_ticket = !browser.tickets.is_empty();
        match session::login_passkey(app, client.clone(), browser, passkey.0).await {
            Ok(issued) => {
                let reply = SignedIn::Ok(Json(Message::new(LOGGED_IN)));
                Ok(logged_in(reply, settings, &issued, (had_ticket, &tokens.strays)))
            }
            Err(PasskeyLoginError::Unavailable) => Err(TypedProblem::new(LoginPasskeyCode::PasskeysUnavailable)),
            Err(PasskeyLoginError::ChallengeExpired) => {
                Err(TypedProblem::new(LoginPasskeyCode::PasskeyChallengeExpired))
            }
            Err(PasskeyLoginError::Unknown) => Err(TypedProblem::new(LoginPasskeyCode::UnknownPasskey)),
            Err(PasskeyLoginError::Incorrect) => Err(TypedProblem::new(LoginPasskeyCode::IncorrectPasskey)),
            Err(PasskeyLoginError::EmailNotVerified) => Err(TypedProblem::new(LoginPasskeyCode::EmailNotVerified)),
            Err(PasskeyLoginError::Limited(limited)) => Err(limited.into()),
            Err(PasskeyLoginError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `loginPasskeyOptions` refuses.
    LoginPasskeyOptionsCode: ExactOriginRequired CrossSiteRequest TokenDeliveryRefused PasskeysUnavailable Overloaded DatabaseUnavailable
}

codes! {
    /// Why `loginPasskey` refuses.
    LoginPasskeyCode:
        MalformedJson UnknownPasskey IncorrectPasskey EmailNotVerified ExactOriginRequired CrossSiteRequest TokenDeliveryRefused
        PasskeysUnavailable PasskeyChallengeExpired PayloadTooLarge UnsupportedMediaType ValidationFailed TooManyAttempts Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
pub(in crate::api) enum Asked {
    /// What the browser needs.
    #[oai(
        status = 200,
        header(name = "Set-Cookie", ty = "String", description = "The challenge, for the answer to it.")
    )]
    Ok(Json<PasskeyRequestOptions>),
}

#[derive(ApiResponse)]
enum SignedIn {
    /// The session was started.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "String",
            description = "Those of `login`, and one that clears a ticket, where the browser has one."
        ),
        header(
            name = "Secure-Session-Registration",
            ty = "Option<String>",
            description = "To a page that knows bound sessions: how the browser can bind this one to its device."
        )
    )]
    Ok(Json<Message>),
}

/// A passkey.
#[derive(Object)]
#[oai(example)]
struct PasskeyLogin {
    /// What `PublicKeyCredential.toJSON()` gives.
    passkey: UsedCredential,
}

impl Example for PasskeyLogin {
    fn example() -> Self {
        Self { passkey: UsedCredential::example() }
    }
}

impl Body for PasskeyLogin {
    type Value = Assertion;

    fn read(fields: &mut Fields, _: &App) -> Option<Assertion> {
        assertion(fields, "passkey")
    }
}
