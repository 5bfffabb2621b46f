//! Answers that are too long to be held in memory.

use std::io;
use std::marker::PhantomData;

use futures_util::Stream;
use poem::{Body, IntoResponse};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;

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
    fn into_response(self) -> poem::Response {
        poem::Response::builder().content_type("application/json").body(self.0)
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
