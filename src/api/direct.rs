//! The shortest way to an operation.

use std::collections::HashMap;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem::{Endpoint, Request, Response, Result};
use poem_openapi::OpenApi;

type Methods = HashMap<Method, BoxEndpoint<'static>>;

/// Leads to an operation by its path, compared whole, past the framework's router, which moves each request a dozen times on its way. What
/// has parameters in its path goes through `others`; none has any in its query, which a law of `tests/openapi.rs` holds.
pub(super) struct Direct<E> {
    by_path: HashMap<String, Methods>,
    others: E,
}

impl<E> Direct<E> {
    pub(super) fn new(operations: impl OpenApi, others: E) -> Self {
        let mut by_path = HashMap::new();
        operations.add_routes(&mut by_path);
        by_path.retain(|path, _| !path.contains([':', '*', '<', '{']));
        Self { by_path, others }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Direct<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let found = self.by_path.get(request.uri().path()).and_then(|methods| methods.get(request.method()));
        match found {
            Some(operation) => operation.call(request).await,
            None => self.others.call(request).await,
        }
    }
}
