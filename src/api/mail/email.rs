//! The person's address: confirmed, changed, taken back.

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::Link;
use super::bodies::{EmailChange, EmailCorrection, EmailRestoration, EmailVerification};
use crate::api::Tag;
use crate::api::account::User;
use crate::api::body::{Strict, rules};
use crate::api::data::Data;
use crate::api::problem::{FieldCode, FieldProblem, TypedProblem, codes};
use crate::api::session::{Caller, Tokens, same_user};
use crate::api::types::{CHANGE_MAILED, EMAIL_RESTORED, EMAIL_VERIFIED, Message, VERIFICATION_MAILED};
use crate::service::mail::{self, AskError, ChangeEmailError, ConfirmError, CorrectError, RestoreError, VerifyError};
use crate::service::password::Proof;
use crate::service::session::{AuthError, authenticate};
use crate::service::{App, Client};

/// Operations on the person's address.
pub struct EmailApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Account")]
impl EmailApi {
    /// Mail me a link that confirms my address
    ///
    /// The same link again while it is good; none where the address is confirmed. A few a day.
    #[oai(path = "/email/verification", method = "post", operation_id = "sendVerification")]
    async fn send_verification(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
    ) -> Result<Mailed, TypedProblem<SendCode>> {
        match mail::send_verification(app, &caller, client.clone()).await {
            Ok(()) => Ok(Mailed::Ok(Json(Message::new(VERIFICATION_MAILED)))),
            Err(AskError::Unavailable(_)) => Err(TypedProblem::new(SendCode::MailUnavailable)),
            Err(AskError::Limited(limited)) => Err(limited.into()),
            Err(AskError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Confirm an address
    ///
    /// Takes the token of a link that confirms an address, or makes the account that somebody has asked for. Whoever is logged in to the
    /// account needs nothing else. Everybody else sets a password with it, and all sessions of the account end: so whoever registered
    /// somebody else's address does not keep it.
    #[oai(path = "/email/verify", method = "post", operation_id = "verifyEmail")]
    async fn verify(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        tokens: Tokens,
        verification: Strict<EmailVerification>,
    ) -> Result<Done, TypedProblem<VerifyCode>> {
        let caller = match authenticate(app, &tokens.access, &tokens.browser.refresh).await {
            Ok(caller) => Some(caller),
            Err(AuthError::Failed(cause)) => return Err(cause.into()),
            Err(_) => None,
        };
        let (token, new) = verification.0;
        match mail::verify(app, client.clone(), caller, token, new).await {
            Ok(()) => Ok(Done::Ok(Json(Message::new(EMAIL_VERIFIED)))),
            Err(VerifyError::Invalid) => Err(TypedProblem::new(VerifyCode::InvalidOrExpiredToken)),
            Err(VerifyError::PasswordRequired) => Err(TypedProblem::invalid(VerifyCode::ValidationFailed, needed())),
            Err(VerifyError::PasswordIsEmail) => {
                Err(TypedProblem::invalid(VerifyCode::ValidationFailed, rules::is_the_email("new_password")))
            }
            Err(VerifyError::Limited(limited)) => Err(limited.into()),
            Err(VerifyError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Change my address
    ///
    /// Mails a link to the new address, and a notice to the one that the person has, which stays until the link was used. Whether
    /// another account has the new one is not told. A few a day.
    #[oai(path = "/email/change", method = "post", operation_id = "changeEmail")]
    async fn change(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        change: Strict<EmailChange>,
    ) -> Result<Mailed, TypedProblem<ChangeCode>> {
        same_user(&caller, shown.0.as_deref())?;
        let (email, password) = change.0;
        let proof = Proof { caller, client: client.clone(), password };
        // Large, and seldom.
        match Box::pin(mail::change_email(app, proof, email)).await {
            Ok(()) => Ok(Mailed::Ok(Json(Message::new(CHANGE_MAILED)))),
            Err(ChangeEmailError::Unavailable(_)) => Err(TypedProblem::new(ChangeCode::MailUnavailable)),
            Err(ChangeEmailError::Same) => {
                let same = FieldProblem::new("email", FieldCode::Invalid, "Is your address already.");
                Err(TypedProblem::invalid(ChangeCode::ValidationFailed, same))
            }
            Err(ChangeEmailError::Proof(error)) => Err(error.into()),
        }
    }

    /// Correct my address
    ///
    /// For somebody who can't log in (`email_not_verified`) because the link that confirms their address goes to one whose mail they
    /// don't read. With the account's password, it mails such a link to another address; the link confirms that one, gives it to the account, and sets a
    /// password (`verifyEmail`). Whether another account has the address is not told. A few a day. `incorrect_credentials` also where there is
    /// nothing to correct: log in then.
    #[oai(path = "/email/correct", method = "post", operation_id = "correctEmail")]
    async fn correct(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        tokens: Tokens,
        correction: Strict<EmailCorrection>,
    ) -> Result<Mailed, TypedProblem<CorrectCode>> {
        let (credentials, new) = correction.0;
        // Large, and seldom.
        match Box::pin(mail::correct_email(app, client.clone(), credentials, new, &tokens.browser.device)).await {
            Ok(()) => Ok(Mailed::Ok(Json(Message::new(CHANGE_MAILED)))),
            Err(CorrectError::Unavailable(_)) => Err(TypedProblem::new(CorrectCode::MailUnavailable)),
            Err(CorrectError::Incorrect) => Err(TypedProblem::new(CorrectCode::IncorrectCredentials)),
            Err(CorrectError::Limited(limited)) => Err(limited.into()),
            Err(CorrectError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Confirm my new address
    ///
    /// Takes the token of the link that was mailed to the new address, by the person who asked for it. The former address is told;
    /// where it was confirmed it can take the account back for seven days, and nobody else may register it for thirty.
    #[oai(path = "/email/change/confirm", method = "post", operation_id = "confirmEmailChange")]
    async fn confirm(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
        link: Strict<Link>,
    ) -> Result<Changed, TypedProblem<ConfirmCode>> {
        match mail::confirm_email_change(app, &caller, client.clone(), link.0).await {
            Ok(user) => Ok(Changed::Ok(Json(user.into()))),
            Err(ConfirmError::Invalid) => Err(TypedProblem::new(ConfirmCode::InvalidOrExpiredToken)),
            Err(ConfirmError::EmailUnavailable) => Err(TypedProblem::new(ConfirmCode::EmailUnavailable)),
            Err(ConfirmError::Limited(limited)) => Err(limited.into()),
            Err(ConfirmError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Take my address back
    ///
    /// Takes the token of the link in the notice that an account has left an address: the account has it again, with a new password.
    /// All sessions end, and a deletion that waits is called off. It does not log in.
    #[oai(path = "/email/restore", method = "post", operation_id = "restoreEmail")]
    async fn restore(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        restoration: Strict<EmailRestoration>,
    ) -> Result<Done, TypedProblem<RestoreCode>> {
        let (token, new) = restoration.0;
        match mail::restore(app, client.clone(), token, new).await {
            Ok(()) => Ok(Done::Ok(Json(Message::new(EMAIL_RESTORED)))),
            Err(RestoreError::Invalid) => Err(TypedProblem::new(RestoreCode::InvalidOrExpiredToken)),
            Err(RestoreError::PasswordIsEmail) => {
                Err(TypedProblem::invalid(RestoreCode::ValidationFailed, rules::is_the_email("new_password")))
            }
            Err(RestoreError::Limited(limited)) => Err(limited.into()),
            Err(RestoreError::Failed(cause)) => Err(cause.into()),
        }
    }
}

fn needed() -> FieldProblem {
    FieldProblem::new("new_password", FieldCode::Required, "Is required where you are not logged in to the account.")
}

codes! {
    /// Why `sendVerification` refuses.
    SendCode: caller CrossSiteRequest TooManyAttempts MailUnavailable
}

codes! {
    /// Why `verifyEmail` refuses.
    VerifyCode:
        MalformedJson InvalidOrExpiredToken CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed
        TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `changeEmail` refuses.
    ChangeCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest OtherUser PayloadTooLarge UnsupportedMediaType ValidationFailed
        IncorrectCurrentPassword TooManyAttempts MailUnavailable
}

codes! {
    /// Why `correctEmail` refuses.
    CorrectCode:
        MalformedJson IncorrectCredentials CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed TooManyAttempts
        Overloaded MailUnavailable DatabaseUnavailable
}

codes! {
    /// Why `confirmEmailChange` refuses.
    ConfirmCode:
        caller MalformedJson InvalidOrExpiredToken CrossSiteRequest EmailUnavailable PayloadTooLarge UnsupportedMediaType
        ValidationFailed TooManyAttempts
}

codes! {
    /// Why `restoreEmail` refuses.
    RestoreCode:
        MalformedJson InvalidOrExpiredToken CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed
        TooManyAttempts Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Mailed {
    /// Taken; a mail says how it goes on.
    #[oai(status = 202)]
    Ok(Json<Message>),
}

#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 200)]
    Ok(Json<Message>),
}

#[derive(ApiResponse)]
enum Changed {
    /// The person as they are now.
    #[oai(status = 200)]
    Ok(Json<User>),
}
