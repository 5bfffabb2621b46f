//! Factors beside the password: set up, looked over, removed; and proving once more who asks.

mod bodies;
mod credential;
mod options;
mod passkeys;
mod reauthenticate;

pub use self::bodies::FactorList;
use self::bodies::RecoveryCodes;
pub(super) use self::bodies::{ConfirmedFactor, TotpCode, TotpEnrolment, revealed};
pub(super) use self::credential::{UsedCredential, assertion, optional_assertion};
pub(super) use self::options::{PasskeyCreationOptions, PasskeyRequestOptions};
pub use self::passkeys::PasskeyApi;
pub(super) use self::passkeys::{AddedPasskey, NewPasskey};
pub use self::reauthenticate::ReauthenticateApi;

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, OpenApi};

use super::Tag;
use super::body::Strict;
use super::problem::{TypedProblem, codes};
use super::session::{Caller, CallerCode, Desk, same_user, with_proof};
use crate::api::data::Data;
use crate::service::factor::{self, ConfirmError, RemoveError};
use crate::service::{App, Client};

/// Operations on the person's factors.
pub struct FactorApi;

#[OpenApi(prefix_path = "/api/auth/me", tag = "Tag::Account")]
impl FactorApi {
    /// My second factors
    ///
    /// What the account has beside its password. Nothing that could be proved with it.
    #[oai(path = "/factors", method = "get", operation_id = "listFactors")]
    async fn list(
        &self,
        Data(app): Data<&Arc<App>>,
        Caller(caller): Caller,
    ) -> Result<Factors, TypedProblem<CallerCode>> {
        Ok(Factors::Ok(Json(factor::list(app, &caller).await?.into())))
    }

    /// Set up an authenticator app
    ///
    /// Makes a new secret, which is shown this once, and waits ten minutes for a code of it: `confirmTotp`. An app that the account has
    /// counts until then. Where it is the account's first factor a code is mailed that `confirmTotp` wants too. Wants a recent proof of who asks: a login, or `reauthenticate`, in the last ten minutes.
    #[oai(path = "/totp", method = "post", operation_id = "enrolTotp")]
    async fn enrol(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
    ) -> Result<Enrolled, TypedProblem<EnrolCode>> {
        same_user(&caller, shown.0.as_deref())?;
        match factor::enrol_totp(app, &caller, client).await {
            Ok(enrolment) => Ok(Enrolled::Ok(Json(enrolment.into()))),
            Err(ConfirmError::Wanted(methods)) => Err(TypedProblem::reauthenticate(methods)),
            Err(ConfirmError::Limited(limited)) => Err(limited.into()),
            Err(ConfirmError::Failed(cause)) => Err(cause.into()),
            Err(
                ConfirmError::Gone
                | ConfirmError::Incorrect
                | ConfirmError::EnrolmentCode
                | ConfirmError::NothingPending,
            ) => Err(TypedProblem::new(EnrolCode::NotAuthenticated)),
        }
    }

    /// Confirm an authenticator app
    ///
    /// Takes a code of the secret that was shown last in this session. From then on a login asks for one. With the first factor the answer
    /// has recovery codes, shown this once, and the other sessions of the person end. Where mail is sent the first factor takes the code
    /// too that `enrolTotp` has mailed, which confirms the address: who knows the password alone can't make the account theirs.
    #[oai(path = "/totp/confirm", method = "post", operation_id = "confirmTotp")]
    async fn confirm(
        &self,
        desk: Desk,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        code: Strict<TotpCode>,
    ) -> Result<Response<Confirmed>, TypedProblem<ConfirmCode>> {
        same_user(&caller, shown.0.as_deref())?;
        let confirmed = match factor::confirm_totp(&desk.app, caller, desk.client, code.0).await {
            Ok(confirmed) => confirmed,
            Err(ConfirmError::Wanted(methods)) => return Err(TypedProblem::reauthenticate(methods)),
            Err(ConfirmError::Incorrect) => return Err(TypedProblem::new(ConfirmCode::IncorrectCode)),
            Err(ConfirmError::EnrolmentCode) => {
                return Err(TypedProblem::new(ConfirmCode::IncorrectEnrolmentCode));
            }
            Err(ConfirmError::NothingPending) => return Err(TypedProblem::new(ConfirmCode::NothingToConfirm)),
            Err(ConfirmError::Gone) => return Err(TypedProblem::new(ConfirmCode::NotAuthenticated)),
            Err(ConfirmError::Limited(limited)) => return Err(limited.into()),
            Err(ConfirmError::Failed(cause)) => return Err(cause.into()),
        };
        let recovery_codes = confirmed.recovery_codes.as_deref().map(revealed);
        Ok(with_proof(Confirmed::Ok(Json(ConfirmedFactor { recovery_codes })), &desk.settings, &confirmed.tokens))
    }

