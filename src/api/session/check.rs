//! May a request pass: what proxies ask before they hand one on.

use poem_openapi::{ApiResponse, OpenApi};

use super::Caller;
use crate::api::Tag;
use crate::api::data::Data;
use crate::api::problem::{TypedProblem, codes};

/// Where it is: what a proxy asks about is judged by that request's own method and origin.
pub(in crate::api) const PATH: &str = "/api/auth/check";

/// Stands for an address that nobody has confirmed, which anybody may have registered. No address is this.
const UNCONFIRMED: &str = "-";

/// Whether they hear the address of whoever asks, too.
#[derive(Clone, Copy)]
pub(in crate::api) struct TellsEmail(pub(in crate::api) bool);

/// What proxies ask.
pub struct CheckApi;

#[OpenApi(tag = "Tag::Backend")]
impl CheckApi {
    /// May a request pass
    ///
    /// For a proxy that asks before it hands on a request (nginx `auth_request`, Caddy `forward_auth`): it passes on the request's headers
    /// and, as `X-Forwarded-Method`, its method. 204 says who asks, in headers that are always there, once, and never empty, so that
    /// the proxy sets them over whatever the visitor has sent. Nothing is refreshed and no cookie set. A request that a page of another site
    /// sent is refused as if it were for this service.
    #[oai(path = "/api/auth/check", method = "get", operation_id = "check")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn check(
        &self,
        Data(tells): Data<&TellsEmail>,
        Caller(caller): Caller,
    ) -> Result<Checked, TypedProblem<CheckCode>> {
        let user = &caller.user;
        // Never empty: a proxy that copies what is there would pass on the visitor's own.
        let confirmed = if user.email_verified_at.is_some() { user.email.as_str() } else { UNCONFIRMED };
        let email = tells.0.then(|| confirmed.to_owned());
        Ok(Checked::Passes(user.id.to_string(), caller.session.id.to_string(), email))
    }
}

codes! {
    /// Why `check` refuses.
    CheckCode: caller CrossSiteRequest
}

#[derive(ApiResponse)]
enum Checked {
    /// Somebody is logged in.
    #[oai(status = 204)]
    Passes(
        /// The id of the person; `sub` of the access token.
        #[oai(header = "X-User-Id")]
        String,
        /// The id of the session; `sid` of the access token.
        #[oai(header = "X-Session-Id")]
        String,
        /// With `CHECK_USER_EMAIL=on`, and then always: the person's address, where it is confirmed; else `-`.
        #[oai(header = "X-User-Email")]
        Option<String>,
    ),
}
