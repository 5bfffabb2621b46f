//! What one operation may answer instead of success: a closed set of codes, from which its documentation is made.
//!
//! A handler can only refuse with a code of its own set, so the spec can't lie about it; and each operation has a set of its own,
//! so that it lists nothing that can't happen.

use std::error::Error;
use std::marker::PhantomData;
use std::time::Duration;

use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};

use super::{Code, FieldProblem, Problem, schema};
use crate::service::Failure;
use crate::service::throttle::Limited;

/// The codes that one operation can answer, the checks before it included.
pub trait Codes: Into<Code> + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [Code];
}

/// Declares the closed set of codes of one operation.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $($code:ident)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = concat!("See [`Code::", stringify!($code), "`](crate::api::problem::Code).")] $code),+ }

        impl $crate::api::problem::Codes for $name {
            const ALL: &'static [$crate::api::problem::Code] = &[$($crate::api::problem::Code::$code),+];
        }

        impl From<$name> for $crate::api::problem::Code {
            fn from(code: $name) -> Self {
                match code { $($name::$code => Self::$code),+ }
            }
        }
    };
}
pub(crate) use codes;

/// A problem that the operation with the codes `C` documents.
pub struct TypedProblem<C>(Problem, PhantomData<C>);

impl<C: Codes> TypedProblem<C> {
    /// Refuses with the code's own sentence.
    #[must_use]
    pub fn new(code: C) -> Self {
        Self(Problem::of(code.into()), PhantomData)
    }

    /// Refuses a field that was found wrong after the body was read. `code` is the operation's code for broken rules.
    #[must_use]
    pub fn invalid(code: C, field: FieldProblem) -> Self {
        debug_assert_eq!(code.into(), Code::ValidationFailed);
        Self(Problem::invalid(vec![field]), PhantomData)
    }

    /// Refuses until some time has passed.
    #[must_use]
    pub fn after(code: C, wait: Duration) -> Self {
        Self(Problem::of(code.into()).retry_after(wait), PhantomData)
    }

    /// Refuses what is not even tried now, with the operation's codes for too many attempts and for too much work.
    #[must_use]
    pub fn limited(too_many: C, overloaded: C, limited: Limited) -> Self {
        match limited {
            Limited::Throttled { retry_after } => Self::after(too_many, retry_after),
            Limited::Overloaded { retry_after } => Self::after(overloaded, retry_after),
        }
    }

    /// Refuses because of our own trouble: the cause goes to the log, once, and nowhere else. `unavailable` is for a database that
    /// does not answer; all else is a defect, and no operation documents those.
    #[must_use]
    pub fn failed(unavailable: C, cause: &Failure) -> Self {
        let passes = matches!(cause, Failure::Store(cause) if cause.is_unavailable());
        let code = if passes { unavailable.into() } else { Code::InternalError };
        tracing::error!(code = code.as_str(), error = cause as &(dyn Error + 'static), "the request failed");
        Self(Problem::of(code), PhantomData)
    }
}

impl<C> From<TypedProblem<C>> for poem::Error {
    fn from(problem: TypedProblem<C>) -> Self {
        problem.0.into()
    }
}

impl<C: Codes> ApiResponse for TypedProblem<C> {
    fn meta() -> MetaResponses {
        MetaResponses { responses: schema::responses(C::ALL) }
    }

    fn register(registry: &mut Registry) {
        schema::register(registry, C::ALL);
    }
}
