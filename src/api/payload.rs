//! Answers that are too long to be held in memory, and those that were made before.

use std::io;
use std::marker::PhantomData;

use bytes::Bytes;
use futures_util::Stream;
use poem::http::HeaderValue;
use poem::http::header::CONTENT_TYPE;
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};

/// A JSON document of the type `T`, sent in parts as they are made. An error in between breaks the answer off.
pub(super) struct JsonStream<T>(Body, PhantomData<T>);

impl<T> JsonStream<T> {
    /// From the parts of the text.
    pub(super) fn new(parts: impl Stream<Item = io::Result<String>> + Send + 'static) -> Self {
        Self(Body::from_bytes_stream(parts), PhantomData)
    }
}

impl<T: Type> Payload for JsonStream<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Send> IntoResponse for JsonStream<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type("application/json").body(self.0)
    }
}

impl<T: Type> ApiResponse for JsonStream<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: Self::CONTENT_TYPE, schema: Self::schema_ref() }];
        let response =
            MetaResponse { description: "", status: Some(200), status_range: None, content, headers: Vec::new() };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// A JSON document of the type `T`, as [`Json`] sends it: written already.
pub(super) struct JsonText<T>(Bytes, PhantomData<T>);

impl<T: ToJSON> JsonText<T> {
    /// Writes it.
    pub(super) fn write(value: &T) -> Bytes {
        value.to_json_string().into()
    }
}

impl<T> From<Bytes> for JsonText<T> {
    fn from(text: Bytes) -> Self {
        Self(text, PhantomData)
    }
}

impl<T: Type> Payload for JsonText<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type> IntoResponse for JsonText<T> {
    fn into_response(self) -> Response {
        let mut response = Response::from(Body::from_bytes(self.0));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Self::CONTENT_TYPE));
        response
    }
}
