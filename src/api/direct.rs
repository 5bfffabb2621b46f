//! The shortest way to an operation.

use std::collections::HashMap;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use poem::endpoint::{BoxEndpoint, DynEndpoint};
use poem::http::Method;
use poem::{Request, Response, Result};
use poem_openapi::OpenApi;

use super::data::Site;

/// A few: looked through.
type Methods = Vec<(Method, BoxEndpoint<'static>)>;

/// Leads to an operation by its path, compared whole, past the framework's router, which moves each request a dozen times on its way. What
/// has parameters in its path goes through `others`; none has any in its query, which a law of `tests/openapi.rs` holds.
///
/// It gives the operation's future as it is, in its box: an `async` function around it would hold the request once more.
pub(super) struct Direct {
    by_path: HashMap<String, Methods>,
    others: BoxEndpoint<'static>,
    site: Arc<Site>,
}

impl Direct {
    pub(super) fn new(operations: impl OpenApi, others: BoxEndpoint<'static>, site: Site) -> Self {
        let mut routes = HashMap::new();
        operations.add_routes(&mut routes);
        routes.retain(|path, _| !path.contains([':', '*', '<', '{']));
        let by_path = routes.into_iter().map(|(path, methods)| (path, methods.into_iter().collect())).collect();
        Self { by_path, others, site: Arc::new(site) }
    }
}

impl DynEndpoint for Direct {
    type Output = Response;

    fn call(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        request.set_data(Arc::clone(&self.site));
        let methods: &[_] = self.by_path.get(request.uri().path()).map_or(&[], Vec::as_slice);
        let found = methods.iter().find(|(method, _)| method == request.method());
        found.map_or(&self.others, |(_, operation)| operation).as_ref().call(request)
    }
}
