//! Everything that is served, as one endpoint.

use std::sync::Arc;

use poem::http::Method;
use poem::{Endpoint, EndpointExt as _, Response, Route};
use poem_openapi::OpenApiService;

use super::middleware::{self, Limits, Settings};
use super::routes::RouteTable;
use super::{document, operations};
use crate::config::cookies::Cookies;
use crate::config::server::Server;
use crate::platform::random::RandomError;
use crate::service::App;

/// The operations behind the whole stack of middleware.
///
/// # Errors
/// When there are no random bytes for request ids.
pub fn endpoint(
    app: Arc<App>,
    server: &Server,
    cookies: &Cookies,
) -> Result<impl Endpoint<Output = Response> + use<>, RandomError> {
    let settings = Settings {
        server: server.clone(),
        routes: RouteTable::new(declared()),
        request_id_seed: app.random.bytes()?,
        limits: Limits::default(),
    };
    let operations = OpenApiService::new(operations(), "Doorward", env!("CARGO_PKG_VERSION"));
    let routes = Route::new().nest("/", operations).data(app).data(cookies.clone());
    Ok(middleware::wrap(routes, &settings))
}

/// The paths and methods of the document.
fn declared() -> Vec<(String, Vec<Method>)> {
    let document = document();
    let paths = document["paths"].as_object().into_iter().flatten();
    let methods = |operations: &serde_json::Value| {
        let names = operations.as_object().into_iter().flat_map(|operations| operations.keys());
        names.filter_map(|name| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok()).collect()
    };
    paths.map(|(path, operations)| (path.clone(), methods(operations))).collect()
}
