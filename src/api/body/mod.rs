//! JSON bodies, read strictly: no coercion, no unknown or duplicate keys, all problems at once, nothing submitted repeated.
//!
//! poem-openapi's own `Json` does none of this and repeats submitted values in its errors. Its `Object` gives the schema alone.

mod fields;
mod json;
pub mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use poem::http::HeaderMap;
use poem::http::header::CONTENT_TYPE;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

pub use self::fields::Fields;
use super::problem::{Code, Problem};
use crate::api::data::Data;
use crate::service::App;

/// A body as the spec describes it; reading gives a [`Body::Value`], parsed once and for all.
pub trait Body: Type {
    /// What the use case takes.
    type Value: Send;

    /// Takes the fields, noting every problem. A key that is not asked for is unknown: ask for all before giving up on one.
    fn read(fields: &mut Fields, app: &App) -> Option<Self::Value>;
}

/// The body of a request, read strictly.
pub struct Strict<B: Body>(pub B::Value);

impl<'a, B: Body> ApiExtractor<'a> for Strict<B> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        B::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: "application/json", schema: B::schema_ref() }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !is_json(request.headers()) {
            return Err(Problem::of(Code::UnsupportedMediaType).into());
        }
        let Data(app) = <Data<&Arc<App>>>::from_request_without_body(request).await?;
        // Its size and time are bounded by the middleware, which answers for them.
        let bytes = body.take()?.into_bytes().await?;
        Ok(json::read(&bytes, |fields| B::read(fields, app)).map(Self)?)
    }
}

/// A body that may be left out, and then says nothing.
pub struct OptionalStrict<B: Body>(pub B::Value);

impl<'a, B: Body> ApiExtractor<'a> for OptionalStrict<B> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        B::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Strict::<B>::request_meta().map(|meta| MetaRequest { required: false, ..meta })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        // Declared as something, it is meant to be read; undeclared, it must not be there.
        if request.headers().contains_key(CONTENT_TYPE) {
            return Strict::<B>::from_request(request, body, ExtractParamOptions::default())
                .await
                .map(|Strict(value)| Self(value));
        }
        let Data(app) = <Data<&Arc<App>>>::from_request_without_body(request).await?;
        if !body.take()?.into_bytes().await?.is_empty() {
            return Err(Problem::of(Code::UnsupportedMediaType).into());
        }
        Ok(json::read(b"{}", |fields| B::read(fields, app)).map(Self)?)
    }
}

/// A body for those who have something to say: what is not declared as JSON, or is empty, says nothing, as where an operation has no body.
pub struct IfJson<B: Body>(pub B::Value);

impl<'a, B: Body> ApiExtractor<'a> for IfJson<B> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        B::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        OptionalStrict::<B>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let Data(app) = <Data<&Arc<App>>>::from_request_without_body(request).await?;
        let sent = if is_json(request.headers()) { body.take()?.into_bytes().await? } else { Bytes::new() };
        let text = if sent.trim_ascii().is_empty() { &b"{}"[..] } else { &sent };
        Ok(json::read(text, |fields| B::read(fields, app)).map(Self)?)
    }
}

/// Whether the body is declared as `application/json`, at most with `charset=utf-8` (RFC 8259 knows no other).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    // As nearly everybody writes it.
    if value == "application/json" {
        return true;
    }
    let mut parts = value.to_str().unwrap_or_default().split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    media_type.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
        })
}
