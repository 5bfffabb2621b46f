//! The person's passkeys: added, named, removed.

use poem_openapi::param::{Header, Path};
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::bodies::{PasskeyFactor, revealed};
use super::credential::{NewCredential, attestation};
use super::options::PasskeyCreationOptions;
use crate::api::Tag;
use crate::api::body::{Body, Fields, Strict};
use crate::api::problem::{Codes, FieldCode, TypedProblem, codes};
use crate::api::session::{Caller, Desk, same_user, with_ceremony, with_proof};
use crate::domain::factor::{EnrolmentCode, PasskeyId, PasskeyName};
use crate::domain::timestamp::Timestamp;
use crate::service::App;
use crate::service::factor::{self, NewPasskey as NewPasskeyOf, PasskeyError};

/// Operations on the person's passkeys.
pub struct PasskeyApi;

#[OpenApi(prefix_path = "/api/auth/me", tag = "Tag::Account")]
impl PasskeyApi {
    /// Ask for a new passkey
    ///
    /// What `PublicKeyCredential.parseCreationOptionsFromJSON` takes, and a cookie with the challenge, which is good for ten minutes:
    /// `addPasskey` goes on with that. Wants a recent proof of who asks. Where it will be the first factor, and mail is set up, a code is
    /// mailed to the person.
    #[oai(path = "/passkeys/options", method = "post", operation_id = "passkeyCreationOptions")]
    async fn options(
        &self,
        desk: Desk,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
    ) -> Result<Response<Asked>, TypedProblem<OptionsCode>> {
        same_user(&caller, shown.0.as_deref())?;
        desk.door.allow_passkey(caller.session.delivery)?;
        let options = match factor::passkey_options(&desk.app, &caller, &desk.client, &desk.ceremonies).await {
            Ok(options) => options,
            Err(PasskeyError::Unavailable) => return Err(TypedProblem::new(OptionsCode::PasskeysUnavailable)),
            Err(PasskeyError::TooMany) => return Err(TypedProblem::new(OptionsCode::TooManyPasskeys)),
            Err(error) => return Err(common(error, OptionsCode::NotAuthenticated)),
        };
        let cookie = options.cookie.clone();
        Ok(with_ceremony(Asked::Ok(Json(PasskeyCreationOptions::of(options))), &desk.settings, &cookie))
    }

    /// Add a passkey
    ///
    /// Takes what the authenticator has made of the options of this session. From then on the passkey alone logs in, and the password is
    /// one of two. With the first factor the answer has recovery codes, shown this once, and the other sessions of the person end; and where mail
    /// is set up it takes the code that `passkeyCreationOptions` has mailed: the same passkey may be sent once more with it.
    #[oai(path = "/passkeys", method = "post", operation_id = "addPasskey")]
    async fn add(
        &self,
        desk: Desk,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        passkey: Strict<NewPasskey>,
    ) -> Result<Response<Added>, TypedProblem<AddCode>> {
        same_user(&caller, shown.0.as_deref())?;
        desk.door.allow_passkey(caller.session.delivery)?;
        let asking = (desk.client, desk.ceremonies.as_slice());
        let added = match factor::add_passkey(&desk.app, caller, asking, passkey.0).await {
            Ok(added) => added,
            Err(PasskeyError::Unavailable) => return Err(TypedProblem::new(AddCode::PasskeysUnavailable)),
            Err(PasskeyError::TooMany) => return Err(TypedProblem::new(AddCode::TooManyPasskeys)),
            Err(PasskeyError::ChallengeExpired) => return Err(TypedProblem::new(AddCode::PasskeyChallengeExpired)),
            Err(PasskeyError::Invalid) => return Err(TypedProblem::new(AddCode::InvalidPasskey)),
            Err(PasskeyError::EnrolmentCode) => return Err(TypedProblem::new(AddCode::IncorrectEnrolmentCode)),
            Err(error) => return Err(common(error, AddCode::NotAuthenticated)),
        };
        let tokens = added.tokens.clone();
        Ok(with_proof(Added::Ok(Json(added.into())), &desk.settings, &tokens))
    }

    /// Name a passkey
    ///
    /// Wants a recent proof.
    #[oai(path = "/passkeys/:id", method = "patch", operation_id = "renamePasskey")]
    async fn rename(
        &self,
        desk: Desk,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        /// As `listFactors` tells it.
        id: Path<String>,
        name: Strict<NewName>,
    ) -> Result<Renamed, TypedProblem<RenameCode>> {
        same_user(&caller, shown.0.as_deref())?;
        let not_found = || TypedProblem::new(RenameCode::PasskeyNotFound);
        let id = PasskeyId::parse(&id.0).ok_or_else(not_found)?;
        match factor::rename_passkey(&desk.app, &caller, &desk.client, id, name.0).await {
            Ok(passkey) => Ok(Renamed::Ok(Json(passkey.into()))),
            Err(PasskeyError::NotFound) => Err(not_found()),
            Err(error) => Err(common(error, RenameCode::NotAuthenticated)),
        }
    }

    /// Remove a passkey
    ///
    /// It logs in no more. Where it was the last factor the password is enough from then on, and no recovery code is good any more. Wants a
    /// recent proof.
    #[oai(path = "/passkeys/:id", method = "delete", operation_id = "removePasskey")]
    async fn remove(
        &self,
        desk: Desk,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        /// As `listFactors` tells it.
        id: Path<String>,
    ) -> Result<Gone, TypedProblem<RemovePasskeyCode>> {
        same_user(&caller, shown.0.as_deref())?;
        let not_found = || TypedProblem::new(RemovePasskeyCode::PasskeyNotFound);
        let id = PasskeyId::parse(&id.0).ok_or_else(not_found)?;
        match factor::remove_passkey(&desk.app, &caller, desk.client, id).await {
            Ok(()) => Ok(Gone::Done),
            Err(PasskeyError::NotFound) => Err(not_found()),
            Err(PasskeyError::LastFactor) => Err(TypedProblem::new(RemovePasskeyCode::LastFactor)),
            Err(error) => Err(common(error, RemovePasskeyCode::NotAuthenticated)),
        }
    }
}

