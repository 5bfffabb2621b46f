//! Who asks: the tokens that a request brings, and the person behind them.

use std::sync::Arc;

use poem::http::HeaderMap;
use poem::http::header::AUTHORIZATION;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::cookies::{Jar, Kind, strays};
use super::delivery::Door;
use crate::api::data::Data;
use crate::api::middleware::{Asking, Beside};
use crate::api::problem::{Codes, TypedProblem, codes};
use crate::config::cookies::Cookies;
use crate::domain::session::{Delivery, EndReason, Refusal};
use crate::service::session::{self, AuthError};
use crate::service::{App, Client};

const ACCESS_COOKIE: &str = "accessCookie";
const BEARER: &str = "bearer";
const REFRESH_COOKIE: &str = "refreshCookie";

codes! {
    /// Why [`Caller`] refuses: every operation that asks for one lists these.
    CallerCode:
        NotAuthenticated TokenExpired SessionExpired SessionEnded SessionRevoked SessionReuseDetected
        DeviceBindingRequired Overloaded DatabaseUnavailable
}

/// The person who is logged in, by the access cookie or by `Authorization: Bearer`. When a Bearer token is sent it alone counts,
/// so that who asks with one token is never answered for another. Other schemes (a staging site's Basic) are not ours.
pub struct Caller(pub session::Caller);

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let about = "Set by `login` and `refresh`. It is called `__Host-access_token` where cookies are secure, as in production.";
        registry.create_security_scheme(ACCESS_COOKIE, cookie("access_token", about));
        registry.create_security_scheme(
            BEARER,
            MetaSecurityScheme {
                ty: "http",
                description: Some(
                    "The access token, for clients without cookies. When it is sent it alone counts. With a session whose tokens come in \
                     bodies `X-Doorward-Recent-Proof` may stand beside it.",
                ),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("JWT"),
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![ACCESS_COOKIE, BEARER]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let Data(app) = <Data<&Arc<App>>>::from_request_without_body(request).await?;
        let Data(settings) = <Data<&Cookies>>::from_request_without_body(request).await?;
        let Data(beside) = <Data<&Beside>>::from_request_without_body(request).await?;
        let mut jar = jar(request, settings);
        let access = access_tokens(request.headers(), &mut jar);
        match session::authenticate(app, &access, &jar.take(Kind::Refresh)).await {
            Ok(mut caller) => {
                // So that a page can tell a late answer from one that concerns it.
                beside.session(caller.session_name(app));
                // So that the next refresh of a bound session takes one request.
                if let Some(next) = session::next_challenge(app, &caller.session, app.clock.now()) {
                    beside.challenge(&next);
                }
                caller.recent = match caller.session.delivery {
                    Delivery::Cookies => jar.keep(Kind::Recent),
                    Delivery::Body => recent_proofs(request.headers()),
                };
                caller.one_of_many = request.data::<Asking>().is_some_and(|asking| asking.one_of_many);
                Ok(Self(caller))
            }
            Err(error) => {
                if let AuthError::TokenExpired(id) | AuthError::Refused(id, _) = &error {
                    beside.session(app.session.name_of(*id).to_string().into());
                }
                Err(refused(error).into())
            }
        }
    }
}

/// The cookies of a request. Any app may call itself by the origin of a listed one: none are theirs.
fn jar<'h>(request: &'h Request, settings: &Cookies) -> Jar<'h> {
    let is_app = request.data::<Asking>().is_some_and(|asking| asking.app);
    if is_app { Jar::default() } else { Jar::read(request.headers(), settings) }
}

/// What a client without cookies brings in the place of the cookie.
fn recent_proofs(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("x-doorward-recent-proof").iter();
    values.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect()
}

fn refused(error: AuthError) -> TypedProblem<CallerCode> {
    TypedProblem::new(match error {
        // An access token needs no proof: its device has proved itself when it was made.
        AuthError::NotAuthenticated | AuthError::Refused(_, Refusal::DeviceProof) => CallerCode::NotAuthenticated,
        AuthError::TokenExpired(_) => CallerCode::TokenExpired,
        AuthError::Refused(_, Refusal::Expired) => CallerCode::SessionExpired,
        AuthError::Refused(_, Refusal::Ended(EndReason::Logout)) => CallerCode::SessionEnded,
        AuthError::Refused(_, Refusal::Ended(EndReason::Reuse | EndReason::Device)) => CallerCode::SessionReuseDetected,
        AuthError::Refused(_, Refusal::Unbound | Refusal::Ended(EndReason::Unbound)) => {
            CallerCode::DeviceBindingRequired
        }
        AuthError::Refused(_, Refusal::Ended(_)) => CallerCode::SessionRevoked,
        AuthError::Failed(cause) => return cause.into(),
    })
}

/// Refuses what a page sends for another person than the caller: somebody else has logged in with this browser meanwhile. `named` is
/// the header `X-Doorward-User`, if it was sent: the id of the person whom the page shows.
pub(in crate::api) fn same_user<C: Codes>(
    caller: &session::Caller,
    named: Option<&str>,
) -> Result<(), TypedProblem<C>> {
    match named {
        Some(named) if named != caller.user.id.to_string() => Err(TypedProblem::other_user()),
        _ => Ok(()),
    }
}

