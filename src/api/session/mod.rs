//! Sessions: log in, refresh, log out; where one is logged in.

mod bodies;
mod bound;
mod caller;
mod check;
mod cookies;
mod delivery;
mod devices;
mod enrol;
mod enrol_passkey;
mod initiators;
mod jwks;
mod login_passkey;
mod replies;
mod second_factor;
mod state;

use std::sync::Arc;
use std::time::Duration;

use poem::http::HeaderMap;
use poem::http::header::SET_COOKIE;
use poem_openapi::param::Header;
use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, OpenApi};

use self::bodies::{Login, Refresh};
pub use self::bound::BoundApi;
use self::caller::RefreshCookie;
pub use self::caller::{Caller, CallerCode};
pub(super) use self::caller::{Desk, Tokens, same_user};
pub use self::check::CheckApi;
pub(super) use self::check::{PATH as CHECK, TellsEmail};
use self::cookies::Kind;
pub(super) use self::delivery::Delivered;
pub use self::devices::DevicesApi;
pub(super) use self::devices::{Session, clearing};
pub use self::enrol::EnrolApi;
pub use self::enrol_passkey::EnrolPasskeyApi;
pub use self::initiators::Initiators;
pub use self::jwks::JwksApi;
pub(super) use self::login_passkey::Asked;
pub use self::login_passkey::PasskeyLoginApi;
use self::replies::logged_in;
pub(super) use self::replies::{with_ceremony, with_proof, with_tokens};
pub use self::second_factor::SecondFactorApi;
pub(super) use self::second_factor::optionally_offered;
pub use self::state::StateApi;
use super::Tag;
use super::body::{IfJson, Strict};
use super::middleware::X_DOORWARD_SESSION;
use super::problem::{Ticket, TypedProblem, codes};
use super::types::{LOGGED_IN, LOGGED_OUT, Message, REFRESHED};
use crate::api::data::Data;
use crate::config::cookies::Cookies;
use crate::domain::factor::Method;
use crate::domain::session::{Delivery, EndReason, Refusal};
use crate::service::session::{self, LoginError, LoginOutcome, LogoutError, RefreshError};
use crate::service::{App, Client};

/// When a browser that could not reach the service asks again.
const SOON: Duration = Duration::from_secs(5);

