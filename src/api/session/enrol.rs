//! Setting up a second factor on the way in, where everybody needs one.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, OpenApi};

use super::{Tokens, binds, with_tokens, without_ticket};
use crate::api::Tag;
use crate::api::body::Strict;
use crate::api::factor::{ConfirmedFactor, TotpCode, TotpEnrolment, revealed};
use crate::api::problem::{TypedProblem, codes};
use crate::config::cookies::Cookies;
use crate::service::session::{self, SecondFactorError};
use crate::service::{App, Client};

/// What follows on a right password that is not enough.
pub struct EnrolApi;

#[OpenApi(prefix_path = "/api/auth/login", tag = "Tag::Session")]
impl EnrolApi {
    /// Set up an authenticator app at login
    ///
    /// Goes on where `login` has answered `second_factor_enrolment_required`, with the ticket that it has set as a cookie. As `enrolTotp`.
    #[oai(path = "/totp", method = "post", operation_id = "loginEnrolTotp")]
    async fn enrol(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        tokens: Tokens,
    ) -> Result<Enrolled, TypedProblem<LoginEnrolCode>> {
        match session::enrol_at_login(app, client, &tokens.browser).await {
            Ok(enrolment) => Ok(Enrolled::Ok(Json(enrolment.into()))),
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
            Err(
                SecondFactorError::TicketExpired
                | SecondFactorError::Incorrect
                | SecondFactorError::ChallengeExpired
                | SecondFactorError::Unavailable,
            ) => Err(TypedProblem::new(LoginEnrolCode::LoginTicketExpired)),
        }
    }

    /// Confirm an authenticator app at login
    ///
    /// Takes a code of the secret that `loginEnrolTotp` has shown. The account has the app, the answer has its recovery codes, shown this
    /// once, and a session begins, with the cookies of `login`.
    #[oai(path = "/totp/confirm", method = "post", operation_id = "loginConfirmTotp")]
    async fn confirm(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
        /// As in `login`.
        #[oai(name = "X-Doorward-Bind")]
        bind: Header<Option<String>>,
        code: Strict<TotpCode>,
    ) -> Result<Response<Confirmed>, TypedProblem<LoginConfirmCode>> {
        let browser = session::Browser { binds: binds(bind.0.as_deref()), ..tokens.browser };
        match session::confirm_at_login(app, client.clone(), browser, code.0).await {
            Ok(enrolled) => {
                let body = ConfirmedFactor { recovery_codes: Some(revealed(&enrolled.recovery_codes)) };
                Ok(without_ticket(with_tokens(Confirmed::Ok(Json(body)), settings, &enrolled.tokens), settings, true))
            }
            Err(SecondFactorError::Incorrect) => Err(TypedProblem::new(LoginConfirmCode::IncorrectSecondFactor)),
            Err(
                SecondFactorError::TicketExpired | SecondFactorError::ChallengeExpired | SecondFactorError::Unavailable,
            ) => Err(TypedProblem::new(LoginConfirmCode::LoginTicketExpired)),
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `loginEnrolTotp` refuses.
    LoginEnrolCode: LoginTicketExpired CrossSiteRequest TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `loginConfirmTotp` refuses.
    LoginConfirmCode:
        MalformedJson IncorrectSecondFactor LoginTicketExpired CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed
        TooManyAttempts Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Enrolled {
    /// What the app needs.
    #[oai(status = 200)]
    Ok(Json<TotpEnrolment>),
}

#[derive(ApiResponse)]
enum Confirmed {
    /// The account has the app, and the session was started.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "String",
            description = "Five of them: those of `login`, and one that clears the ticket."
        ),
        header(
            name = "Secure-Session-Registration",
            ty = "Option<String>",
            description = "To a page that knows bound sessions: how the browser can bind this one to its device."
        )
    )]
    Ok(Json<ConfirmedFactor>),
}
