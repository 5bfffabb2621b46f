//! The cookies beside an answer.

use poem::http::header::SET_COOKIE;
use poem_openapi::payload::Response;

use super::bound;
use super::cookies::{self, Kind};
use super::delivery::in_body;
use crate::api::middleware::X_DOORWARD_SESSION;
use crate::config::cookies::Cookies;
use crate::service::session::IssuedTokens;

/// The reply, with the cookies of both tokens, and of the device where somebody has logged in with it; without any where the tokens are
/// delivered in bodies.
pub(in crate::api) fn with_tokens<T>(reply: T, settings: &Cookies, tokens: &IssuedTokens) -> Response<T> {
    beside_tokens(Response::new(reply), settings, tokens)
}

/// The same of a login, which clears what is over: a ticket, and access cookies that other settings have set. Those first: where a
/// browser takes one of them for the new one, the new one stays.
pub(super) fn logged_in<T>(
    reply: T,
    settings: &Cookies,
    tokens: &IssuedTokens,
    (had_ticket, strays): (bool, &[String]),
) -> Response<T> {
    let strays = if in_body(tokens) { &[] } else { strays };
    let reply = strays.iter().fold(Response::new(reply), |reply, stray| reply.header(SET_COOKIE, stray));
    let reply = beside_tokens(reply, settings, tokens);
    if had_ticket { reply.header(SET_COOKIE, cookies::clear(settings, Kind::Ticket)) } else { reply }
}

fn beside_tokens<T>(reply: Response<T>, settings: &Cookies, tokens: &IssuedTokens) -> Response<T> {
    let reply = reply.header(X_DOORWARD_SESSION, tokens.session.to_string());
    if in_body(tokens) {
        return reply;
    }
    let reply = reply
        .header(SET_COOKIE, cookies::set(settings, Kind::Access, &tokens.access, tokens.access_max_age))
        .header(SET_COOKIE, cookies::set(settings, Kind::Hint, cookies::HINT, tokens.refresh_max_age))
        .header(SET_COOKIE, cookies::set(settings, Kind::Refresh, &tokens.refresh, tokens.refresh_max_age));
    let reply = match &tokens.device {
        Some(device) => reply.header(SET_COOKIE, cookies::set(settings, Kind::Device, device, cookies::DEVICE_MAX_AGE)),
        None => reply,
    };
    let reply = with_recent(reply, settings, tokens);
    match &tokens.offer {
        Some(challenge) => reply.header("Secure-Session-Registration", bound::offer(challenge)),
        None => reply,
    }
}

/// The reply, with the access cookie and what tells that somebody has just proved who they are. The refresh token is as it was.
pub(in crate::api) fn with_proof<T>(reply: T, settings: &Cookies, tokens: &IssuedTokens) -> Response<T> {
    let reply = Response::new(reply).header(X_DOORWARD_SESSION, tokens.session.to_string());
    if in_body(tokens) {
        return reply;
    }
    let access = cookies::set(settings, Kind::Access, &tokens.access, tokens.access_max_age);
    let reply = reply.header(SET_COOKIE, access);
    with_recent(reply, settings, tokens)
}

fn with_recent<T>(reply: Response<T>, settings: &Cookies, tokens: &IssuedTokens) -> Response<T> {
    match &tokens.recent {
        Some(recent) => reply.header(SET_COOKIE, cookies::set(settings, Kind::Recent, recent, cookies::RECENT_MAX_AGE)),
        None => reply,
    }
}

/// The reply, with the challenge that an authenticator is asked to sign.
pub(in crate::api) fn with_ceremony<T>(reply: T, settings: &Cookies, ceremony: &str) -> Response<T> {
    Response::new(reply).header(SET_COOKIE, cookies::set(settings, Kind::Ceremony, ceremony, cookies::CEREMONY_MAX_AGE))
}