/// What a request presents as access tokens: its Bearer tokens, or else its cookies.
fn access_tokens<'h>(headers: &'h HeaderMap, jar: &mut Jar<'h>) -> Vec<&'h str> {
    let bearer = bearer(headers);
    if bearer.is_empty() { jar.take(Kind::Access) } else { bearer }
}

/// All Bearer tokens that are sent; of several the service takes the only authentic one.
fn bearer(headers: &HeaderMap) -> Vec<&str> {
    fn token(value: &[u8]) -> Option<&str> {
        let text = std::str::from_utf8(value).ok()?.trim_ascii();
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_ascii())
    }
    headers.get_all(AUTHORIZATION).iter().filter_map(|value| token(value.as_bytes())).collect()
}

/// What operations with many parameters stand on, together.
pub(in crate::api) struct Desk {
    pub(in crate::api) app: Arc<App>,
    pub(in crate::api) client: Client,
    pub(in crate::api) settings: Cookies,
    /// Where the request comes from.
    pub(in crate::api) door: Door,
    /// The challenges for passkeys that the browser holds.
    pub(in crate::api) ceremonies: Vec<String>,
}

impl<'a> FromRequest<'a> for Desk {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let Data(app) = <Data<&Arc<App>>>::from_request_without_body(request).await?;
        let Data(client) = <Data<&Client>>::from_request_without_body(request).await?;
        let Data(settings) = <Data<&Cookies>>::from_request_without_body(request).await?;
        let (door, ceremonies) = (Door::of(request, settings), jar(request, settings).keep(Kind::Ceremony));
        Ok(Self { app: Arc::clone(app), client: client.clone(), settings: settings.clone(), door, ceremonies })
    }
}

/// The tokens that a request brings, not looked into: all cookies of the name. The service finds the authentic one.
pub(in crate::api) struct Tokens {
    /// Access tokens.
    pub(in crate::api) access: Vec<String>,
    /// What else the browser brings.
    pub(in crate::api) browser: session::Browser,
    /// Where the request comes from.
    pub(in crate::api) door: Door,
    /// What clears access cookies that other settings have set.
    pub(super) strays: Vec<String>,
}

impl<'a> FromRequest<'a> for Tokens {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let Data(app) = <Data<&Arc<App>>>::from_request_without_body(request).await?;
        let Data(settings) = <Data<&Cookies>>::from_request_without_body(request).await?;
        let mut jar = jar(request, settings);
        let access: Vec<_> = access_tokens(request.headers(), &mut jar).into_iter().map(str::to_owned).collect();
        // Not those of another installation on a host beside or above this one.
        let is_ours = access.iter().all(|token| session::is_ours(app, token));
        Ok(Self {
            access,
            browser: session::Browser {
                refresh: jar.keep(Kind::Refresh),
                device: jar.keep(Kind::Device),
                tickets: jar.keep(Kind::Ticket),
                ceremonies: jar.keep(Kind::Ceremony),
                recent: jar.keep(Kind::Recent),
                delivery: Delivery::Cookies,
                binds: false,
            },
            door: Door::of(request, settings),
            strays: if is_ours { strays(request.headers(), settings) } else { Vec::new() },
        })
    }
}

/// The refresh tokens, where the operation is of no use without one: then the service refuses.
pub(super) struct RefreshCookie(pub(super) Tokens);

impl<'a> ApiExtractor<'a> for RefreshCookie {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let about = "Set by `login` and `refresh`. It is called `__Host-refresh_token` where cookies are secure, as in production.";
        registry.create_security_scheme(REFRESH_COOKIE, cookie("refresh_token", about));
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![REFRESH_COOKIE]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(Self(Tokens::from_request_without_body(request).await?))
    }
}

fn cookie(name: &'static str, about: &'static str) -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "apiKey",
        description: Some(about),
        name: Some(name),
        key_in: Some("cookie"),
        scheme: None,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn tokens(values: &[&'static str]) -> Vec<String> {
        let headers = values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect();
        bearer(&headers).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn bearer_tokens_are_found_and_other_schemes_are_not_ours() {
        assert_eq!(tokens(&["Bearer abc"]), ["abc"]);
        assert_eq!(tokens(&["bearer  abc "]), ["abc"]);
        assert_eq!(tokens(&["Basic dXNlcjpwYXNz", "BEARER abc"]), ["abc"]);
        assert!(tokens(&["Basic dXNlcjpwYXNz"]).is_empty());
        assert!(tokens(&["Bearerabc"]).is_empty());
        assert!(tokens(&[]).is_empty());
    }

    #[test]
    fn an_empty_bearer_token_counts_as_sent() {
        assert_eq!(tokens(&["Bearer"]), [""]);
        assert_eq!(tokens(&["Bearer "]), [""]);
    }
}
