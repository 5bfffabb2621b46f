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
use crate::api::types::{Message, RECOVERY_MAILED};
use crate::config::cookies::Cookies;
use crate::service::session::{self, AskRecoveryError, SecondFactorError};
use crate::service::{App, Client};

/// What follows on a right password that is not enough.
pub struct EnrolApi;

#[OpenApi(prefix_path = "/api/auth/login", tag = "Tag::Session")]
impl EnrolApi {
    /// I have lost my second factor
    ///
    /// Goes on where `login` has answered `second_factor_required`, with the ticket that it has set as a cookie. Where `FACTOR_RECOVERY`
    /// is a wait it mails a link to the account's address, which `followFactorRecovery` takes. Else an operator removes lost factors.
    #[oai(path = "/recovery", method = "post", operation_id = "askFactorRecovery")]
    async fn ask_recovery(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        tokens: Tokens,
    ) -> Result<Asked, TypedProblem<AskRecoveryCode>> {
        match session::ask_recovery(app, client, &tokens.browser).await {
            Ok(()) => Ok(Asked::Ok(Json(Message::new(RECOVERY_MAILED)))),
            Err(AskRecoveryError::Operator) => Err(TypedProblem::new(AskRecoveryCode::RecoveryByOperator)),
            Err(AskRecoveryError::Login(SecondFactorError::Limited(limited))) => Err(limited.into()),
            Err(AskRecoveryError::Login(SecondFactorError::Failed(cause))) => Err(cause.into()),
            Err(AskRecoveryError::Login(_)) => Err(TypedProblem::new(AskRecoveryCode::LoginTicketExpired)),
        }
    }

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
                | SecondFactorError::EnrolmentCode
                | SecondFactorError::Unavailable,
            ) => Err(TypedProblem::new(LoginEnrolCode::LoginTicketExpired)),
        }
    }

    /// Confirm an authenticator app at login
    ///
    /// Takes a code of the secret that `loginEnrolTotp` has shown. The account has the app, the answer has its recovery codes, shown this
    /// once, and a session begins, with the cookies of `login`. Where mail is sent it takes the enrolment code too, as `confirmTotp`.
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
            Err(SecondFactorError::EnrolmentCode) => Err(TypedProblem::new(LoginConfirmCode::IncorrectEnrolmentCode)),
            Err(SecondFactorError::TicketExpired | SecondFactorError::Unavailable) => {
                Err(TypedProblem::new(LoginConfirmCode::LoginTicketExpired))
            }
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `askFactorRecovery` refuses.
    AskRecoveryCode: LoginTicketExpired CrossSiteRequest RecoveryByOperator TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `loginEnrolTotp` refuses.
    LoginEnrolCode: LoginTicketExpired CrossSiteRequest TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `loginConfirmTotp` refuses.
    LoginConfirmCode:
        MalformedJson IncorrectSecondFactor LoginTicketExpired CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed
        IncorrectEnrolmentCode TooManyAttempts Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Asked {
    /// A mail is on its way.
    #[oai(status = 202)]
    Ok(Json<Message>),
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
