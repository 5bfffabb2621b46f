//! A passkey as the first factor, on the way in, where everybody needs one.

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, OpenApi};

use super::{Tokens, binds, logged_in, with_ceremony};
use crate::api::Tag;
use crate::api::body::Strict;
use crate::api::data::Data;
use crate::api::factor::{AddedPasskey, NewPasskey, PasskeyCreationOptions};
use crate::api::problem::{Codes, TypedProblem, codes};
use crate::config::cookies::Cookies;
use crate::domain::session::Delivery;
use crate::service::factor::PasskeyError;
use crate::service::session::{self, EnrolPasskeyError, SecondFactorError};
use crate::service::{App, Client};

/// What follows on a right password that is not enough, by a passkey.
pub struct EnrolPasskeyApi;

#[OpenApi(prefix_path = "/api/auth/login", tag = "Tag::Session")]
impl EnrolPasskeyApi {
    /// Ask for a new passkey at login
    ///
    /// Goes on where `login` has answered `second_factor_enrolment_required`, with the ticket that it has set as a cookie. As
    /// `passkeyCreationOptions`; `loginAddPasskey` goes on with what the authenticator makes of it.
    #[oai(path = "/passkeys/options", method = "post", operation_id = "loginPasskeyCreationOptions")]
    async fn options(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
    ) -> Result<Response<Asked>, TypedProblem<LoginCreationOptionsCode>> {
        tokens.door.allow_passkey(Delivery::Cookies)?;
        let options = match session::passkey_options_at_login(app, client, &tokens.browser).await {
            Ok(options) => options,
            Err(EnrolPasskeyError::Passkey(PasskeyError::Unavailable)) => {
                return Err(TypedProblem::new(LoginCreationOptionsCode::PasskeysUnavailable));
            }
            Err(error) => return Err(common(error, LoginCreationOptionsCode::LoginTicketExpired)),
        };
        let cookie = options.cookie.clone();
        Ok(with_ceremony(Asked::Ok(Json(PasskeyCreationOptions::of(options))), settings, &cookie))
    }

    /// Add a passkey at login
    ///
    /// Takes what the authenticator has made of the options of `loginPasskeyCreationOptions`. The account has the passkey, the answer has
    /// its recovery codes, shown this once, and a session begins, with the cookies of `login`. Where mail is sent it takes the enrolment
    /// code too, as `addPasskey`.
    #[oai(path = "/passkeys", method = "post", operation_id = "loginAddPasskey")]
    async fn add(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
        /// As in `login`.
        #[oai(name = "X-Doorward-Bind")]
        bind: Header<Option<String>>,
        passkey: Strict<NewPasskey>,
    ) -> Result<Response<Added>, TypedProblem<LoginAddPasskeyCode>> {
        tokens.door.allow_passkey(Delivery::Cookies)?;
        let browser = session::Browser { binds: binds(bind.0.as_deref()), ..tokens.browser };
        match session::add_passkey_at_login(app, client.clone(), browser, passkey.0).await {
            Ok(added) => {
                let issued = added.tokens.clone();
                Ok(logged_in(Added::Ok(Json(added.into())), settings, &issued, (true, &tokens.strays)))
            }
            Err(EnrolPasskeyError::Passkey(PasskeyError::Unavailable)) => {
                Err(TypedProblem::new(LoginAddPasskeyCode::PasskeysUnavailable))
            }
            Err(EnrolPasskeyError::Passkey(PasskeyError::ChallengeExpired)) => {
                Err(TypedProblem::new(LoginAddPasskeyCode::PasskeyChallengeExpired))
            }
            Err(EnrolPasskeyError::Passkey(PasskeyError::Invalid)) => {
                Err(TypedProblem::new(LoginAddPasskeyCode::InvalidPasskey))
            }
            Err(EnrolPasskeyError::Passkey(PasskeyError::EnrolmentCode)) => {
                Err(TypedProblem::new(LoginAddPasskeyCode::IncorrectEnrolmentCode))
            }
            Err(error) => Err(common(error, LoginAddPasskeyCode::LoginTicketExpired)),
        }
    }
}

/// What both may answer. What is left can't happen, or means that the ticket is good no more.
fn common<C: Codes>(error: EnrolPasskeyError, expired: C) -> TypedProblem<C> {
    match error {
        EnrolPasskeyError::Passkey(PasskeyError::Limited(limited))
        | EnrolPasskeyError::Login(SecondFactorError::Limited(limited)) => limited.into(),
        EnrolPasskeyError::Passkey(PasskeyError::Failed(cause))
        | EnrolPasskeyError::Login(SecondFactorError::Failed(cause)) => cause.into(),
        EnrolPasskeyError::Passkey(_) | EnrolPasskeyError::Login(_) => TypedProblem::new(expired),
    }
}

codes! {
    /// Why `loginPasskeyCreationOptions` refuses.
    LoginCreationOptionsCode:
        LoginTicketExpired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused PasskeysUnavailable TooManyAttempts Overloaded
        DatabaseUnavailable
}

codes! {
    /// Why `loginAddPasskey` refuses.
    LoginAddPasskeyCode:
        MalformedJson LoginTicketExpired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused PasskeysUnavailable
        PasskeyChallengeExpired PayloadTooLarge UnsupportedMediaType ValidationFailed InvalidPasskey IncorrectEnrolmentCode
        TooManyAttempts Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Asked {
    /// What the browser needs.
    #[oai(
        status = 200,
        header(name = "Set-Cookie", ty = "String", description = "The challenge, for the answer to it.")
    )]
    Ok(Json<PasskeyCreationOptions>),
}

#[derive(ApiResponse)]
enum Added {
    /// The account has the passkey, and the session was started.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "String",
            description = "Six of them: those of `login`, and one that clears the ticket."
        ),
        header(
            name = "Secure-Session-Registration",
            ty = "Option<String>",
            description = "To a page that knows bound sessions: how the browser can bind this one to its device."
        )
    )]
    Ok(Json<AddedPasskey>),
}
