//! Refuses what pages of other sites send.

use poem::Request;
use poem::http::header::ORIGIN;

use super::context::{Context, Unreadable};
use super::origins::Origins;
use crate::api::problem::{Code, Problem};
use crate::api::session::CHECK;

const DETAIL: &str = "The request came from a page of another site. The page and the service must share a site, or the page's \
                      origin must be in ALLOWED_ORIGINS. In development, open both under localhost.";

const X_DOORWARD_BIND: &str = "x-doorward-bind";

/// Whose page, or app, a request says it comes from, where that is neither the service's own nor a listed one. In its data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking {
    /// A listed app: its origin's scheme is neither `http` nor `https`. Any app can take such an origin.
    pub app: bool,
    /// One of many pages that a `*` allows.
    pub one_of_many: bool,
}

/// The first check of all.
pub(super) fn check(origins: &Origins, context: &Context, request: &mut Request) -> Result<(), Problem> {
    let (method, headers) = (request.method(), request.headers());
    let refuses = if request.uri().path() == CHECK && method.is_safe() {
        origins.refuses_original(context.original_method.as_ref(), headers)
    } else {
        origins.refuses(method, headers, context.from_proxy)
    };
    // What could not be read is refused for that.
    if refuses && request.data::<Unreadable>().is_none() {
        return Err(Problem::new(Code::CrossSiteRequest, DETAIL));
    }
    if !request.headers().contains_key(ORIGIN) {
        return Ok(());
    }
    let (app, one_of_many) = (origins.is_app(request.headers()), origins.is_one_of_many(request.headers()));
    // Browsers let no `*` renew a bound session: such a page would be logged out when its access token ends.
    if app || one_of_many {
        request.headers_mut().remove(X_DOORWARD_BIND);
        request.set_data(Asking { app, one_of_many });
    }
    Ok(())
}
