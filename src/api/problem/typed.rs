//! What one operation may answer instead of success: a closed set of codes, from which its documentation is made.
//!
//! A handler can only refuse with a code of its own set, so the spec can't lie about it; and each operation has a set of its own,
//! so that it lists nothing that can't happen.

use std::error::Error;
use std::marker::PhantomData;
use std::time::Duration;

use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};

use super::{Code, FieldProblem, Problem, Ticket, schema};
use crate::domain::factor::Method;
use crate::service::Failure;
use crate::service::password::ProofError;
use crate::service::throttle::Limited;

/// The codes that one operation can answer, the checks before it included.
pub trait Codes: Into<Code> + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [Code];
}

/// Declares the closed set of codes of one operation.
macro_rules! codes {
    // Those of an operation that asks for a `Caller`: who asks comes first.
    ($(#[$doc:meta])* $name:ident: caller $($code:ident)+) => {
        $crate::api::problem::codes! {
            $(#[$doc])*
            $name:
                NotAuthenticated TokenExpired SessionExpired SessionEnded SessionRevoked SessionReuseDetected
                DeviceBindingRequired Overloaded DatabaseUnavailable $($code)+
        }
    };
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

    /// The same, with a sentence that says more exactly why.
    #[must_use]
    pub fn because(self, detail: &'static str) -> Self {
        Self(Problem { detail: detail.into(), ..self.0 }, PhantomData)
    }

    /// Refuses a field that was found wrong after the body was read. `code` is the operation's code for broken rules.
    #[must_use]
    pub fn invalid(code: C, field: FieldProblem) -> Self {
        debug_assert_eq!(code.into(), Code::ValidationFailed);
        Self(Problem::invalid(vec![field]), PhantomData)
    }

    /// Refuses what a page sends for another person than is logged in.
    #[must_use]
    pub fn other_user() -> Self {
        let () = Self::LISTS_OTHER_USER;
        Self(Problem::of(Code::OtherUser), PhantomData)
    }

    /// Says by what can be proved what is wanted.
    #[must_use]
    pub fn methods(self, methods: Vec<Method>) -> Self {
        Self(self.0.methods(methods), PhantomData)
    }

    /// Brings the ticket with which the login goes on.
    #[must_use]
    pub fn with_ticket(self, ticket: Ticket) -> Self {
        Self(Problem { ticket: Some(Box::new(ticket)), ..self.0 }, PhantomData)
    }

    /// Refuses until it was proved again who asks; or for good, where nothing can prove it.
    #[must_use]
    pub fn reauthenticate(methods: Vec<Method>) -> Self {
        let () = Self::LISTS_REAUTHENTICATION_REQUIRED;
        if methods.is_empty() {
            return Self::exact_origin();
        }
        Self(Problem::of(Code::ReauthenticationRequired).methods(methods), PhantomData)
    }

    /// Refuses a page that is one of many.
    #[must_use]
    pub fn exact_origin() -> Self {
        let () = Self::LISTS_EXACT_ORIGIN_REQUIRED;
        Self(Problem::of(Code::ExactOriginRequired), PhantomData)
    }

    /// Refuses to deliver tokens in this way.
    #[must_use]
    pub fn delivery_refused(detail: &'static str) -> Self {
        let () = Self::LISTS_TOKEN_DELIVERY_REFUSED;
        Self(Problem::new(Code::TokenDeliveryRefused, detail), PhantomData)
    }

    /// Refuses until there is less to do.
    #[must_use]
    pub fn overloaded(wait: Duration) -> Self {
        let () = Self::LISTS_OVERLOADED;
        Self::after(Code::Overloaded, wait)
    }

    /// Refuses until some time has passed.
    fn after(code: Code, wait: Duration) -> Self {
        Self(Problem::of(code).retry_after(wait), PhantomData)
    }

    /// A set of codes that lacks one of these can't be used where it is needed: that fails to compile.
    const LISTS_TOO_MANY_ATTEMPTS: () = assert!(lists(C::ALL, Code::TooManyAttempts));
    const LISTS_REAUTHENTICATION_REQUIRED: () = assert!(lists(C::ALL, Code::ReauthenticationRequired));
    const LISTS_TOKEN_DELIVERY_REFUSED: () = assert!(lists(C::ALL, Code::TokenDeliveryRefused));
    const LISTS_EXACT_ORIGIN_REQUIRED: () = assert!(lists(C::ALL, Code::ExactOriginRequired));
    const LISTS_OTHER_USER: () = assert!(lists(C::ALL, Code::OtherUser));
    const LISTS_OVERLOADED: () = assert!(lists(C::ALL, Code::Overloaded));
    const LISTS_NOT_AUTHENTICATED: () = assert!(lists(C::ALL, Code::NotAuthenticated));
    const LISTS_INCORRECT_CURRENT_PASSWORD: () = assert!(lists(C::ALL, Code::IncorrectCurrentPassword));
    const LISTS_DATABASE_UNAVAILABLE: () = assert!(lists(C::ALL, Code::DatabaseUnavailable));
}

const fn lists(all: &[Code], code: Code) -> bool {
    let mut at = 0;
    while at < all.len() {
        if all[at] as u8 == code as u8 {
            return true;
        }
        at += 1;
    }
    false
}

/// What is not even tried now.
impl<C: Codes> From<Limited> for TypedProblem<C> {
    fn from(limited: Limited) -> Self {
        let () = Self::LISTS_TOO_MANY_ATTEMPTS;
        match limited {
            Limited::Throttled { retry_after } => Self::after(Code::TooManyAttempts, retry_after),
            Limited::Overloaded { retry_after } => Self::overloaded(retry_after),
        }
    }
}

/// A password that was not proved in a session.
impl<C: Codes> From<ProofError> for TypedProblem<C> {
    fn from(error: ProofError) -> Self {
        let ((), ()) = (Self::LISTS_NOT_AUTHENTICATED, Self::LISTS_INCORRECT_CURRENT_PASSWORD);
        match error {
            ProofError::Incorrect => Self(Problem::of(Code::IncorrectCurrentPassword), PhantomData),
            ProofError::Wanted(methods) => Self::reauthenticate(methods),
            ProofError::Gone => Self(Problem::of(Code::NotAuthenticated), PhantomData),
            ProofError::Limited(limited) => limited.into(),
            ProofError::Failed(cause) => cause.into(),
        }
    }
}

/// Our own trouble: the cause goes to the log, once, and nowhere else. It passes when the database answers again; all else is a defect,
/// and no operation documents those.
impl<C: Codes> From<Failure> for TypedProblem<C> {
    fn from(cause: Failure) -> Self {
        let () = Self::LISTS_DATABASE_UNAVAILABLE;
        let passes = matches!(&cause, Failure::Store(cause) if cause.is_unavailable());
        let code = if passes { Code::DatabaseUnavailable } else { Code::InternalError };
        tracing::error!(code = code.as_str(), error = &cause as &(dyn Error + 'static), "the request failed");
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
