//! What the links of a removal of factors do.

use poem_openapi::payload::Json;
use poem_openapi::types::{Example, Password as PasswordText};
use poem_openapi::{ApiResponse, Enum, Object};

use crate::api::body::{Body, Fields};
use crate::api::types::Moment;
use crate::domain::mail::LinkToken;
use crate::domain::timestamp::Timestamp;
use crate::service::App;
use crate::service::factor::Followed;

/// A token of a link of `FACTOR_RECOVERY`.
#[derive(Object)]
#[oai(example)]
pub(super) struct RecoveryLink {
    /// What stands behind `#start=`, `#cancel=` or `#remove=` in the link.
    token: PasswordText,
}

impl Example for RecoveryLink {
    fn example() -> Self {
        Self { token: PasswordText(super::bodies::TOKEN.into()) }
    }
}

impl Body for RecoveryLink {
    /// None where it can't be one.
    type Value = Option<LinkToken>;

    fn read(fields: &mut Fields, _: &App) -> Option<Self::Value> {
        fields.required::<String>("token").map(|text| LinkToken::parse(&text))
    }
}

/// How far a removal is.
#[derive(Clone, Copy, Debug, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum RecoveryState {
    /// The wait goes on.
    Waiting,
    /// It was stopped.
    Cancelled,
    /// The account has no second factor any more: log in.
    Removed,
}

/// What the link has done.
#[derive(Debug, Object)]
#[oai(example)]
pub(super) struct FactorRecovery {
    /// How far it is.
    state: RecoveryState,
    /// When a link is mailed that removes the factors; null where nobody waits any more.
    due_at: Option<Moment>,
    /// The same, for people.
    message: String,
}

impl From<Followed> for FactorRecovery {
    fn from(followed: Followed) -> Self {
        let (state, due_at, message) = match followed {
            Followed::Started(due) => (
                RecoveryState::Waiting,
                Some(Moment(due)),
                "The removal has begun. You are told by mail when the wait is over.",
            ),
            Followed::Cancelled => (RecoveryState::Cancelled, None, "The removal is stopped."),
            Followed::Removed => {
                (RecoveryState::Removed, None, "The second factor is removed. Log in, and set up a new one.")
            }
        };
        Self { state, due_at, message: message.into() }
    }
}

impl Example for FactorRecovery {
    fn example() -> Self {
        Followed::Started(Timestamp::from_seconds(1_767_052_800)).into()
    }
}

#[derive(ApiResponse)]
pub(super) enum Done {
    /// It is done.
    #[oai(status = 200)]
    Ok(Json<FactorRecovery>),
}
