//! What is done by mail: asking for links, and saying that a notice tells of somebody else.

mod bodies;
mod email;
mod recovery;

pub use self::email::EmailApi;
use self::recovery::{Done, RecoveryLink};

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::Tag;
use super::body::{Body, Fields, Strict, rules};
use super::problem::{TypedProblem, codes};
use super::session::Tokens;
use super::types::{LINK_MAILED, Message, REPORTED};
use crate::api::data::Data;
use crate::domain::account::Email;
use crate::domain::mail::LinkToken;
use crate::service::factor::{self, FollowError};
use crate::service::mail::{self, AskError};
use crate::service::{App, Client};

/// Operations that send mail.
pub struct MailApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Account")]
impl MailApi {
    /// Forgot my password
    ///
    /// Mails a link that sets a new password, if an account has this address. The answer is the same, and takes as long, whether one has. One
    /// person gets a few such mails a day, whoever asks for them.
    #[oai(path = "/password/forgot", method = "post", operation_id = "forgotPassword")]
    async fn forgot(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        tokens: Tokens,
        forgot: Strict<ForgottenPassword>,
    ) -> Result<Accepted, TypedProblem<ForgotCode>> {
        match mail::forgot(app, client.clone(), forgot.0, &tokens.browser.device).await {
            Ok(()) => Ok(Accepted::Ok(Json(Message::new(LINK_MAILED)))),
            Err(AskError::Unavailable(_)) => Err(TypedProblem::new(ForgotCode::MailUnavailable)),
            Err(AskError::Limited(limited)) => Err(limited.into()),
            Err(AskError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// That was not me
    ///
    /// Takes the token of a link in a notice: ends every session of the account, and mails a link that sets a new password to where the
    /// notice went. The answer is the same whether the token was good.
    #[oai(path = "/not-me", method = "post", operation_id = "reportNotMe")]
    async fn not_me(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        report: Strict<Link>,
    ) -> Result<Accepted, TypedProblem<NotMeCode>> {
        match mail::not_me(app, client.clone(), report.0).await {
            Ok(()) | Err(AskError::Unavailable(_)) => Ok(Accepted::Ok(Json(Message::new(REPORTED)))),
            Err(AskError::Limited(limited)) => Err(limited.into()),
            Err(AskError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Follow a link about lost factors
    ///
    /// Takes the token of a link of `FACTOR_RECOVERY`. The first one begins the wait; those that are mailed at once and every day stop it,
    /// as does any login with a factor; the last one, after the wait, removes the account's factors and ends its sessions.
    #[oai(path = "/factor-recovery", method = "post", operation_id = "followFactorRecovery")]
    async fn follow_recovery(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        link: Strict<RecoveryLink>,
    ) -> Result<Done, TypedProblem<FollowCode>> {
        match factor::follow_recovery(app, client.clone(), link.0).await {
            Ok(followed) => Ok(Done::Ok(Json(followed.into()))),
            Err(FollowError::Invalid) => Err(TypedProblem::new(FollowCode::InvalidOrExpiredToken)),
            Err(FollowError::Limited(limited)) => Err(limited.into()),
            Err(FollowError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `followFactorRecovery` refuses.
    FollowCode:
        MalformedJson InvalidOrExpiredToken CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed TooManyAttempts
        Overloaded DatabaseUnavailable
}

codes! {
    /// Why `forgotPassword` refuses.
    ForgotCode:
        MalformedJson CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed TooManyAttempts Overloaded
        MailUnavailable DatabaseUnavailable
}

codes! {
    /// Why `reportNotMe` refuses.
    NotMeCode:
        MalformedJson CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed TooManyAttempts Overloaded
        DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Accepted {
    /// Taken. Whether anything comes of it is not told.
    #[oai(status = 202)]
    Ok(Json<Message>),
}

/// Who has forgotten their password.
#[derive(Object)]
#[oai(example)]
struct ForgottenPassword {
    /// The address of the account.
    #[oai(validator(max_length = 254))]
    email: String,
}

impl Example for ForgottenPassword {
    fn example() -> Self {
        Self { email: "user@example.com".into() }
    }
}

impl Body for ForgottenPassword {
    type Value = Email;

    fn read(fields: &mut Fields, _: &App) -> Option<Email> {
        rules::email(fields, "email")
    }
}

/// A link's token.
#[derive(Object)]
#[oai(example)]
struct Link {
    /// What stands behind `#token=` in the link.
    token: PasswordText,
}

impl Example for Link {
    fn example() -> Self {
        Self { token: PasswordText("n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0".into()) }
    }
}

impl Body for Link {
    /// None where it can't be one.
    type Value = Option<LinkToken>;

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        fields.required::<String>("token").map(|text| LinkToken::parse(&text))
    }
}
