//! Refuses what pages of other sites send.

use poem::Request;

use super::context::Context;
use super::origins::Origins;
use crate::api::problem::{Code, Problem};
use crate::api::session::CHECK;

const DETAIL: &str = "The request came from a page of another site. The page and the service must share a site, or the page's \
                      origin must be in ALLOWED_ORIGINS. In development, open both under localhost.";

const X_DOORWARD_BIND: &str = "x-doorward-bind";

/// The first check of all.
pub(super) fn check(origins: &Origins, context: &Context, request: &mut Request) -> Result<(), Problem> {
    let (method, headers) = (request.method(), request.headers());
    let refuses = if request.uri().path() == CHECK && method.is_safe() {
        origins.refuses_original(context.original_method.as_ref(), headers)
    } else {
        origins.refuses(method, headers, context.from_proxy)
    };
    if refuses {
        return Err(Problem::new(Code::CrossSiteRequest, DETAIL));
    }
    // Browsers let no `*` renew a bound session: such a page would be logged out when its access token ends.
    if origins.is_one_of_many(request.headers()) {
        request.headers_mut().remove(X_DOORWARD_BIND);
    }
    Ok(())
}