/// Operations on the person's session.
pub struct SessionApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Session")]
impl SessionApi {
    /// Log in
    ///
    /// Starts a session, and sets five cookies that no script can read: the access token, the refresh token that renews it, a hint
    /// without any secret that there is a session, one that this browser is known by from now on, so that nobody who attacks the account can
    /// keep it out, and one that tells for ten minutes that it was proved who asks. A session of this browser that is still there ends.
    ///
    /// Where the account has a second factor a right password is answered with `second_factor_required` and a cookie that holds a ticket:
    /// `loginSecondFactor` goes on with that.
    ///
    /// An unknown email, a wrong password and a disabled account get the same answer in the same time.
    ///
    /// Clients that are no page and have no cookies, such as native apps, ask for `token_delivery: body`: then the answer has the tokens
    /// themselves, or the ticket, and sets no cookie. To whatever may be a page that is refused.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
        /// `device`, if the page knows sessions that are bound to a device. Then it is offered to browsers that can.
        #[oai(name = "X-Doorward-Bind")]
        bind: Header<Option<String>>,
        credentials: Strict<Login>,
    ) -> Result<Response<LoggedIn>, TypedProblem<LoginCode>> {
        let (typed, delivery) = credentials.0;
        let door = tokens.door;
        door.allow(delivery)?;
        let browser = session::Browser { binds: binds(bind.0.as_deref()), delivery, ..tokens.browser };
        let had_ticket = !browser.tickets.is_empty();
        let hand = |ticket: String| match delivery {
            Delivery::Cookies => Ticket::Cookie(cookies::set(settings, Kind::Ticket, &ticket, cookies::TICKET_MAX_AGE)),
            Delivery::Body => Ticket::Body(ticket),
        };
        match session::login(app, client.clone(), typed, browser).await {
            Ok(LoginOutcome::SignedIn(issued)) => {
                let body = Json(Delivered::both(LOGGED_IN, &issued));
                Ok(logged_in(LoggedIn::Ok(body), settings, &issued, (had_ticket, &tokens.strays)))
            }
            Ok(LoginOutcome::SecondFactor { ticket, methods }) => {
                Err(TypedProblem::new(LoginCode::SecondFactorRequired).methods(methods).with_ticket(hand(ticket)))
            }
            Ok(LoginOutcome::Enrol { ticket, mut methods }) => {
                methods.retain(|method| *method != Method::Passkey || door.has_passkeys(delivery));
                let problem = TypedProblem::new(LoginCode::SecondFactorEnrolmentRequired).methods(methods);
                Err(problem.with_ticket(hand(ticket)))
            }
            Err(LoginError::Incorrect) => Err(TypedProblem::new(LoginCode::IncorrectCredentials)),
            Err(LoginError::EmailNotVerified) => Err(TypedProblem::new(LoginCode::EmailNotVerified)),
            Err(LoginError::Limited(limited)) => Err(limited.into()),
            Err(LoginError::Failed(cause)) => Err(cause.into()),
        }
    }

    /// Refresh the session
    ///
    /// Renews the session's cookies. Call it when another operation answers `token_expired`, and then try that one again. Simultaneous calls,
    /// repeated calls and lost answers are safe: within a short time all of them get the same new refresh token.
    ///
    /// A session that is bound to a device is renewed by the browser itself, before it asks for anything. Where that has happened, no
    /// cookie is set; where it has not, the cookies alone do not suffice: `device_proof_required`.
    ///
    /// A client that got its tokens in bodies sends the refresh token in one, with `token_delivery: body`, and no cookie. A token that was
    /// delivered in the other way is none.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        cookie: RefreshCookie,
        /// Written by a browser that could not renew a bound session in time, and why.
        #[oai(name = "Secure-Session-Skipped")]
        skipped: Header<Option<String>>,
        in_body: IfJson<Refresh>,
    ) -> Result<Response<Refreshed>, TypedProblem<RefreshCode>> {
        let Tokens { access, mut browser, door, .. } = cookie.0;
        if let Some(token) = in_body.0 {
            door.allow(Delivery::Body)?;
            browser = session::Browser { refresh: vec![token], delivery: Delivery::Body, ..browser };
        }
        match session::refresh(app, client.clone(), &browser, &access).await {
            Ok(session::Refreshed::Issued(tokens)) => {
                Ok(with_tokens(Refreshed::Ok(Json(Delivered::both(REFRESHED, &tokens))), settings, &tokens))
            }
            Ok(session::Refreshed::ByDevice(caller)) => {
                let name = app.session.name_of(caller.session.id);
                Ok(Response::new(Refreshed::Ok(Json(Delivered::without(REFRESHED))))
                    .header(X_DOORWARD_SESSION, name.to_string()))
            }
            Err(error) => Err(TypedProblem::new(match error {
                RefreshError::NotAuthenticated => RefreshCode::NotAuthenticated,
                RefreshError::Refused(Refusal::Expired) => RefreshCode::SessionExpired,
                RefreshError::Refused(Refusal::Ended(EndReason::Logout)) => RefreshCode::SessionEnded,
                RefreshError::Refused(Refusal::Ended(EndReason::Reuse | EndReason::Device)) => {
                    RefreshCode::SessionReuseDetected
                }
                RefreshError::Refused(Refusal::Unbound | Refusal::Ended(EndReason::Unbound)) => {
                    RefreshCode::DeviceBindingRequired
                }
                RefreshError::Refused(Refusal::Ended(_)) => RefreshCode::SessionRevoked,
                // The browser has the key, and was not answered: it is no stranger, and will ask again. Whoever else writes that gains nothing.
                RefreshError::Refused(Refusal::DeviceProof) if skipped.0.is_some() => {
                    return Err(TypedProblem::overloaded(SOON));
                }
                RefreshError::Refused(Refusal::DeviceProof) => RefreshCode::DeviceProofRequired,
                RefreshError::Limited(limited) => return Err(limited.into()),
                RefreshError::Failed(cause) => return Err(cause.into()),
            })),
        }
    }

    /// Log out
    ///
    /// Ends the session that the cookies (or the Bearer token) belong to, if there is one, and clears both. Expired tokens end nothing.
    /// The cookie that the browser is known by stays. Cookies with tokens of ours under names that other settings gave them are cleared,
    /// too. Safe to repeat.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        tokens: Tokens,
        headers: &HeaderMap,
    ) -> Result<Response<LoggedOut>, TypedProblem<LogoutCode>> {
        match session::logout(app, client.clone(), &tokens.browser, &tokens.access).await {
            Ok(()) => {
                let reply = clearing(LoggedOut::Ok(Json(Message::new(LOGGED_OUT))), settings);
                // Not those of another installation on this host.
                let ours = cookies::old(headers, settings).into_iter().filter(|old| session::is_ours(app, old.value));
                let cleared = ours.flat_map(|old| old.clear(headers, settings)).chain(tokens.strays);
                Ok(cleared.fold(reply, |reply, clear| reply.header(SET_COOKIE, clear)))
            }
            Err(LogoutError::Overloaded { retry_after }) => Err(TypedProblem::overloaded(retry_after)),
            Err(LogoutError::Failed(cause)) => Err(cause.into()),
        }
    }
}