/// What every operation here may answer. What is left can't happen in it, or means that the account is gone.
fn common<C: Codes>(error: PasskeyError, gone: C) -> TypedProblem<C> {
    match error {
        PasskeyError::Wanted(methods) => TypedProblem::reauthenticate(methods),
        PasskeyError::Limited(limited) => limited.into(),
        PasskeyError::Failed(cause) => cause.into(),
        PasskeyError::Gone
        | PasskeyError::Unavailable
        | PasskeyError::TooMany
        | PasskeyError::ChallengeExpired
        | PasskeyError::Invalid
        | PasskeyError::EnrolmentCode
        | PasskeyError::NotFound
        | PasskeyError::NoFactor
        | PasskeyError::LastFactor => TypedProblem::new(gone),
    }
}

codes! {
    /// Why `passkeyCreationOptions` refuses.
    OptionsCode:
        caller ReauthenticationRequired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused PasskeysUnavailable OtherUser
        TooManyPasskeys TooManyAttempts
}

codes! {
    /// Why `addPasskey` refuses.
    AddCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest TokenDeliveryRefused PasskeysUnavailable
        OtherUser TooManyPasskeys PasskeyChallengeExpired PayloadTooLarge UnsupportedMediaType ValidationFailed InvalidPasskey IncorrectEnrolmentCode
        TooManyAttempts
}

codes! {
    /// Why `renamePasskey` refuses.
    RenameCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest PasskeyNotFound OtherUser PayloadTooLarge
        UnsupportedMediaType ValidationFailed TooManyAttempts
}

codes! {
    /// Why `removePasskey` refuses.
    RemovePasskeyCode:
        caller ReauthenticationRequired ExactOriginRequired CrossSiteRequest PasskeyNotFound OtherUser LastFactor TooManyAttempts
}

#[derive(ApiResponse)]
enum Asked {
    /// What the browser needs.
    #[oai(
        status = 200,
        header(name = "Set-Cookie", ty = "String", description = "The challenge, for the answer to it.")
    )]
    Ok(Json<PasskeyCreationOptions>),
}

#[derive(ApiResponse)]
enum Added {
    /// The account has the passkey.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "String",
            description = "Two of them: the access token, which tells of both factors, and that it was proved just now who asks."
        )
    )]
    Ok(Json<AddedPasskey>),
}

#[derive(ApiResponse)]
enum Renamed {
    /// It has the name.
    #[oai(status = 200)]
    Ok(Json<PasskeyFactor>),
}

#[derive(ApiResponse)]
enum Gone {
    /// The account has it no more.
    #[oai(status = 204)]
    Done,
}

/// A passkey that the authenticator has made.
#[derive(Object)]
#[oai(example)]
pub(in crate::api) struct NewPasskey {
    /// What `PublicKeyCredential.toJSON()` gives.
    credential: NewCredential,
    /// What the person calls it: 1 to 60 characters.
    name: String,
    /// With the first factor of an account: the code that was mailed, or that an operator has given. Spaces, hyphens and capitals are
    /// ignored.
    enrolment_code: Option<PasswordText>,
}

impl Example for NewPasskey {
    fn example() -> Self {
        Self {
            credential: NewCredential::example(),
            name: "My phone".into(),
            enrolment_code: Some(PasswordText("7k3m-p2xd".into())),
        }
    }
}

impl Body for NewPasskey {
    type Value = NewPasskeyOf;

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        let answer = attestation(fields, "credential");
        let name = name(fields);
        let enrolment_code = fields.optional::<String>("enrolment_code")?.map(|text| EnrolmentCode::parse(&text));
        Some(NewPasskeyOf { answer: answer?, name: name?, enrolment_code })
    }
}

/// Another name for a passkey.
#[derive(Object)]
#[oai(example)]
struct NewName {
    /// What the person calls it: 1 to 60 characters.
    name: String,
}

impl Example for NewName {
    fn example() -> Self {
        Self { name: "My phone".into() }
    }
}

impl Body for NewName {
    type Value = PasskeyName;

    fn read(fields: &mut Fields, _: &App) -> Option<PasskeyName> {
        name(fields)
    }
}

fn name(fields: &mut Fields) -> Option<PasskeyName> {
    let text = fields.required::<String>("name")?;
    let name = PasskeyName::parse(&text);
    if name.is_none() {
        fields.refuse("name", FieldCode::Invalid, "Must have 1 to 60 characters, and no control characters.");
    }
    name
}

/// A passkey that was added.
#[derive(Object)]
#[oai(example)]
pub(in crate::api) struct AddedPasskey {
    /// It.
    passkey: PasskeyFactor,
    /// The recovery codes, with the account's first factor; null where it had one, and keeps its codes.
    recovery_codes: Option<Vec<String>>,
}

impl From<factor::Added> for AddedPasskey {
    fn from(added: factor::Added) -> Self {
        Self { passkey: added.passkey.into(), recovery_codes: added.recovery_codes.as_deref().map(revealed) }
    }
}

impl Example for AddedPasskey {
    fn example() -> Self {
        let since = Timestamp::from_seconds(1_767_052_800);
        Self { passkey: PasskeyFactor::example_at(since), recovery_codes: Some(vec!["0rgv-7n3k-p2xd-8c5q".into()]) }
    }
}
