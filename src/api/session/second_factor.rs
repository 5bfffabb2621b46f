//! The second step of a login, and the codes in bodies.

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::delivery::Door;
use super::{Asked, Delivered, Tokens, binds, logged_in, with_ceremony};
use crate::api::Tag;
use crate::api::body::{Body, Fields, Strict};
use crate::api::data::Data;
use crate::api::factor::{PasskeyRequestOptions, UsedCredential, optional_assertion};
use crate::api::problem::{Codes, FieldCode, TypedProblem, codes};
use crate::api::types::LOGGED_IN;
use crate::config::cookies::Cookies;
use crate::domain::factor::{Code, RecoveryCode};
use crate::domain::session::Delivery;
use crate::service::factor::{Offered, PasskeyError};
use crate::service::session::{self, SecondFactorError};
use crate::service::{App, Client};

/// What follows on a right password.
pub struct SecondFactorApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Session")]
impl SecondFactorApi {
    /// Log in with a second factor
    ///
    /// Goes on where `login` has answered `second_factor_required`: with the ticket that it has set as a cookie, and a code of the
    /// authenticator app, a recovery code, or a passkey (`secondFactorPasskeyOptions`). Starts a session and sets the cookies of `login`. A code is good once, and so is the ticket; a
    /// wrong code leaves it as it is. A few wrong codes in a row, and no more are looked at for a while.
    ///
    /// A client that got the ticket in a body sends it in one, and gets the tokens so.
    #[oai(path = "/login/second-factor", method = "post", operation_id = "loginSecondFactor")]
    async fn second_factor(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
        /// As in `login`.
        #[oai(name = "X-Doorward-Bind")]
        bind: Header<Option<String>>,
        code: Strict<SecondFactor>,
    ) -> Result<Response<SignedIn>, TypedProblem<SecondFactorCode>> {
        let (offered, ticket) = code.0;
        let had_ticket = ticket.is_none();
        let browser = with_ticket(tokens.browser, tokens.door, ticket)?;
        let browser = session::Browser { binds: binds(bind.0.as_deref()), ..browser };
        match session::second_factor(app, client.clone(), browser, offered).await {
            Ok(signed_in) => {
                let message = match signed_in.few_codes {
                    Some(left) => format!("{LOGGED_IN}. You have {left} recovery codes left: make new ones."),
                    None => LOGGED_IN.to_owned(),
                };
                let body = Delivered::both(&message, &signed_in.tokens);
                Ok(logged_in(SignedIn::Ok(Json(body)), settings, &signed_in.tokens, (had_ticket, &tokens.strays)))
            }
            Err(SecondFactorError::TicketExpired | SecondFactorError::EnrolmentCode) => {
                Err(TypedProblem::new(SecondFactorCode::LoginTicketExpired))
            }
            Err(SecondFactorError::Incorrect) => Err(TypedProblem::new(SecondFactorCode::IncorrectSecondFactor)),
            Err(SecondFactorError::ChallengeExpired) => {
                Err(TypedProblem::new(SecondFactorCode::PasskeyChallengeExpired))
            }
            Err(SecondFactorError::Unavailable) => Err(TypedProblem::new(SecondFactorCode::FactorUnavailable)),
            Err(SecondFactorError::Limited(limited)) => Err(limited.into()),
            Err(SecondFactorError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Ask for a passkey as the second factor
    ///
    /// What `PublicKeyCredential.parseRequestOptionsFromJSON` takes, for the holder of a ticket of `login`, and a cookie with the
    /// challenge: `loginSecondFactor` takes the answer.
    #[oai(path = "/login/second-factor/options", method = "post", operation_id = "secondFactorPasskeyOptions")]
    async fn options(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
    ) -> Result<Response<Asked>, TypedProblem<SecondFactorOptionsCode>> {
        tokens.door.allow_passkey(Delivery::Cookies)?;
        let options = match session::second_factor_options(app, &tokens.browser).await {
            Ok(Ok(options)) => options,
            Ok(Err(PasskeyError::Failed(cause))) | Err(SecondFactorError::Failed(cause)) => return Err(cause.into()),
            Ok(Err(PasskeyError::NoFactor)) => return Err(TypedProblem::new(SecondFactorOptionsCode::NoFactor)),
            Ok(Err(_)) => return Err(TypedProblem::new(SecondFactorOptionsCode::PasskeysUnavailable)),
            Err(_) => return Err(TypedProblem::new(SecondFactorOptionsCode::LoginTicketExpired)),
        };
        let cookie = options.cookie.clone();
        Ok(with_ceremony(Asked::Ok(Json(PasskeyRequestOptions::of(options))), settings, &cookie))
    }
}

codes! {
    /// Why `secondFactorPasskeyOptions` refuses.
    SecondFactorOptionsCode:
        LoginTicketExpired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused PasskeysUnavailable NoFactor Overloaded DatabaseUnavailable
}

codes! {
    /// Why `loginSecondFactor` refuses.
    SecondFactorCode:
        MalformedJson IncorrectSecondFactor LoginTicketExpired CrossSiteRequest TokenDeliveryRefused PasskeyChallengeExpired PayloadTooLarge UnsupportedMediaType ValidationFailed
        TooManyAttempts FactorUnavailable Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum SignedIn {
    /// The session was started.
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
    Ok(Json<Delivered>),
}

/// What is held beside the password: one of the three.
#[derive(Object)]
#[oai(example)]
struct SecondFactor {
    /// Six digits, as the authenticator app shows them. Spaces are nothing.
    code: Option<PasswordText>,
    /// One of the codes that were shown when the app was set up. Spaces, hyphens and capitals are nothing.
    recovery_code: Option<PasswordText>,
    /// What `PublicKeyCredential.toJSON()` gives.
    passkey: Option<UsedCredential>,
    /// The ticket of a login with `token_delivery: body`.
    ticket: Option<PasswordText>,
}

impl Example for SecondFactor {
    fn example() -> Self {
        Self { code: Some(PasswordText("287082".into())), recovery_code: None, passkey: None, ticket: None }
    }
}

impl Body for SecondFactor {
    /// And the ticket, where it is not in a cookie.
    type Value = (Offered, Option<String>);

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let (offered, ticket) = (offered(fields), fields.optional::<String>("ticket"));
        Some((offered?, ticket?))
    }
}

/// What the client brings, where its ticket stands in the body: then the tokens will, too.
pub(super) fn with_ticket<C: Codes>(
    browser: session::Browser,
    door: Door,
    ticket: Option<String>,
) -> Result<session::Browser, TypedProblem<C>> {
    let Some(ticket) = ticket else { return Ok(browser) };
    door.allow(Delivery::Body)?;
    Ok(session::Browser { tickets: vec![ticket], delivery: Delivery::Body, ..browser })
}

/// One of `code`, `recovery_code` and `passkey`.
fn offered(fields: &mut Fields) -> Option<Offered> {
    let offered = optionally_offered(fields)?;
    if offered.is_none() {
        fields.refuse("code", FieldCode::Required, "Enter a code, or a recovery code, or use a passkey.");
    }
    offered
}

/// The same, or none of them.
#[expect(clippy::option_option, reason = "there is a problem; or there is none, and may be nothing")]
pub(in crate::api) fn optionally_offered(fields: &mut Fields) -> Option<Option<Offered>> {
    let code = fields.optional::<String>("code");
    let recovery_code = fields.optional::<String>("recovery_code");
    let passkey = optional_assertion(fields, "passkey");
    match (code?, recovery_code?, passkey?) {
        (None, None, None) => Some(None),
        (Some(code), None, None) => Some(Some(Offered::Code(Code::parse(&code)))),
        (None, Some(code), None) => Some(Some(Offered::RecoveryCode(RecoveryCode::parse(&code)))),
        (None, None, Some(assertion)) => Some(Some(Offered::Passkey(Box::new(assertion)))),
        (_, Some(_), _) => {
            fields.refuse("recovery_code", FieldCode::Invalid, "Enter one of them.");
            None
        }
        (_, None, _) => {
            fields.refuse("passkey", FieldCode::Invalid, "Enter one of them.");
            None
        }
    }
}
