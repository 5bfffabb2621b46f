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
use crate::service::App;

/// The operations behind the whole stack of middleware. The seed makes request ids unpredictable: fresh random bytes.
pub fn endpoint(
    app: Arc<App>,
    server: &Server,
    cookies: &Cookies,
    request_id_seed: [u8; 16],
) -> impl Endpoint<Output = Response> + use<> {
    let settings = Settings {
        server: server.clone(),
        routes: RouteTable::new(declared()),
        request_id_seed,
        limits: Limits::default(),
    };
    let operations = OpenApiService::new(operations(), "Doorward", env!("CARGO_PKG_VERSION"));
    let routes = Route::new().nest("/", operations).data(app).data(cookies.clone());
    middleware::wrap(routes, &settings)
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
