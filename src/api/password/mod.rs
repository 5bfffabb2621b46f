//! Setting another password: by the person, or by a reset token.

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::Tag;
use super::body::{Body, Fields, Strict, rules};
use super::problem::{TypedProblem, codes};
use super::session::{Caller, Delivered, Desk, binds, same_user, with_tokens};
use super::types::{Message, PASSWORD_CHANGED};
use crate::api::data::Data;
use crate::domain::mail::LinkToken;
use crate::domain::password::{Password, PasswordPolicy};
use crate::service::password::{self, Proof, ResetError};
use crate::service::{App, Client};

/// Operations on the person's password.
pub struct PasswordApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Account")]
impl PasswordApi {
    /// Change my password
    ///
    /// Ends all sessions of the person, the asking one too, because somebody may have copied its cookies; and sets the cookies of a
    /// new one, which lives no longer than the asking one would have. Wrong current passwords are throttled by account. Where the account has
    /// a second factor it wants a recent proof of both: `reauthenticate`.
    #[oai(path = "/password", method = "post", operation_id = "changePassword")]
    async fn change(
        &self,
        desk: Desk,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        /// As in `login`.
        #[oai(name = "X-Doorward-Bind")]
        bind: Header<Option<String>>,
        change: Strict<PasswordChange>,
    ) -> Result<Response<Changed>, TypedProblem<ChangeCode>> {
        same_user(&caller, shown.0.as_deref())?;
        desk.door.allow(caller.session.delivery)?;
        let (current, new) = change.0;
        // The door knows no account: this rule is the only one that needs the person.
        if new.reveal().eq_ignore_ascii_case(caller.user.email.as_str()) {
            return Err(TypedProblem::invalid(ChangeCode::ValidationFailed, rules::is_the_email("new_password")));
        }
        let proof = Proof { caller, client: desk.client, password: current };
        match password::change(&desk.app, proof, new, binds(bind.0.as_deref())).await {
            Ok(tokens) => {
                let body = Delivered::both(PASSWORD_CHANGED, &tokens);
                Ok(with_tokens(Changed::Ok(Json(body)), &desk.settings, &tokens))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reset a password
    ///
    /// Sets a new password with the token of a reset link, which works once, and ends all sessions of the person. It does not log in.
    #[oai(path = "/password/reset", method = "post", operation_id = "resetPassword")]
    async fn reset(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        reset: Strict<PasswordReset>,
    ) -> Result<WasReset, TypedProblem<ResetCode>> {
        let (token, new) = reset.0;
        match password::reset(app, client.clone(), token, new).await {
            Ok(()) => Ok(WasReset::Ok(Json(Message::new(PASSWORD_CHANGED)))),
            Err(ResetError::PasswordIsEmail) => {
                Err(TypedProblem::invalid(ResetCode::ValidationFailed, rules::is_the_email("new_password")))
            }
            Err(ResetError::Invalid) => Err(TypedProblem::new(ResetCode::InvalidOrExpiredToken)),
            Err(ResetError::Limited(limited)) => Err(limited.into()),
            Err(ResetError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `changePassword` refuses.
    ChangeCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused OtherUser PayloadTooLarge UnsupportedMediaType ValidationFailed
        IncorrectCurrentPassword TooManyAttempts
}

codes! {
    /// Why `resetPassword` refuses.
    ResetCode:
        MalformedJson InvalidOrExpiredToken CrossSiteRequest PayloadTooLarge UnsupportedMediaType ValidationFailed
        TooManyAttempts Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Changed {
    /// The password was set, all sessions have ended, and a new one has begun.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Three of them: the access token, the refresh token, and the hint. None where the session's tokens come in bodies."
        ),
        header(
            name = "Secure-Session-Registration",
            ty = "Option<String>",
            description = "To a page that knows bound sessions: how the browser can bind this one to its device."
        )
    )]
    Ok(Json<Delivered>),
}

#[derive(ApiResponse)]
enum WasReset {
    /// The password was set, and all sessions have ended.
    #[oai(status = 200)]
    Ok(Json<Message>),
}

/// The password that is, and the one that shall be.
#[derive(Object)]
#[oai(example)]
struct PasswordChange {
    /// The password that the person has now.
    current_password: PasswordText,
    /// At least 8 characters and at most 71 bytes in UTF-8, with an upper-case letter, a lower-case letter and a digit; neither the
    /// email nor a common password.
    #[oai(validator(min_length = 8, max_length = 71))]
    new_password: PasswordText,
}

impl Example for PasswordChange {
    fn example() -> Self {
        Self {
            current_password: PasswordText("SecurePass123".into()),
            new_password: PasswordText("EvenMoreSecure456".into()),
        }
    }
}

impl Body for PasswordChange {
    /// The current one is none where no account can have it.
    type Value = (Option<Password>, Password);

    fn read(fields: &mut Fields, app: &App) -> Option<Self::Value> {
        let current = fields.required::<String>("current_password");
        let new = rules::new_password(fields, "new_password", policy(app), None);
        Some((Password::parse(current?).ok(), new?))
    }
}

/// A reset token, and the password that shall be.
#[derive(Object)]
#[oai(example)]
struct PasswordReset {
    /// What stands behind `#token=` in the reset link.
    token: PasswordText,
    /// As in `changePassword`.
    #[oai(validator(min_length = 8, max_length = 71))]
    new_password: PasswordText,
}

impl Example for PasswordReset {
    fn example() -> Self {
        Self {
            token: PasswordText("n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0".into()),
            new_password: PasswordText("EvenMoreSecure456".into()),
        }
    }
}

impl Body for PasswordReset {
    /// The token is none where it can't be one.
    type Value = (Option<LinkToken>, Password);

    fn read(fields: &mut Fields, app: &App) -> Option<Self::Value> {
        let token = fields.required::<String>("token");
        let new = rules::new_password(fields, "new_password", policy(app), None);
        Some((LinkToken::parse(&token?), new?))
    }
}

fn policy(app: &App) -> PasswordPolicy {
    PasswordPolicy { composition: app.password.policy.composition }
}
