//! What can't be read, 404, 405 with `Allow`, OPTIONS and HEAD, for every path alike.

use http_body_util::combinators::BoxBody;
use hyper::body::Body as _;
use poem::http::header::{ALLOW, CONTENT_LENGTH};
use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Body, IntoResponse, Request, Response};

use super::context::Unreadable;
use crate::api::problem::{Code, Problem};
use crate::api::routes::Route;

/// Whether the answer's body is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Whole,
    /// HEAD: it is answered as GET would be.
    Head,
}

/// Lets through what the table of routes declares.
pub(super) fn check(route: Option<&Route>, request: &mut Request) -> Result<Asked, Box<Response>> {
    if let Some(unreadable) = request.data::<Unreadable>() {
        let code = match unreadable {
            Unreadable::Malformed => Code::MalformedRequest,
            Unreadable::HeadTooLarge => Code::HeadersTooLarge,
        };
        return Err(Problem::of(code).into_response().into());
    }
    let Some(route) = route else { return Err(Problem::of(Code::NotFound).into_response().into()) };
    if !route.allows(request.method()) {
        let mut response = Problem::of(Code::MethodNotAllowed).into_response();
        response.headers_mut().insert(ALLOW, route.allow());
        return Err(response.into());
    }
    if request.method() == Method::OPTIONS {
        return Err(Response::builder().status(StatusCode::NO_CONTENT).header(ALLOW, route.allow()).finish().into());
    }
    if request.method() == Method::HEAD {
        request.set_method(Method::GET);
        return Ok(Asked::Head);
    }
    Ok(Asked::Whole)
}

/// The same head, `Content-Length` too.
pub(super) fn without_body(mut response: Response) -> Response {
    let body: BoxBody<_, _> = response.take_body().into();
    if let Some(length) = body.size_hint().exact() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    response.set_body(Body::empty());
    response
}
