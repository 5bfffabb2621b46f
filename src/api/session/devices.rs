//! Where the person is logged in: list sessions and end them.

use std::sync::Arc;

use poem::http::header::SET_COOKIE;
use poem_openapi::param::{Header, Path};
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::caller::{Caller, CallerCode, same_user};
use super::cookies::{self, Kind};
use crate::api::Tag;
use crate::api::body::{Body, Fields, OptionalStrict};
use crate::api::data::Data;
use crate::api::problem::{TypedProblem, codes};
use crate::api::types::{LOGGED_OUT_EVERYWHERE, Message, Moment, SESSION_ID};
use crate::config::cookies::Cookies;
use crate::domain::session::{self, SessionId, device_name};
use crate::domain::timestamp::Timestamp;
use crate::service::{App, Client, session as service};

/// Operations on the person's sessions.
pub struct DevicesApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Session")]
impl DevicesApi {
    /// List my sessions
    ///
    /// Where the person is logged in, the most recently used first.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessions")]
    async fn list(
        &self,
        Data(app): Data<&Arc<App>>,
        Caller(caller): Caller,
    ) -> Result<Listed, TypedProblem<CallerCode>> {
        let current = caller.session.id;
        match service::list(app, &caller).await {
            Ok(live) => {
                let sessions = live.iter().map(|session| Session::of(session, Some(current))).collect();
                Ok(Listed::Ok(Json(SessionList { sessions })))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// End one of my sessions
    ///
    /// Its tokens are refused from now on. Ending the current one logs out, and clears the session's cookies.
    #[oai(path = "/sessions/:id", method = "delete", operation_id = "endSession")]
    async fn end(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        /// As `listSessions` tells it.
        id: Path<String>,
    ) -> Result<Response<Ended>, TypedProblem<EndCode>> {
        same_user(&caller, shown.0.as_deref())?;
        let not_found = || TypedProblem::new(EndCode::SessionNotFound);
        let id = SessionId::parse(&id.0).ok_or_else(not_found)?;
        match service::end(app, &caller, client.clone(), id).await {
            Ok(true) if id == caller.session.id => Ok(clearing(Ended::Done, settings)),
            Ok(true) => Ok(Response::new(Ended::Done)),
            Ok(false) => Err(not_found()),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Log out everywhere
    ///
    /// Ends all sessions of the person, and clears the session's cookies. With `keep_current` the asking one stays.
    #[oai(path = "/logout-all", method = "post", operation_id = "logoutAll")]
    async fn end_all(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(settings): Data<&Cookies>,
        Caller(caller): Caller,
        /// The id of the person whom the page shows. Where somebody else has logged in with the browser meanwhile, nothing is done.
        #[oai(name = "X-Doorward-User")]
        shown: Header<Option<String>>,
        options: OptionalStrict<LogoutAll>,
    ) -> Result<Response<EndedAll>, TypedProblem<EndAllCode>> {
        same_user(&caller, shown.0.as_deref())?;
        let keep_current = options.0;
        match service::end_all(app, &caller, client.clone(), keep_current).await {
            Ok(()) => {
                let reply = EndedAll::Ok(Json(Message::new(LOGGED_OUT_EVERYWHERE)));
                Ok(if keep_current { Response::new(reply) } else { clearing(reply, settings) })
            }
            Err(cause) => Err(cause.into()),
        }
    }
}

/// The reply, with the session's cookies cleared, and with them that it was proved just now who asks.
pub(in crate::api) fn clearing<T>(reply: T, settings: &Cookies) -> Response<T> {
    [Kind::Access, Kind::Refresh, Kind::Hint, Kind::Recent]
        .into_iter()
        .fold(Response::new(reply), |reply, kind| reply.header(SET_COOKIE, cookies::clear(settings, kind)))
}

codes! {
    /// Why `endSession` refuses.
    EndCode:
        caller CrossSiteRequest OtherUser SessionNotFound
}

codes! {
    /// Why `logoutAll` refuses.
    EndAllCode:
        caller MalformedJson CrossSiteRequest OtherUser PayloadTooLarge UnsupportedMediaType ValidationFailed
}

#[derive(ApiResponse)]
enum Listed {
    /// The person's sessions.
    #[oai(status = 200)]
    Ok(Json<SessionList>),
}

#[derive(ApiResponse)]
enum Ended {
    /// The session has ended. If it was the current one, the session's cookies are cleared.
    #[oai(
        status = 204,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Where the asking session ended: three of them, with `Max-Age=0`."
        )
    )]
    Done,
}

#[derive(ApiResponse)]
enum EndedAll {
    /// The sessions have ended. Unless the current one was kept, the session's cookies are cleared.
    #[oai(
        status = 200,
        header(
            name = "Set-Cookie",
            ty = "Option<String>",
            description = "Where the asking session ended: three of them, with `Max-Age=0`."
        )
    )]
    Ok(Json<Message>),
}

/// Where a person is logged in.
#[derive(Debug, Object)]
struct SessionList {
    /// The most recently used first.
    sessions: Vec<Session>,
}

/// One login of a person.
#[derive(Debug, Object)]
#[oai(example)]
pub(in crate::api) struct Session {
    /// Identifies the session: 22 characters.
    id: String,
    /// When the person logged in.
    created_at: Moment,
    /// When it was last refreshed; the asking session's is now.
    last_used_at: Moment,
    /// The address that it was last refreshed from.
    ip: Option<String>,
    /// A readable name, such as `Firefox on Linux`, or `Unknown device`.
    device: String,
    /// Whether it is the asking one.
    current: bool,
    /// Whether it is bound to its device: a copy of its cookies opens nothing elsewhere.
    bound: bool,
}

impl Session {
    pub(in crate::api) fn of(session: &session::Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.to_string(),
            created_at: Moment(session.created_at),
            last_used_at: Moment(session.last_used_at),
            ip: session.client_ip.map(|ip| ip.to_string()),
            device: device_name(session.user_agent.as_deref()),
            current: Some(session.id) == current,
            bound: session.binding.is_some(),
        }
    }
}

impl Example for Session {
    fn example() -> Self {
        Self {
            id: SESSION_ID.into(),
            created_at: Moment(Timestamp::from_seconds(1_767_052_800)),
            last_used_at: Moment(Timestamp::from_seconds(1_767_056_400)),
            ip: Some("203.0.113.7".into()),
            device: "Firefox on Linux".into(),
            current: true,
            bound: true,
        }
    }
}

/// Which sessions to end.
#[derive(Object)]
#[oai(example)]
struct LogoutAll {
    /// Whether the asking session stays; if it is left out, it does not.
    keep_current: Option<bool>,
}

impl Example for LogoutAll {
    fn example() -> Self {
        Self { keep_current: Some(true) }
    }
}

impl Body for LogoutAll {
    type Value = bool;

    fn read(fields: &mut Fields, _: &App) -> Option<bool> {
        fields.optional::<bool>("keep_current").map(Option::unwrap_or_default)
    }
}
