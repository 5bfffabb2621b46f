//! Everything that is stored about the person, as a file.

use std::sync::Arc;

use poem::http::header::CONTENT_DISPOSITION;
use poem::web::Data;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::ToJSON;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::Value;

use super::User;
use crate::api::Tag;
use crate::api::problem::TypedProblem;
use crate::api::session::{Caller, CallerCode, Session};
use crate::api::types::Moment;
use crate::domain::audit::Entry;
use crate::domain::session::{self, SessionId};
use crate::service::{App, Client, account};

/// The person's own data.
pub struct ExportApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Account")]
impl ExportApi {
    /// Export my data
    ///
    /// Everything that is stored about the person: the account, all sessions and the audit. Never hashes or secrets.
    #[oai(path = "/me/export", method = "get", operation_id = "exportMe")]
    async fn export(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
    ) -> Result<Response<Exported>, TypedProblem<CallerCode>> {
        match account::export(app, &caller, client).await {
            Ok(Some(export)) => {
                let reply = Exported::Ok(Json(Export::of(export, Some(caller.session.id))));
                Ok(Response::new(reply).header(CONTENT_DISPOSITION, "attachment; filename=\"doorward-export.json\""))
            }
            Ok(None) => Err(TypedProblem::new(CallerCode::NotAuthenticated)),
            Err(cause) => Err(TypedProblem::failed(CallerCode::DatabaseUnavailable, &cause)),
        }
    }
}

/// The document of `exportMe`, for who asks without a session.
#[must_use]
pub fn json(export: account::Export) -> Value {
    Export::of(export, None).to_json().unwrap_or_default()
}

#[derive(ApiResponse)]
enum Exported {
    /// A file.
    #[oai(
        status = 200,
        header(name = "Content-Disposition", ty = "String", description = "Says that it is a file to keep.")
    )]
    Ok(Json<Export>),
}

/// Everything that is stored about a person.
#[derive(Debug, Object)]
struct Export {
    /// The account.
    user: User,
    /// All sessions that are still stored, ended ones too, the oldest first.
    sessions: Vec<StoredSession>,
    /// What happened, the oldest first.
    audit: Vec<AuditRecord>,
}

/// A session, with what a person's own list does not show.
#[derive(Debug, Object)]
struct StoredSession {
    /// As in `listSessions`.
    session: Session,
    /// The `User-Agent` that the device sent.
    user_agent: Option<String>,
    /// When it ends if it is not used.
    idle_expires_at: Moment,
    /// When it ends in any case.
    expires_at: Moment,
    /// When it was ended, if it was.
    ended_at: Option<Moment>,
    /// Why it was ended.
    end_reason: Option<String>,
}

/// Something that happened.
#[derive(Debug, Object)]
struct AuditRecord {
    /// When.
    at: Moment,
    /// What, such as `login_succeeded`.
    event: String,
    /// In which session.
    session_id: Option<String>,
    /// From where.
    ip: Option<String>,
    /// The `User-Agent` that the device sent.
    user_agent: Option<String>,
    /// More, if there is more to say.
    detail: Option<String>,
}

impl Export {
    fn of(export: account::Export, current: Option<SessionId>) -> Self {
        Self {
            user: export.user.into(),
            sessions: export.sessions.into_iter().map(|session| StoredSession::of(session, current)).collect(),
            audit: export.audit.into_iter().map(AuditRecord::from).collect(),
        }
    }
}

impl StoredSession {
    fn of(session: session::Session, current: Option<SessionId>) -> Self {
        Self {
            session: Session::of(&session, current),
            user_agent: session.user_agent,
            idle_expires_at: Moment(session.idle_expires_at),
            expires_at: Moment(session.expires_at),
            ended_at: session.ended.map(|ended| Moment(ended.at)),
            end_reason: session.ended.map(|ended| ended.reason.as_str().to_owned()),
        }
    }
}

impl From<Entry> for AuditRecord {
    fn from(entry: Entry) -> Self {
        let Entry { at, record } = entry;
        Self {
            at: Moment(at),
            event: record.event.as_str().to_owned(),
            session_id: record.session_id.map(|id| id.to_string()),
            ip: record.ip.map(|ip| ip.to_string()),
            user_agent: record.user_agent,
            detail: record.detail,
        }
    }
}
