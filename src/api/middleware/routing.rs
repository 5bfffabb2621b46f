//! What can't be read, 404, 405 with `Allow`, OPTIONS and HEAD, for every path alike.

use http_body_util::combinators::BoxBody;
use hyper::body::Body as _;
use poem::http::header::{ALLOW, CONTENT_LENGTH};
use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Body, Endpoint, IntoResponse, Request, Response, Result};

use super::context::{Context, Unreadable};
use crate::api::problem::{Code, Problem};

/// Lets through what the table of routes declares.
pub(super) struct Routing<E>(E);

impl<E> Routing<E> {
    pub(super) fn new(inner: E) -> Self {
        Self(inner)
    }
}

impl<E: Endpoint> Endpoint for Routing<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        if let Some(unreadable) = request.data::<Unreadable>() {
            let code = match unreadable {
                Unreadable::Malformed => Code::MalformedRequest,
                Unreadable::HeadTooLarge => Code::HeadersTooLarge,
            };
            return Err(Problem::of(code).into());
        }
        let Some(route) = request.data::<Context>().and_then(|context| context.route.clone()) else {
            return Err(Problem::of(Code::NotFound).into());
        };
        if !route.allows(request.method()) {
            let mut response = Problem::of(Code::MethodNotAllowed).into_response();
            response.headers_mut().insert(ALLOW, route.allow());
            return Ok(response);
        }
        if request.method() == Method::OPTIONS {
            return Ok(Response::builder().status(StatusCode::NO_CONTENT).header(ALLOW, route.allow()).finish());
        }
        let is_head = request.method() == Method::HEAD;
        if is_head {
            request.set_method(Method::GET);
        }
        let response = self.0.call(request).await?.into_response();
        Ok(if is_head { without_body(response) } else { response })
    }
}

/// The same head, `Content-Length` too.
fn without_body(mut response: Response) -> Response {
    let body: BoxBody<_, _> = response.take_body().into();
    if let Some(length) = body.size_hint().exact() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    response.set_body(Body::empty());
    response
}
