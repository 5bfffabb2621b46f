//! Sessions: how they begin, go on and end, and who is asking.

mod authenticate;
mod begin;
mod end;
mod issue;
mod list;
mod login;
mod logout;
mod refresh;
mod revocations;

pub use authenticate::{AuthError, Caller, authenticate};
pub(super) use begin::{Begun, begin_session, prepare_session, session_begun};
pub(super) use end::{end_by_id, end_session, end_sessions_of, session_ended};
pub use issue::IssuedTokens;
pub(super) use issue::issue_tokens;
pub use list::{end, end_all, list};
pub use login::{Credentials, LoginError, LoginOutcome, login};
pub use logout::logout;
pub use refresh::{RefreshError, refresh};
pub use revocations::follow_revocations;
