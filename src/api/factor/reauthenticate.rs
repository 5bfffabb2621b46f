//! Proving once more who asks.

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::api::Tag;
use crate::api::body::{Body, Fields, Strict};
use crate::api::problem::{TypedProblem, codes};
use crate::api::session::{Caller, Delivered, Desk, optionally_offered, same_user, with_proof};
use crate::api::types::PROVED;
use crate::domain::password::Password;
use crate::service::App;
use crate::service::factor::{self, Offered, ReauthenticateError, Reproof};
use crate::service::password::Proof as PasswordProof;

/// What is asked for before anything that a stolen session must not be enough for.
pub struct ReauthenticateApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Session")]
impl ReauthenticateApi {
    /// Prove once more that it is me
    ///
    /// Takes what a login would want now: the password, and where the account has a second factor a code of the app or a recovery code.
    /// For ten minutes the operations that answer `reauthentication_required` are open then, in this session and this browser. The new
    /// access token tells it: `auth_time`, `amr`.
    #[oai(path = "/reauthenticate", method = "post", operation_id = "reauthenticate")]
    async fn reauthenticate(
        &self,
        desk: Desk,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        proof: Strict<Reauthentication>,
    ) -> Result<Response<Proved>, TypedProblem<ReauthenticateCode>> {
        same_user(&caller, shown.0.as_deref())?;
        desk.door.allow(caller.session.delivery)?;
        let (password, offered) = proof.0;
        let password = PasswordProof { caller, client: desk.client, password };
        match factor::reauthenticate(&desk.app, Reproof { password, offered }).await {
            Ok(tokens) => Ok(with_proof(Proved::Ok(Json(Delivered::access(PROVED, &tokens))), &desk.settings, &tokens)),
            Err(ReauthenticateError::Wanted(methods)) => Err(TypedProblem::reauthenticate(methods)),
            Err(ReauthenticateError::IncorrectCode) => Err(TypedProblem::new(ReauthenticateCode::IncorrectCode)),
            Err(ReauthenticateError::Unavailable) => Err(TypedProblem::new(ReauthenticateCode::FactorUnavailable)),
            Err(ReauthenticateError::Proof(error)) => Err(error.into()),
        }
    }
}

codes! {
    /// Why `reauthenticate` refuses.
    ReauthenticateCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused OtherUser PayloadTooLarge UnsupportedMediaType
        ValidationFailed IncorrectCurrentPassword IncorrectCode TooManyAttempts FactorUnavailable
}

#[derive(ApiResponse)]
enum Proved {
    /// It was proved.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Two of them: the access token, and that it was proved just now who asks. None where the session's tokens come in bodies."
        )
    )]
    Ok(Json<Delivered>),
}

/// What shows that it is really the person.
#[derive(Object)]
#[oai(example)]
struct Reauthentication {
    /// The password that the person has now.
    password: PasswordText,
    /// As in `loginSecondFactor`.
    code: Option<PasswordText>,
    /// As in `loginSecondFactor`.
    recovery_code: Option<PasswordText>,
}

impl Example for Reauthentication {
    fn example() -> Self {
        Self {
            password: PasswordText("SecurePass123".into()),
            code: Some(PasswordText("287082".into())),
            recovery_code: None,
        }
    }
}

impl Body for Reauthentication {
    /// The password is none where no account can have it.
    type Value = (Option<Password>, Option<Offered>);

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let password = fields.required::<String>("password");
        let offered = optionally_offered(fields);
        Some((Password::parse(password?).ok(), offered?))
    }
}
