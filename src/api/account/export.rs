//! Everything that is stored about the person, as a file.

use std::io;
use std::sync::Arc;

use futures_util::stream::{self, Stream, TryStreamExt as _};
use poem::http::header::CONTENT_DISPOSITION;
use poem_openapi::payload::Response;
use poem_openapi::types::ToJSON;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::User;
use crate::api::Tag;
use crate::api::data::Data;
use crate::api::factor::FactorList;
use crate::api::payload::JsonStream;
use crate::api::problem::{TypedProblem, codes};
use crate::api::session::{Caller, Session};
use crate::api::types::Moment;
use crate::domain::audit::Entry;
use crate::domain::factor::Recovery;
use crate::domain::session::{self, SessionId};
use crate::service::account::{self, ExportError, LinkOf, MailOf, Page};
use crate::service::{App, Client, Failure};

/// The person's own data.
pub struct ExportApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Account")]
impl ExportApi {
    /// Export my data
    ///
    /// Everything that is stored about the person: the account, its factors, mails, links, all sessions and the audit. Never hashes or secrets. One at a time a
    /// person, and a few an hour. Where the account has a second factor it wants a recent proof: `reauthenticate`.
    #[oai(path = "/me/export", method = "get", operation_id = "exportMe")]
    async fn export(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Caller(caller): Caller,
    ) -> Result<Response<Exported>, TypedProblem<ExportCode>> {
        match account::export(app, &caller, client).await {
            Ok(export) => {
                let text = text(export, Some(caller.session.id)).map_err(|cause| broken_off(&cause));
                let reply = Exported::Ok(JsonStream::new(text));
                Ok(Response::new(reply).header(CONTENT_DISPOSITION, "attachment; filename=\"doorward-export.json\""))
            }
            Err(ExportError::Wanted(methods)) => Err(TypedProblem::reauthenticate(methods)),
            Err(ExportError::Gone) => Err(TypedProblem::new(ExportCode::NotAuthenticated)),
            Err(ExportError::Limited(limited)) => Err(limited.into()),
            Err(ExportError::Failed(cause)) => Err(cause.into()),
        }
    }
}

codes! {
    /// Why `exportMe` refuses.
    ExportCode: caller ReauthenticationRequired ExactOriginRequired TooManyAttempts
}

/// The status is sent already: all that can be done is not to send the end.
fn broken_off(cause: &Failure) -> io::Error {
    tracing::error!(error = cause as &(dyn std::error::Error + 'static), "an export was broken off");
    io::Error::other("broken off")
}

/// The document of `exportMe`, part by part as it is read: the whole of it is never in memory.
pub fn text(export: account::Export, current: Option<SessionId>) -> impl Stream<Item = Result<String, Failure>> + Send {
    let writer = Writer { current, list: List::Sessions, is_empty: true };
    stream::try_unfold(Some((export, writer, true)), |state| async move {
        let Some((mut export, mut writer, is_first)) = state else { return Ok(None) };
        let head = if is_first { Writer::head(&export) } else { String::new() };
        Ok(Some(match export.next().await? {
            Some(page) => (head + &writer.page(page), Some((export, writer, false))),
            None => (head + writer.end(), None),
        }))
    })
}

/// Writes an [`Export`]. The lists have no end until it is known.
struct Writer {
    current: Option<SessionId>,
    list: List,
    /// The list that is being written has no item yet.
    is_empty: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Sessions,
    Audit,
}

impl Writer {
    fn head(export: &account::Export) -> String {
        let user = User::from(export.user.clone()).to_json_string();
        let mails: Vec<_> = export.mails.iter().map(StoredMail::of).collect();
        let links: Vec<_> = export.links.iter().map(StoredLink::of).collect();
        let left =
            export.left_addresses.iter().map(|(email, at)| LeftAddress { email: email.clone(), left_at: Moment(*at) });
        let left: Vec<_> = left.collect();
        let (mails, links, left) = (mails.to_json_string(), links.to_json_string(), left.to_json_string());
        let factors = FactorList::from(export.factors.clone()).to_json_string();
        let recovery = export.recovery.as_ref().map(StoredRecovery::of).to_json_string();
        format!(
            "{{\"user\":{user},\"factors\":{factors},\"factor_recovery\":{recovery},\"mails\":{mails},\"links\":{links},\"left_addresses\":{left},\"sessions\":["
        )
    }

    fn page(&mut self, page: Page) -> String {
        let mut text = String::new();
        let items: Vec<String> = match page {
            Page::Sessions(sessions) => {
                sessions.into_iter().map(|session| StoredSession::of(session, self.current).to_json_string()).collect()
            }
            Page::Audit(entries) => {
                if self.list == List::Sessions {
                    (self.list, self.is_empty) = (List::Audit, true);
                    text += BETWEEN;
                }
                entries.into_iter().map(|entry| AuditRecord::from(entry).to_json_string()).collect()
            }
        };
        for item in items {
            if !std::mem::take(&mut self.is_empty) {
                text.push(',');
            }
            text += &item;
        }
        text
    }

    const fn end(&self) -> &'static str {
        match self.list {
            List::Sessions => "],\"audit\":[]}\n",
            List::Audit => "]}\n",
        }
    }
}

/// Where the sessions end and the audit begins.
const BETWEEN: &str = "],\"audit\":[";

#[derive(ApiResponse)]
enum Exported {
    /// A file.
    #[oai(
        status = 200,
        header(name = "Content-Disposition", ty = "String", description = "Says that it is a file to keep.")
    )]
    Ok(JsonStream<Export>),
}