    /// Remove the authenticator app
    ///
    /// Where it was the last factor the password is enough from then on, and no recovery code is good any more. An account without one stays
    /// as it is. Wants a recent
    /// proof, which a recovery code gives too where the app is lost.
    #[oai(path = "/totp", method = "delete", operation_id = "removeTotp")]
    async fn remove(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
    ) -> Result<Removed, TypedProblem<RemoveCode>> {
        same_user(&caller, shown.0.as_deref())?;
        match factor::remove_totp(app, &caller, client.clone()).await {
            Ok(()) => Ok(Removed::Done),
            Err(RemoveError::Wanted(methods)) => Err(TypedProblem::reauthenticate(methods)),
            Err(RemoveError::LastFactor) => Err(TypedProblem::new(RemoveCode::LastFactor)),
            Err(RemoveError::Gone | RemoveError::NoFactor) => Err(TypedProblem::new(RemoveCode::NotAuthenticated)),
            Err(RemoveError::Limited(limited)) => Err(limited.into()),
            Err(RemoveError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Make new recovery codes
    ///
    /// Ten, each good once in the place of a code of the app, shown this once. None of the old ones is good any more. Wants a recent proof.
    #[oai(path = "/recovery-codes", method = "post", operation_id = "makeRecoveryCodes")]
    async fn recovery_codes(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
    ) -> Result<Made, TypedProblem<RecoveryCodesCode>> {
        same_user(&caller, shown.0.as_deref())?;
        match factor::new_recovery_codes(app, &caller, client.clone()).await {
            Ok(codes) => Ok(Made::Ok(Json(RecoveryCodes { recovery_codes: revealed(&codes) }))),
            Err(RemoveError::Wanted(methods)) => Err(TypedProblem::reauthenticate(methods)),
            Err(RemoveError::NoFactor) => Err(TypedProblem::new(RecoveryCodesCode::NoFactor)),
            Err(RemoveError::Gone | RemoveError::LastFactor) => {
                Err(TypedProblem::new(RecoveryCodesCode::NotAuthenticated))
            }
            Err(RemoveError::Limited(limited)) => Err(limited.into()),
            Err(RemoveError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `enrolTotp` refuses.
    EnrolCode: caller ReauthenticationRequired ExactOriginRequired CrossSiteRequest OtherUser TooManyAttempts
}

codes! {
    /// Why `confirmTotp` refuses.
    ConfirmCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest OtherUser NothingToConfirm PayloadTooLarge
        UnsupportedMediaType ValidationFailed IncorrectCode IncorrectEnrolmentCode TooManyAttempts
}

codes! {
    /// Why `removeTotp` refuses.
    RemoveCode: caller ReauthenticationRequired ExactOriginRequired CrossSiteRequest OtherUser LastFactor TooManyAttempts
}

codes! {
    /// Why `makeRecoveryCodes` refuses.
    RecoveryCodesCode: caller ReauthenticationRequired ExactOriginRequired CrossSiteRequest OtherUser NoFactor TooManyAttempts
}

#[derive(ApiResponse)]
enum Factors {
    /// What there is.
    #[oai(status = 200)]
    Ok(Json<FactorList>),
}

#[derive(ApiResponse)]
enum Enrolled {
    /// What the app needs.
    #[oai(status = 200)]
    Ok(Json<TotpEnrolment>),
}

#[derive(ApiResponse)]
enum Confirmed {
    /// The account has the app.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Two of them: the access token, which tells of both factors, and that it was proved just now who asks. \
                           None where the session's tokens come in bodies: the next refresh tells of both."
        )
    )]
    Ok(Json<ConfirmedFactor>),
}

#[derive(ApiResponse)]
enum Removed {
    /// The account has none.
    #[oai(status = 204)]
    Done,
}

#[derive(ApiResponse)]
enum Made {
    /// The new ones.
    #[oai(status = 200)]
    Ok(Json<RecoveryCodes>),
}
