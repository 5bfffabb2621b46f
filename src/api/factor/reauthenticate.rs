//! Proving once more who asks.

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::{PasskeyRequestOptions, UsedCredential};
use crate::api::Tag;
use crate::api::body::{Body, Fields, Strict};
use crate::api::problem::{FieldCode, TypedProblem, codes};
use crate::api::session::{Asked, Caller, Delivered, Desk, optionally_offered, same_user, with_ceremony, with_proof};
use crate::api::types::PROVED;
use crate::domain::password::Password;
use crate::service::App;
use crate::service::factor::{self, Offered, PasskeyError, ReauthenticateError, Reproof, Typed};

/// What is asked for before anything that a stolen session must not be enough for.
pub struct ReauthenticateApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Session")]
impl ReauthenticateApi {
    /// Prove once more that it is me
    ///
    /// Takes what a login would want now: the password, and where the account has a second factor a code of the app, a recovery code, or a
    /// passkey (`reauthenticatePasskeyOptions`); or a passkey alone, whose authenticator has made sure who holds it. For ten minutes the operations that answer `reauthentication_required` are open then, in this session and this browser. The new
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
        let Desk { app, client, settings, ceremonies, .. } = desk;
        match factor::reauthenticate(&app, Reproof { caller, client, password, offered, ceremonies }).await {
            Ok(tokens) => Ok(with_proof(Proved::Ok(Json(Delivered::access(PROVED, &tokens))), &settings, &tokens)),
            Err(ReauthenticateError::Wanted(methods)) => Err(TypedProblem::reauthenticate(methods)),
            Err(ReauthenticateError::IncorrectCode) => Err(TypedProblem::new(ReauthenticateCode::IncorrectCode)),
            Err(ReauthenticateError::IncorrectPasskey) => Err(TypedProblem::new(ReauthenticateCode::InvalidPasskey)),
            Err(ReauthenticateError::ChallengeExpired) => {
                Err(TypedProblem::new(ReauthenticateCode::PasskeyChallengeExpired))
            }
            Err(ReauthenticateError::Unavailable) => Err(TypedProblem::new(ReauthenticateCode::FactorUnavailable)),
            Err(ReauthenticateError::Proof(error)) => Err(error.into()),
        }
    }

    /// Ask for a passkey that proves once more that it is me
    ///
    /// What `PublicKeyCredential.parseRequestOptionsFromJSON` takes, and a cookie with the challenge: `reauthenticate` takes the answer.
    #[oai(path = "/reauthenticate/options", method = "post", operation_id = "reauthenticatePasskeyOptions")]
    async fn options(
        &self,
        desk: Desk,
        Caller(caller): Caller,
    ) -> Result<Response<Asked>, TypedProblem<ReauthenticateOptionsCode>> {
        desk.door.allow_passkey(caller.session.delivery)?;
        match factor::reproof_options(&desk.app, &caller, &desk.ceremonies).await {
            Ok(options) => {
                let cookie = options.cookie.clone();
                Ok(with_ceremony(Asked::Ok(Json(PasskeyRequestOptions::of(options))), &desk.settings, &cookie))
            }
            Err(PasskeyError::Failed(cause)) => Err(cause.into()),
            Err(PasskeyError::NoFactor) => Err(TypedProblem::new(ReauthenticateOptionsCode::NoFactor)),
            Err(_) => Err(TypedProblem::new(ReauthenticateOptionsCode::PasskeysUnavailable)),
        }
    }
}

codes! {
    /// Why `reauthenticatePasskeyOptions` refuses.
    ReauthenticateOptionsCode: caller ExactOriginRequired CrossSiteRequest TokenDeliveryRefused PasskeysUnavailable NoFactor
}

codes! {
    /// Why `reauthenticate` refuses.
    ReauthenticateCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused OtherUser PasskeyChallengeExpired
        PayloadTooLarge UnsupportedMediaType ValidationFailed IncorrectCurrentPassword IncorrectCode InvalidPasskey TooManyAttempts
        FactorUnavailable
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
    /// The password that the person has now; not needed beside a passkey.
    password: Option<PasswordText>,
    /// As in `loginSecondFactor`.
    code: Option<PasswordText>,
    /// As in `loginSecondFactor`.
    recovery_code: Option<PasswordText>,
    /// As in `loginSecondFactor`.
    passkey: Option<UsedCredential>,
}

impl Example for Reauthentication {
    fn example() -> Self {
        Self {
            password: Some(PasswordText("SecurePass123".into())),
            code: Some(PasswordText("287082".into())),
            recovery_code: None,
            passkey: None,
        }
    }
}

impl Body for Reauthentication {
    /// The password is none where it is not shown.
    type Value = (Option<Typed>, Option<Offered>);

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let password = fields.optional::<String>("password");
        let offered = optionally_offered(fields);
        let (password, offered) = (password?, offered?);
        if password.is_none() && !matches!(offered, Some(Offered::Passkey(_))) {
            fields.refuse("password", FieldCode::Required, "Is required.");
        }
        Some((password.map(|password| Typed(Password::parse(password).ok())), offered))
    }
}