/// Everything that is stored about a person.
// Never in memory as a whole: it is the schema of what `Writer` writes.
#[derive(Debug, Object)]
struct Export {
    /// The account.
    user: User,
    /// What it has beside its password.
    factors: FactorList,
    /// The removal of lost factors that is under way; null where none is.
    factor_recovery: Option<StoredRecovery>,
    /// The mails that were written for the person and are still remembered, the oldest first.
    mails: Vec<StoredMail>,
    /// The links that were made for the person, the oldest first.
    links: Vec<StoredLink>,
    /// The addresses that the account had, and that nobody else may take yet.
    left_addresses: Vec<LeftAddress>,
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
    /// How the person proved who they are when it began, in the words of RFC 8176: `pwd` is the password.
    amr: Vec<String>,
    /// When they did.
    proved_at: Option<Moment>,
    /// When it ends if it is not used.
    idle_expires_at: Moment,
    /// When it ends in any case.
    expires_at: Moment,
    /// When it was ended, if it was.
    ended_at: Option<Moment>,
    /// Why it was ended.
    end_reason: Option<String>,
}

/// Lost factors that are to be removed, unless somebody who has one calls it off.
#[derive(Debug, Object)]
struct StoredRecovery {
    /// When it was asked for.
    started_at: Moment,
    /// Before this nothing is removed.
    due_at: Moment,
}

/// A mail to the person.
#[derive(Debug, Object)]
struct StoredMail {
    /// When what it tells of happened.
    at: Moment,
    /// What it is about, such as `reset`.
    kind: String,
    /// What became of it, such as `sent`; null while it waits.
    outcome: Option<String>,
}

/// A link in a mail to the person, or that an operator made. Never what opens it.
#[derive(Debug, Object)]
struct StoredLink {
    /// What it is good for, such as `reset`.
    purpose: String,
    /// When it was made.
    made_at: Moment,
    /// Until when it is good.
    expires_at: Moment,
    /// When it was used; null where it was not.
    used_at: Option<Moment>,
}

/// An address that the account had.
#[derive(Debug, Object)]
struct LeftAddress {
    /// The address.
    email: String,
    /// When the account got another one.
    left_at: Moment,
}

impl StoredRecovery {
    const fn of(recovery: &Recovery) -> Self {
        Self { started_at: Moment(recovery.started_at), due_at: Moment(recovery.due_at) }
    }
}

impl StoredMail {
    fn of(mail: &MailOf) -> Self {
        Self { at: Moment(mail.at), kind: mail.kind.clone(), outcome: mail.outcome.clone() }
    }
}

impl StoredLink {
    fn of(link: &LinkOf) -> Self {
        let LinkOf { purpose, made_at, expires_at, used_at } = link.clone();
        Self { purpose, made_at: Moment(made_at), expires_at: Moment(expires_at), used_at: used_at.map(Moment) }
    }
}

/// Something that happened.
#[derive(Debug, Object)]
struct AuditRecord {
    /// When.
    at: Moment,
    /// What, such as `login_succeeded`.
    event: String,
    /// Who did it: `person`, `operator` or `service`. More may come.
    actor: String,
    /// In which session.
    session_id: Option<String>,
    /// From where.
    ip: Option<String>,
    /// The `User-Agent` that the device sent.
    user_agent: Option<String>,
    /// More, if there is more to say.
    detail: Option<String>,
}

impl StoredSession {
    fn of(session: session::Session, current: Option<SessionId>) -> Self {
        Self {
            session: Session::of(&session, current),
            user_agent: session.user_agent,
            amr: session.amr.iter().map(|method| method.as_str().to_owned()).collect(),
            proved_at: session.proved_at.map(Moment),
            idle_expires_at: Moment(session.idle_expires_at),
            expires_at: Moment(session.expires_at),
            ended_at: session.ended.as_ref().map(|ended| Moment(ended.at)),
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
            actor: record.actor.as_str().to_owned(),
            session_id: record.session_id.map(|id| id.to_string()),
            ip: record.ip.map(|ip| ip.to_string()),
            user_agent: record.user_agent,
            detail: record.detail,
        }
    }
}