/// Whether a page says that it knows sessions that are bound to a device: `X-Doorward-Bind: device`. Others would take a session that
/// is refused without its device for one that has ended.
pub(super) fn binds(header: Option<&str>) -> bool {
    header == Some("device")
}

codes! {
    /// Why `login` refuses.
    LoginCode:
        MalformedJson IncorrectCredentials SecondFactorRequired SecondFactorEnrolmentRequired EmailNotVerified CrossSiteRequest TokenDeliveryRefused PayloadTooLarge UnsupportedMediaType ValidationFailed
        TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `refresh` refuses.
    RefreshCode:
        MalformedJson NotAuthenticated SessionExpired SessionEnded SessionRevoked SessionReuseDetected DeviceBindingRequired
        CrossSiteRequest DeviceProofRequired TokenDeliveryRefused PayloadTooLarge ValidationFailed
        TooManyAttempts Overloaded DatabaseUnavailable
}

codes! {
    /// Why `logout` refuses.
    LogoutCode: CrossSiteRequest Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum LoggedIn {
    /// The session was started.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Five of them: the access token, the refresh token, a hint that there is a session, what the browser is known by, \
                           and that it was proved just now who asks. A sixth clears a ticket, where the browser has one. None where the tokens are in the body."
        ),
        header(
            name = "Secure-Session-Registration",
            ty = "Option<String>",
            description = "To a page that knows bound sessions: how the browser can bind this one to its device."
        )
    )]
    Ok(Json<Delivered>),
}

#[derive(ApiResponse)]
enum Refreshed {
    /// Both cookies were renewed, now or, where the session is bound to a device, by the browser before.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Three of them: the access token, the refresh token, and the hint; none where the browser has renewed them by itself, and where they are in the body."
        )
    )]
    Ok(Json<Delivered>),
}

#[derive(ApiResponse)]
enum LoggedOut {
    /// There is no session any more.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Four of them, with `Max-Age=0`: all of the session are cleared, and the recent proof. More where there are some by \
                           older names; none to an app of another scheme."
        )
    )]
    Ok(Json<Message>),
}
