//! Refuses what pages of other sites send.

use std::sync::Arc;

use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::context::{Context, Unreadable};
use super::origins::Origins;
use crate::api::problem::{Code, Problem};
use crate::api::session::CHECK;

const DETAIL: &str = "The request came from a page of another site. The page and the service must share a site, or the page's \
                      origin must be in ALLOWED_ORIGINS. In development, open both under localhost.";

const X_DOORWARD_BIND: &str = "x-doorward-bind";

/// Whose page, or app, a request says it comes from. In its data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking {
    /// A listed app: its origin's scheme is neither `http` nor `https`. Any app can take such an origin.
    pub app: bool,
    /// One of many pages that a `*` allows.
    pub one_of_many: bool,
}

/// The first check of all.
pub(super) struct RefuseCrossSite<E> {
    inner: E,
    origins: Arc<Origins>,
}

impl<E> RefuseCrossSite<E> {
    pub(super) fn new(inner: E, origins: Arc<Origins>) -> Self {
        Self { inner, origins }
    }
}

impl<E: Endpoint> Endpoint for RefuseCrossSite<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let (method, headers) = (request.method(), request.headers());
        let context = request.data::<Context>();
        let refuses = if request.uri().path() == CHECK && method.is_safe() {
            let original = context.and_then(|context| context.original_method.as_ref());
            self.origins.refuses_original(original, headers)
        } else {
            self.origins.refuses(method, headers, context.is_some_and(|context| context.from_proxy))
        };
        // What could not be read is refused for that.
        if refuses && request.data::<Unreadable>().is_none() {
            return Err(Problem::new(Code::CrossSiteRequest, DETAIL).into());
        }
        let (app, one_of_many) = (self.origins.is_app(headers), self.origins.is_one_of_many(headers));
        request.set_data(Asking { app, one_of_many });
        // Browsers let no `*` renew a bound session: such a page would be logged out when its access token ends.
        if app || one_of_many {
            request.headers_mut().remove(X_DOORWARD_BIND);
        }
        self.inner.call(request).await.map(IntoResponse::into_response)
    }
}
