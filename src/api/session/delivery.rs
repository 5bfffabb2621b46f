//! Tokens in the body of an answer: for clients without cookies, such as native apps, and for nobody whose scripts could read it.

use poem::Request;
use poem::http::HeaderMap;
use poem::http::header::ORIGIN;
use poem_openapi::types::Password as PasswordText;
use poem_openapi::{Enum, Object};

use super::cookies;
use crate::api::body::Fields;
use crate::api::middleware::Asking;
use crate::api::problem::{Codes, FieldCode, TypedProblem};
use crate::config::cookies::Cookies;
use crate::domain::session::Delivery;
use crate::service::session::IssuedTokens;

/// Where a request comes from, as far as that says how tokens may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Door {
    /// No browser, and no cookie of ours: what a native app sends by itself.
    Bare,
    /// A listed app: an origin whose scheme is neither `http` nor `https`.
    App,
    /// One of many pages that a `*` of `ALLOWED_ORIGINS` allows.
    OneOfMany,
    /// Whatever else may be a page.
    Page,
}

const DETAIL: &str = "Tokens in the body are for clients that are no page: without `Origin` (but a listed app's), `Sec-Fetch-..` and cookies of \
                      this service.";
const COOKIES: &str = "Apps of this origin get no cookies. Ask for the tokens in the body: `token_delivery`.";

const PASSKEYS: &str = "Passkeys are for clients with cookies: the challenge is in one.";

impl Door {
    /// Every sign of a browser counts: a script can add headers to its requests, and take none of these away.
    pub(super) fn of(request: &Request, settings: &Cookies) -> Self {
        let headers = request.headers();
        let asking = request.data::<Asking>().copied().unwrap_or_default();
        if asking.one_of_many {
            return Self::OneOfMany;
        }
        match (cookies::has_ours(headers, settings), asking.app) {
            (false, true) => Self::App,
            (false, false) if !headers.contains_key(ORIGIN) && !has_metadata(headers) => Self::Bare,
            _ => Self::Page,
        }
    }

    /// Refuses to answer tokens in this way.
    pub(in crate::api) fn allow<C: Codes>(self, delivery: Delivery) -> Result<(), TypedProblem<C>> {
        match (delivery, self) {
            (Delivery::Body, Self::OneOfMany | Self::Page) => Err(TypedProblem::delivery_refused(DETAIL)),
            (Delivery::Cookies, Self::App) => Err(TypedProblem::delivery_refused(COOKIES)),
            _ => Ok(()),
        }
    }

    /// Whether a passkey can be asked for.
    pub(super) const fn has_passkeys(self, delivery: Delivery) -> bool {
        matches!((delivery, self), (Delivery::Cookies, Self::Bare | Self::Page))
    }

    /// Refuses whoever gets no cookies: the challenge for a passkey is in one. And pages that no passkey is good on, whoever has put them
    /// there.
    pub(in crate::api) fn allow_passkey<C: Codes>(self, delivery: Delivery) -> Result<(), TypedProblem<C>> {
        match self {
            _ if self.has_passkeys(delivery) => Ok(()),
            Self::OneOfMany => Err(TypedProblem::exact_origin()),
            Self::Bare | Self::App | Self::Page => Err(TypedProblem::delivery_refused(PASSKEYS)),
        }
    }
}

/// Whether there is any header of W3C Fetch Metadata.
fn has_metadata(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"))
}

/// How a client wants its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum TokenDelivery {
    /// As cookies, as ever.
    Cookies,
    /// In the body of the answer: for clients that are no page and have no cookies.
    Body,
}

/// Reads `token_delivery`. None: there is a problem.
pub(super) fn token_delivery(fields: &mut Fields) -> Option<Delivery> {
    let Some(text) = fields.optional::<String>("token_delivery")? else { return Some(Delivery::Cookies) };
    let delivery = Delivery::read(&text);
    if delivery.is_none() {
        fields.refuse("token_delivery", FieldCode::Invalid, "Must be `cookies` or `body`.");
    }
    delivery
}

/// The tokens of a client that gets them in bodies.
#[derive(Debug, Default, Object)]
pub(in crate::api) struct InBody {
    /// For clients without cookies: the access token, to be sent as `Authorization: Bearer`.
    #[oai(skip_serializing_if_is_none)]
    access_token: Option<PasswordText>,
    /// For clients without cookies: what `refresh` takes next, once.
    #[oai(skip_serializing_if_is_none)]
    refresh_token: Option<PasswordText>,
    /// For clients without cookies: how many seconds the access token lives.
    #[oai(skip_serializing_if_is_none)]
    expires_in: Option<u64>,
    /// For clients without cookies: that it was proved just now who asks. For ten minutes it opens what answers
    /// `reauthentication_required`, as `X-Doorward-Recent-Proof` beside the access token.
    #[oai(skip_serializing_if_is_none)]
    recent_proof: Option<PasswordText>,
}

/// A sentence that says what was done, and the tokens of a client that gets them in bodies.
#[derive(Debug, Object)]
pub(in crate::api) struct Delivered {
    /// What was done.
    message: String,
    #[oai(flatten)]
    tokens: InBody,
}

impl InBody {
    /// Both, where they are delivered in bodies.
    pub(super) fn both(tokens: &IssuedTokens) -> Self {
        let refresh_token = in_body(tokens).then(|| PasswordText(tokens.refresh.clone()));
        Self { refresh_token, ..Self::access(tokens) }
    }

    /// The access token alone: the refresh token is as it was.
    fn access(tokens: &IssuedTokens) -> Self {
        if !in_body(tokens) {
            return Self::default();
        }
        Self {
            access_token: Some(PasswordText(tokens.access.clone())),
            refresh_token: None,
            expires_in: Some(tokens.access_max_age.as_secs()),
            recent_proof: tokens.recent.clone().map(PasswordText),
        }
    }
}

impl Delivered {
    /// With both tokens, where they are delivered in bodies.
    pub(in crate::api) fn both(message: &str, tokens: &IssuedTokens) -> Self {
        Self { message: message.to_owned(), tokens: InBody::both(tokens) }
    }

    /// With the access token alone.
    pub(in crate::api) fn access(message: &str, tokens: &IssuedTokens) -> Self {
        Self { message: message.to_owned(), tokens: InBody::access(tokens) }
    }

    /// Without any.
    pub(super) fn without(message: &str) -> Self {
        Self { message: message.to_owned(), tokens: InBody::default() }
    }
}

/// Whether these go into the body.
pub(super) fn in_body(tokens: &IssuedTokens) -> bool {
    tokens.delivery == Delivery::Body
}
