//! poem and poem-openapi live only here.

pub mod account;
pub mod body;
pub mod caller;
pub mod client_address;
pub mod cookies;
pub mod cross_site;
pub mod devices;
pub mod docs;
pub mod document;
pub mod export;
pub mod health;
pub mod middleware;
pub mod password;
pub mod problem;
pub mod routes;
pub mod session;
pub mod types;

use std::sync::Arc;

use poem::http::Method;
use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::{OpenApi, OpenApiService, Tags};

pub use self::document::document;
use self::middleware::Limits;
use self::routes::RouteTable;
use crate::config::cookies::Cookies;
use crate::config::server::Server;
use crate::service::App;

/// All operations, in the order in which the documentation shows them.
fn operations() -> impl OpenApi {
    (
        account::AccountApi,
        password::PasswordApi,
        export::ExportApi,
        session::SessionApi,
        devices::DevicesApi,
        health::HealthApi,
    )
}

/// What the operations are about.
#[derive(Tags)]
enum Tag {
    /// The person's account.
    Account,
    /// Log in, stay logged in, log out.
    Session,
    /// For those who watch over the service.
    Health,
}

/// The whole API: operations, documentation, and what every request passes. The seed makes request ids unpredictable: fresh random
/// bytes.
pub fn endpoint(
    app: Arc<App>,
    server: &Server,
    cookies: &Cookies,
    request_id_seed: [u8; 16],
) -> impl Endpoint<Output = Response> + use<> {
    let docs = if server.api_docs { docs::files(server.public_url.as_deref()) } else { Vec::new() };
    let settings = middleware::Settings {
        server: server.clone(),
        routes: routes(&docs),
        request_id_seed,
        limits: Limits::default(),
    };

    let mut route = Route::new().nest("/", OpenApiService::new(operations(), "", ""));
    if server.api_docs {
        route = route.at("/", docs::home());
    }
    for file in docs {
        let path = file.path().to_owned();
        route = route.at(path, file);
    }
    middleware::wrap(route.data(app).data(cookies.clone()), &settings)
}

/// Every path with its methods: those of the document, and those of the documentation.
fn routes(docs: &[docs::File]) -> RouteTable {
    let document = document();
    let paths = document["paths"].as_object().into_iter().flatten().map(|(path, operations)| {
        let names = operations.as_object().into_iter().flat_map(|operations| operations.keys());
        (path.clone(), names.filter_map(|name| name.to_ascii_uppercase().parse().ok()).collect())
    });
    let home = (!docs.is_empty()).then_some("/");
    let docs = docs.iter().map(docs::File::path).chain(home).map(|path| (path.to_owned(), vec![Method::GET]));
    RouteTable::new(paths.chain(docs))
}
