//! Setting up a second factor on the way in, where everybody needs one.

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::delivery::InBody;
use super::second_factor::with_ticket;
use super::{Tokens, binds, logged_in};
use crate::api::Tag;
use crate::api::body::{Body, Fields, IfJson, Strict};
use crate::api::data::Data;
use crate::api::factor::{TotpCode, TotpEnrolment, revealed};
use crate::api::problem::{TypedProblem, codes};
use crate::api::types::{Message, RECOVERY_MAILED};
use crate::config::cookies::Cookies;
use crate::service::factor::Confirmation;
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
        ticket: IfJson<LoginTicket>,
    ) -> Result<Asked, TypedProblem<AskRecoveryCode>> {
        let browser = with_ticket(tokens.browser, tokens.door, ticket.0)?;
        match session::ask_recovery(app, client, &browser).await {
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
        ticket: IfJson<LoginTicket>,
    ) -> Result<Enrolled, TypedProblem<LoginEnrolCode>> {
        let browser = with_ticket(tokens.browser, tokens.door, ticket.0)?;
        match session::enrol_at_login(app, client, &browser).await {
            Ok(enrolment) => Ok(Enrolled::Ok(Json(enrolment.into()))),
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
            Err(
                SecondFactorError::TicketExpired
                | SecondFactorError::Incorrect
                | SecondFactorError::ChallengeExpired
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
        code: Strict<LoginTotpCode>,
    ) -> Result<Response<Confirmed>, TypedProblem<LoginConfirmCode>> {
        let (code, ticket) = code.0;
        let had_ticket = ticket.is_none();
        let browser = with_ticket(tokens.browser, tokens.door, ticket)?;
        let browser = session::Browser { binds: binds(bind.0.as_deref()), ..browser };
        match session::confirm_at_login(app, client.clone(), browser, code).await {
            Ok(enrolled) => {
                let issued = &enrolled.tokens;
                let recovery_codes = Some(revealed(&enrolled.recovery_codes));
                let body = ConfirmedAtLogin { recovery_codes, tokens: InBody::both(issued) };
                Ok(logged_in(Confirmed::Ok(Json(body)), settings, issued, (had_ticket, &tokens.strays)))
            }
            Err(SecondFactorError::Incorrect) => Err(TypedProblem::new(LoginConfirmCode::IncorrectSecondFactor)),
            Err(SecondFactorError::EnrolmentCode) => Err(TypedProblem::new(LoginConfirmCode::IncorrectEnrolmentCode)),
            Err(
                SecondFactorError::TicketExpired | SecondFactorError::ChallengeExpired | SecondFactorError::Unavailable,
            ) => Err(TypedProblem::new(LoginConfirmCode::LoginTicketExpired)),
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `askFactorRecovery` refuses.
    AskRecoveryCode: MalformedJson LoginTicketExpired CrossSiteRequest TokenDeliveryRefused RecoveryByOperator PayloadTooLarge
        ValidationFailed TooManyAttempts Overloaded DatabaseUnavailable
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

/// Who has proved the password, where that is not in a cookie.
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
    /// Where `wants_enrolment_code` is true: the code that was mailed, or that an operator has given. Spaces, hyphens and capitals are
    /// nothing.
    enrolment_code: Option<PasswordText>,
    /// The ticket of a login with `token_delivery: body`.
    ticket: Option<PasswordText>,
}

impl Example for LoginTotpCode {
    fn example() -> Self {
        let enrolment_code = Some(PasswordText("7k3m-p2xd".into()));
        Self { code: PasswordText("287082".into()), enrolment_code, ticket: None }
    }
}

impl Body for LoginTotpCode {
    /// And the ticket, where it is not in a cookie.
    type Value = (Confirmation, Option<String>);

    fn read(fields: &mut Fields, app: &App) -> Option<Self::Value> {
        let (confirmation, ticket) = (TotpCode::read(fields, app), fields.optional::<String>("ticket"));
        Some((confirmation?, ticket?))
    }
}
