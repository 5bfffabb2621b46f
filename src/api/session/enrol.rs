//! Setting up a second factor on the way in, where everybody needs one.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::delivery::InBody;
use super::second_factor::with_ticket;
use super::{Tokens, binds, with_tokens, without_ticket};
use crate::api::Tag;
use crate::api::body::{Body, Fields, IfJson, Strict};
use crate::api::factor::{TotpEnrolment, revealed};
use crate::api::problem::{TypedProblem, codes};
use crate::config::cookies::Cookies;
use crate::domain::factor::Code;
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
        ticket: IfJson<LoginTicket>,
    ) -> Result<Enrolled, TypedProblem<LoginEnrolCode>> {
        let browser = with_ticket(tokens.browser, tokens.door, ticket.0)?;
        match session::enrol_at_login(app, client, &browser).await {
            Ok(enrolment) => Ok(Enrolled::Ok(Json(enrolment.into()))),
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
            Err(SecondFactorError::TicketExpired | SecondFactorError::Incorrect | SecondFactorError::Unavailable) => {
                Err(TypedProblem::new(LoginEnrolCode::LoginTicketExpired))
            }
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
        code: Strict<LoginTotpCode>,
    ) -> Result<Response<Confirmed>, TypedProblem<LoginConfirmCode>> {
        let (code, ticket) = code.0;
        let had_ticket = ticket.is_none();
        let browser = with_ticket(tokens.browser, tokens.door, ticket)?;
        let browser = session::Browser { binds: binds(bind.0.as_deref()), ..browser };
        match session::confirm_at_login(app, client.clone(), browser, code).await {
            Ok(enrolled) => {
                let tokens = &enrolled.tokens;
                let recovery_codes = Some(revealed(&enrolled.recovery_codes));
                let body = ConfirmedAtLogin { recovery_codes, tokens: InBody::both(tokens) };
                Ok(without_ticket(with_tokens(Confirmed::Ok(Json(body)), settings, tokens), settings, had_ticket))
            }
            Err(SecondFactorError::Incorrect) => Err(TypedProblem::new(LoginConfirmCode::IncorrectSecondFactor)),
            Err(SecondFactorError::TicketExpired | SecondFactorError::Unavailable) => {
                Err(TypedProblem::new(LoginConfirmCode::LoginTicketExpired))
            }
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `loginEnrolTotp` refuses.
    LoginEnrolCode: MalformedJson LoginTicketExpired CrossSiteRequest TokenDeliveryRefused PayloadTooLarge
        ValidationFailed TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `loginConfirmTotp` refuses.
    LoginConfirmCode:
        MalformedJson IncorrectSecondFactor LoginTicketExpired CrossSiteRequest TokenDeliveryRefused PayloadTooLarge UnsupportedMediaType ValidationFailed
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
            ty = "Option<String>",
            description = "Six of them: those of `login`, and one that clears the ticket. None where the tokens are in the body."
        ),
        header(
            name = "Secure-Session-Registration",
            ty = "Option<String>",
            description = "To a page that knows bound sessions: how the browser can bind this one to its device."
        )
    )]
    Ok(Json<ConfirmedAtLogin>),
}

/// What came with the app.
#[derive(Debug, Object)]
#[oai(example)]
struct ConfirmedAtLogin {
    /// The recovery codes.
    recovery_codes: Option<Vec<String>>,
    #[oai(flatten)]
    tokens: InBody,
}

impl Example for ConfirmedAtLogin {
    fn example() -> Self {
        Self { recovery_codes: Some(vec!["0rgv-7n3k-p2xd-8c5q".into()]), tokens: InBody::default() }
    }
}

/// Who sets up an app, where that is not in a cookie.
#[derive(Object)]
#[oai(example)]
struct LoginTicket {
    /// The ticket of a login with `token_delivery: body`.
    ticket: Option<PasswordText>,
}

impl Example for LoginTicket {
    /// Of a page, which has it in a cookie.
    fn example() -> Self {
        Self { ticket: None }
    }
}

impl Body for LoginTicket {
    type Value = Option<String>;

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        fields.optional::<String>("ticket")
    }
}

/// A code of the app that is set up at login.
#[derive(Object)]
#[oai(example)]
struct LoginTotpCode {
    /// Six digits, as the app shows them. Spaces are nothing.
    code: PasswordText,
    /// The ticket of a login with `token_delivery: body`.
    ticket: Option<PasswordText>,
}

impl Example for LoginTotpCode {
    fn example() -> Self {
        Self { code: PasswordText("287082".into()), ticket: None }
    }
}

impl Body for LoginTotpCode {
    /// None where it can't be a code; and the ticket, where it is not in a cookie.
    type Value = (Option<Code>, Option<String>);

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let (code, ticket) = (fields.required::<String>("code"), fields.optional::<String>("ticket"));
        Some((Code::parse(&code?), ticket?))
    }
}
