//! The person's account: register, who am I, change, export, leave.

mod export;

use std::sync::Arc;

use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::{Example, Password as PasswordText, ToJSON};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::Value;

pub use self::export::{ExportApi, text as export_text};
use super::Tag;
use super::body::{Body, Fields, Strict, rules};
use super::payload::JsonText;
use super::problem::{TypedProblem, codes};
use super::session::{Caller, CallerCode, clearing, same_user};
use super::types::{Message, Moment, REGISTRATION_MAILED};
use crate::api::data::Data;
use crate::config::cookies::Cookies;
use crate::domain;
use crate::domain::password::Password;
use crate::domain::password::PasswordPolicy;
use crate::domain::timestamp::Timestamp;
use crate::service::account::{self, EraseError, Erased, NewAccount, RegisterError, RenameError};
use crate::service::password::{Proof as PasswordProof, ProofError};
use crate::service::{App, Client};

/// Operations on the person's account.
pub struct AccountApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Account")]
impl AccountApi {
    /// Register
    ///
    /// Makes an account. It does not log in. A taken email is told (409): registration is throttled, and takes the same time
    /// either way. With `EMAIL_VERIFICATION=required` the answer is 202, the same whoever has the address: a link in a mail makes the
    /// account (`verifyEmail`), and sets its password.
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        account: Strict<Registration>,
    ) -> Result<Registered, TypedProblem<RegisterCode>> {
        match account::register(app, client.clone(), account.0).await {
            Ok(account::Registered::Account(user)) => Ok(Registered::Created(Json(user.into()))),
            Ok(account::Registered::Mailed) => Ok(Registered::Mailed(Json(Message::new(REGISTRATION_MAILED)))),
            Err(RegisterError::Closed) => Err(TypedProblem::new(RegisterCode::RegistrationClosed)),
            Err(RegisterError::EmailUnavailable) => Err(TypedProblem::new(RegisterCode::EmailUnavailable)),
            Err(RegisterError::Limited(limited)) => Err(limited.into()),
            Err(RegisterError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Who am I
    ///
    /// The person who is logged in.
    #[oai(path = "/me", method = "get", operation_id = "me")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn me(&self, caller: Caller) -> Result<Me, TypedProblem<CallerCode>> {
        Ok(Me::Ok(caller.0.told(|user| JsonText::write(&User::from(user.clone()))).into()))
    }

    /// Change my name
    ///
    /// Answers with the person as they are now. Null, or an empty name, is none.
    #[oai(path = "/me", method = "patch", operation_id = "updateMe")]
    async fn update_me(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        change: Strict<ProfileChange>,
    ) -> Result<Me, TypedProblem<UpdateCode>> {
        same_user(&caller, shown.0.as_deref())?;
        match account::rename(app, &caller, client.clone(), change.0).await {
            Ok(user) => Ok(Me::Ok(JsonText::write(&User::from(user)).into())),
            Err(RenameError::Gone) => Err(TypedProblem::new(UpdateCode::NotAuthenticated)),
            Err(RenameError::Limited(limited)) => Err(limited.into()),
            Err(RenameError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Delete my account
    ///
    /// Erases the account and all its sessions, at once and for ever, and clears the session's cookies. Where the account's address was changed and
    /// its former one may still take it back, nobody can log in from now on, and it is erased when that time is over. Wrong passwords are
    /// throttled by account. Where the account has a second factor it wants a recent proof of both: `reauthenticate`.
    #[oai(path = "/me", method = "delete", operation_id = "deleteMe")]
    async fn delete_me(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        proof: Strict<Proof>,
    ) -> Result<Response<Deleted>, TypedProblem<DeleteCode>> {
        same_user(&caller, shown.0.as_deref())?;
        match account::erase(app, PasswordProof { caller, client: client.clone(), password: proof.0 }).await {
            Ok(Erased::Now | Erased::Later) | Err(EraseError::Proof(ProofError::Gone)) => {
                Ok(clearing(Deleted::Done, settings))
            }
            Err(EraseError::LastSuperuser) => Err(TypedProblem::new(DeleteCode::LastSuperuser)),
            Err(EraseError::Proof(error)) => Err(error.into()),
        }
    }
}

codes! {
    /// Why `register` refuses.
    RegisterCode:
        MalformedJson CrossSiteRequest RegistrationClosed EmailUnavailable PayloadTooLarge UnsupportedMediaType
        ValidationFailed TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `updateMe` refuses.
    UpdateCode:
        caller MalformedJson CrossSiteRequest OtherUser PayloadTooLarge UnsupportedMediaType ValidationFailed
        TooManyAttempts
}

codes! {
    /// Why `deleteMe` refuses.
    DeleteCode:
        caller MalformedJson ReauthenticationRequired ExactOriginRequired CrossSiteRequest OtherUser LastSuperuser PayloadTooLarge UnsupportedMediaType ValidationFailed
        IncorrectCurrentPassword TooManyAttempts
}

#[derive(ApiResponse)]
enum Deleted {
    /// The account is erased, or will be, and the session's cookies are cleared.
    #[oai(
        status = 204,
        header(
            name = "Set-Cookie",
            ty = "String",
            description = "Four of them, with `Max-Age=0`: the session's cookies are cleared, and with them the recent proof."
        )
    )]
    Done,
}

#[derive(ApiResponse)]
enum Registered {
    /// The account was made.
    #[oai(status = 201)]
    Created(Json<User>),
    /// With `EMAIL_VERIFICATION=required`: a mail says how it goes on.
    #[oai(status = 202)]
    Mailed(Json<Message>),
}

#[derive(ApiResponse)]
enum Me {
    /// The person who is logged in.
    #[oai(status = 200)]
    Ok(JsonText<User>),
}

/// A person with an account.
#[derive(Debug, Object)]
#[oai(example)]
pub struct User {
    /// Identifies the person; never reused.
    id: i64,
    /// In lower case, unique.
    email: String,
    /// Whether the person has shown that they read the mail of this address. Where it is false the address may be somebody else's.
    email_verified: bool,
    /// The name as the person wrote it.
    full_name: Option<String>,
    /// A disabled person can't log in.
    is_active: bool,
    /// For your application; Doorward itself gives it no rights.
    is_superuser: bool,
    /// When the person registered.
    created_at: Moment,
    /// The last successful login; null before the first.
    last_login: Option<Moment>,
    /// How the system that the account came from names the person, where that is no number; null for others.
    external_id: Option<String>,
}

impl From<domain::account::User> for User {
    fn from(user: domain::account::User) -> Self {
        Self {
            id: user.id.0,
            email: user.email.as_str().to_owned(),
            email_verified: user.email_verified_at.is_some(),
            full_name: user.full_name.map(|name| name.as_str().to_owned()),
            is_active: user.is_active,
            is_superuser: user.is_superuser,
            created_at: Moment(user.created_at),
            last_login: user.last_login.map(Moment),
            external_id: user.external_id.map(|id| id.as_str().to_owned()),
        }
    }
}

impl User {
    /// A person as `me` answers, for other outlets than HTTP.
    #[must_use]
    pub fn json(user: domain::account::User) -> Value {
        Self::from(user).to_json().unwrap_or_default()
    }
}

impl Example for User {
    fn example() -> Self {
        Self {
            id: 1,
            email: "user@example.com".into(),
            email_verified: false,
            full_name: Some("John Doe".into()),
            is_active: true,
            is_superuser: false,
            created_at: Moment(Timestamp::from_seconds(1_767_052_800)),
            last_login: None,
            external_id: None,
        }
    }
}

/// Who wants an account.
#[derive(Object)]
#[oai(example)]
pub struct Registration {
    /// An email address. Addresses that differ only by case are the same.
    #[oai(validator(max_length = 254))]
    email: String,
    /// At least 8 characters and at most 71 bytes in UTF-8, with an upper-case letter, a lower-case letter and a digit; neither the
    /// email nor a common password.
    #[oai(validator(min_length = 8, max_length = 71))]
    password: PasswordText,
    /// The name as the person writes it: at most 200 characters, no control characters. An empty one is none.
    #[oai(validator(max_length = 200))]
    full_name: Option<String>,
}

impl Example for Registration {
    fn example() -> Self {
        Self {
            email: "user@example.com".into(),
            password: PasswordText("SecurePass123".into()),
            full_name: Some("John Doe".into()),
        }
    }
}

impl Body for Registration {
    type Value = NewAccount;

    fn read(fields: &mut Fields, app: &App) -> Option<NewAccount> {
        let email = rules::email(fields, "email");
        let policy = PasswordPolicy { composition: app.password.policy.composition };
        let password = rules::new_password(fields, "password", policy, email.as_ref());
        let full_name = rules::full_name(fields, "full_name");
        Some(NewAccount { email: email?, password: password?, full_name: full_name? })
    }
}

/// What the person wants to be changed.
#[derive(Object)]
#[oai(example)]
struct ProfileChange {
    /// The name as the person writes it: at most 200 characters, no control characters. Null or an empty one is none.
    #[oai(validator(max_length = 200))]
    full_name: Option<String>,
}

impl Example for ProfileChange {
    fn example() -> Self {
        Self { full_name: Some("John Doe".into()) }
    }
}

impl Body for ProfileChange {
    type Value = Option<domain::account::FullName>;

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        rules::full_name(fields, "full_name")
    }
}

/// What shows that it is really the person.
#[derive(Object)]
#[oai(example)]
struct Proof {
    /// The password that the person has now.
    password: PasswordText,
}

impl Example for Proof {
    fn example() -> Self {
        Self { password: PasswordText("SecurePass123".into()) }
    }
}

impl Body for Proof {
    /// None where no account can have it.
    type Value = Option<Password>;

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        fields.required::<String>("password").map(|text| Password::parse(text).ok())
    }
}
