//! Sessions that are bound to a device (W3C Device Bound Session Credentials): what browsers ask by themselves.
//!
//! A browser drops its binding for good when it is refused with 400, 401, 404 or 429: who may go on is answered 403 with a challenge, or 503.

use poem::http::header::SET_COOKIE;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi, Union};

use super::caller::{Caller, Desk, Tokens};
use super::cookies::{self, Kind};
use super::{Initiators, with_tokens};
use crate::api::Tag;
use crate::api::data::Data;
use crate::api::middleware::{Beside, X_DOORWARD_SESSION};
use crate::api::problem::{TypedProblem, codes};
use crate::config::cookies::Cookies;
use crate::domain::session::{BindingName, EndReason, Refusal};
use crate::service::session::{self, DeviceRefresh, DeviceRefreshError, RegisterDeviceError};
use crate::service::throttle::Limited;

const REGISTER: &str = "/api/auth/device/register";
const REFRESH: &str = "/api/auth/device/refresh";

/// What browsers ask by themselves.
pub struct BoundApi;

/// What an answer to a browser needs beside the use case's.
struct Terms<'a> {
    initiators: &'a Initiators,
    beside: &'a Beside,
}

impl<'a> FromRequest<'a> for Terms<'a> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let Data(initiators) = <Data<&Initiators>>::from_request_without_body(request).await?;
        let Data(beside) = <Data<&Beside>>::from_request_without_body(request).await?;
        Ok(Self { initiators, beside })
    }
}

/// The value of `Secure-Session-Registration`: where to register which kind of key, by signing what.
pub(super) fn offer(challenge: &str) -> String {
    format!("(ES256);path=\"{REGISTER}\";challenge=\"{challenge}\"")
}

#[OpenApi(prefix_path = "/api/auth/device", tag = "Tag::Session")]
impl BoundApi {
    /// Bind the session to this device
    ///
    /// Not for pages: a browser that knows Device Bound Session Credentials asks by itself, after an answer with
    /// `Secure-Session-Registration`. From then on the session goes on only where the device proves that it has the key.
    #[oai(path = "/register", method = "post", operation_id = "registerDevice")]
    async fn register(
        &self,
        desk: Desk,
        terms: Terms<'_>,
        Caller(caller): Caller,
        /// A JWT (`typ: dbsc+jwt`, ES256): its header has the public key, and `jti` is the challenge.
        #[oai(name = "Secure-Session-Response")]
        response: Header<Option<String>>,
    ) -> Result<Response<Registered>, TypedProblem<RegisterDeviceCode>> {
        let tokens = match session::register_device(&desk.app, &caller, desk.client, unquoted(response.0.as_deref()))
            .await
        {
            Ok(tokens) => tokens,
            Err(RegisterDeviceError::Limited(limited)) => return Err(limited.into()),
            Err(RegisterDeviceError::Failed(cause)) => return Err(cause.into()),
            Err(RegisterDeviceError::Invalid) => return Err(TypedProblem::new(RegisterDeviceCode::InvalidDeviceProof)),
            Err(RegisterDeviceError::Refused(refusal)) => return Err(TypedProblem::new(refused(&refusal))),
        };
        let Some(bound) = &tokens.next else { return Err(TypedProblem::new(RegisterDeviceCode::InvalidDeviceProof)) };
        terms.beside.challenge(bound);
        let body = BoundSession::of(bound.name, &desk.settings, terms.initiators.hosts().to_vec());
        // The refresh token is as it was.
        Ok(Response::new(Registered::Ok(Json(body)))
            .header(X_DOORWARD_SESSION, tokens.session.to_string())
            .header(SET_COOKIE, cookies::set(&desk.settings, Kind::Access, &tokens.access, tokens.access_max_age)))
    }

    /// Refresh a session that is bound to this device
    ///
    /// Not for pages: a browser asks by itself before it sends a request without its access cookie, and the request waits. Without a proof,
    /// or with one that is no good any more, the answer is 403 and what to sign in `Secure-Session-Challenge`; then the browser asks again.
    ///
    /// A session that has ended is answered with `continue: false`, and no cookie is touched.
    #[oai(path = "/refresh", method = "post", operation_id = "refreshDevice")]
    async fn refresh(
        &self,
        desk: Desk,
        terms: Terms<'_>,
        tokens: Tokens,
        /// The session, as `registerDevice` has told it.
        #[oai(name = "Sec-Secure-Session-Id")]
        id: Header<Option<String>>,
        /// A JWT (`typ: dbsc+jwt`, ES256) with the challenge as `jti`.
        #[oai(name = "Secure-Session-Response")]
        response: Header<Option<String>>,
    ) -> Result<Response<DeviceRefreshed>, TypedProblem<RefreshDeviceCode>> {
        let id = unquoted(id.0.as_deref()).unwrap_or_default();
        let over = |id: &str| {
            let over = EndedSession { session_identifier: id.to_owned(), r#continue: false };
            Response::new(DeviceRefreshed::Ok(Json(Instructions::Ended(over))))
        };
        let Some(name) = BindingName::parse(id) else {
            return Err(TypedProblem::new(RefreshDeviceCode::InvalidDeviceProof));
        };
        let jwt = unquoted(response.0.as_deref());
        let refreshed =
            session::refresh_device(&desk.app, desk.client, name, jwt, &tokens.access, &tokens.browser).await;
        match refreshed {
            Ok(DeviceRefresh::Issued(tokens)) => {
                if let Some(challenge) = &tokens.next {
                    terms.beside.challenge(challenge);
                }
                let body =
                    Instructions::Bound(BoundSession::of(name, &desk.settings, terms.initiators.hosts().to_vec()));
                Ok(with_tokens(DeviceRefreshed::Ok(Json(body)), &desk.settings, &tokens))
            }
            Ok(DeviceRefresh::Over) => Ok(over(id)),
            Ok(DeviceRefresh::Prove(challenge)) => {
                terms.beside.challenge(&challenge);
                Err(TypedProblem::new(RefreshDeviceCode::DeviceProofRequired))
            }
            Err(DeviceRefreshError::Limited(
                Limited::Throttled { retry_after } | Limited::Overloaded { retry_after },
            )) => Err(TypedProblem::overloaded(retry_after)),
            Err(DeviceRefreshError::Failed(cause)) => Err(cause.into()),
        }
    }
}

/// A structured field may be a string or a token (RFC 9651); browsers have sent either.
fn unquoted(value: Option<&str>) -> Option<&str> {
    let value = value?.trim_ascii();
    Some(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

const fn refused(refusal: &Refusal) -> RegisterDeviceCode {
    match refusal {
        Refusal::Expired => RegisterDeviceCode::SessionExpired,
        Refusal::Ended(EndReason::Logout) => RegisterDeviceCode::SessionEnded,
        Refusal::Ended(EndReason::Reuse | EndReason::Device) => RegisterDeviceCode::SessionReuseDetected,
        Refusal::Unbound | Refusal::Ended(EndReason::Unbound) => RegisterDeviceCode::DeviceBindingRequired,
        Refusal::Ended(_) => RegisterDeviceCode::SessionRevoked,
        Refusal::DeviceProof => RegisterDeviceCode::InvalidDeviceProof,
    }
}

codes! {
    /// Why `registerDevice` refuses.
    RegisterDeviceCode:
        caller InvalidDeviceProof CrossSiteRequest TooManyAttempts
}

codes! {
    /// Why `refreshDevice` refuses.
    RefreshDeviceCode: InvalidDeviceProof CrossSiteRequest DeviceProofRequired Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Registered {
    /// The session is bound to this device.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "String",
            description = "The access token, with the life that it has from now on."
        ),
        header(name = "Secure-Session-Challenge", ty = "String", description = "What to sign next.")
    )]
    Ok(Json<BoundSession>),
}

#[derive(ApiResponse)]
enum DeviceRefreshed {
    /// Both cookies were renewed; or the session has ended, and none was touched.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Three of them, unless the session has ended: the access token, the refresh token, and the hint."
        ),
        header(
            name = "Secure-Session-Challenge",
            ty = "Option<String>",
            description = "What to sign next, unless the session has ended."
        )
    )]
    Ok(Json<Instructions>),
}

/// What a browser does about a bound session from now on.
#[derive(Debug, Union)]
#[oai(one_of)]
enum Instructions {
    Bound(BoundSession),
    Ended(EndedSession),
}

/// A session that is bound to a device.
#[derive(Debug, Object)]
#[oai(example)]
struct BoundSession {
    /// What the browser calls it: 22 characters.
    session_identifier: String,
    /// Where it is refreshed.
    refresh_url: String,
    /// For which requests: all to the service's own origin.
    scope: BoundScope,
    /// The hosts whose pages may cause a refresh.
    allowed_refresh_initiators: Vec<String>,
    /// What a refresh renews.
    credentials: Vec<BoundCookie>,
}

/// Where a bound session counts.
#[derive(Debug, Object)]
struct BoundScope {
    /// Whether on other hosts of the site, too.
    include_site: bool,
}

/// A cookie that is renewed by a proof.
#[derive(Debug, Object)]
struct BoundCookie {
    /// `cookie`.
    r#type: String,
    /// Its name.
    name: String,
    /// Its attributes, as they are set: one that differs would be renewed before every request.
    attributes: String,
}

/// A bound session that has ended.
#[derive(Debug, Object)]
#[oai(example)]
struct EndedSession {
    /// What the browser calls it.
    session_identifier: String,
    /// Always false: the browser forgets the binding.
    r#continue: bool,
}

impl BoundSession {
    fn of(name: BindingName, settings: &Cookies, initiators: Vec<String>) -> Self {
        Self {
            session_identifier: name.to_string(),
            refresh_url: REFRESH.to_owned(),
            scope: BoundScope { include_site: false },
            allowed_refresh_initiators: initiators,
            credentials: vec![BoundCookie {
                r#type: "cookie".to_owned(),
                name: cookies::name(settings, Kind::Access).into_owned(),
                attributes: cookies::attributes(settings, Kind::Access),
            }],
        }
    }
}

impl Example for BoundSession {
    fn example() -> Self {
        Self {
            session_identifier: "pJ0s6u1VfXb2m7dQ8kHc3A".to_owned(),
            refresh_url: REFRESH.to_owned(),
            scope: BoundScope { include_site: false },
            allowed_refresh_initiators: vec!["app.example.com".to_owned()],
            credentials: vec![BoundCookie {
                r#type: "cookie".to_owned(),
                name: "__Host-access_token".to_owned(),
                attributes: "HttpOnly; SameSite=Strict; Path=/; Secure".to_owned(),
            }],
        }
    }
}

impl Example for EndedSession {
    fn example() -> Self {
        Self { session_identifier: "pJ0s6u1VfXb2m7dQ8kHc3A".to_owned(), r#continue: false }
    }
}
