//! poem and poem-openapi live only here.

pub mod account;
pub mod assets;
pub mod body;
pub mod client;
mod data;
mod direct;
pub mod docs;
pub mod document;
pub mod factor;
pub mod health;
pub mod mail;
pub mod metrics;
pub mod middleware;
mod pages;
pub mod password;
mod payload;
pub mod problem;
pub mod routes;
pub mod session;
pub mod types;

use std::sync::Arc;

use poem::http::Method;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response};
use poem_openapi::registry::MetaPath;
use poem_openapi::{OpenApi, OpenApiService, Tags};

use self::assets::Assets;
use self::data::Site;
use self::direct::Direct;
pub use self::document::document;
use self::middleware::Limits;
use self::routes::RouteTable;
use crate::config::cookies::Cookies;
use crate::config::mail::Mail;
use crate::config::server::Server;
use crate::service::App;

/// All operations, in the order in which the documentation shows them.
fn operations() -> impl OpenApi {
    (
        account::AccountApi,
        password::PasswordApi,
        mail::MailApi,
        mail::EmailApi,
        account::ExportApi,
        (factor::FactorApi, factor::PasskeyApi),
        session::SessionApi,
        (session::SecondFactorApi, session::EnrolApi, session::EnrolPasskeyApi, session::PasskeyLoginApi),
        factor::ReauthenticateApi,
        session::DevicesApi,
        session::StateApi,
        session::BoundApi,
        session::CheckApi,
        session::JwksApi,
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
    /// For the services and proxies behind or beside it: see docs/verify.md.
    Backend,
    /// For those who watch over the service.
    Health,
}

/// The whole API: operations, documentation, and what every request passes. The seed makes request ids unpredictable: fresh random
/// bytes.
pub fn endpoint(
    app: Arc<App>,
    server: &Server,
    cookies: &Cookies,
    mail: &Mail,
    request_id_seed: [u8; 16],
) -> impl Endpoint<Output = Response> + use<> {
    let mut files = vec![client::file()];
    if mail.pages.own {
        files.extend(pages::files());
    }
    if server.api_docs {
        files.extend(docs::files(server.public_url.as_deref()));
    }
    let files = Assets::new(OpenApiService::new(operations(), "", "").into_endpoint().boxed(), files);
    let settings = middleware::Settings {
        server: server.clone(),
        routes: routes(files.paths()),
        request_id_seed,
        limits: Limits::default(),
        pace: Arc::clone(&app.limits.pace),
        metrics: Arc::clone(&app.metrics),
        traces: app.traces.get().cloned(),
        probes: app.probes.clone(),
        stopping: Arc::clone(&app.stopping),
    };
    let site = Site {
        app,
        cookies: cookies.clone(),
        initiators: session::Initiators::of(&server.allowed_origins),
        tells_email: session::TellsEmail(server.check_tells_email),
    };
    let operations = Direct::new(operations(), Box::new(files), site);
    middleware::wrap(Box::new(operations), &settings)
}

/// Every path with its methods: those of the operations, and those of the files.
fn routes<'a>(files: impl Iterator<Item = &'a str>) -> RouteTable {
    let operations = paths_of(&operations()).into_iter().map(|MetaPath { path, operations }| {
        let methods: Vec<Method> = operations.into_iter().map(|operation| operation.method).collect();
        (path, methods)
    });
    RouteTable::new(operations.chain(files.map(|path| (path.to_owned(), vec![Method::GET]))))
}

fn paths_of<A: OpenApi>(_: &A) -> Vec<MetaPath> {
    A::meta().into_iter().flat_map(|api| api.paths).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_document_has_a_route_and_no_other_has() {
        let (routes, document) = (routes(["/docs"].into_iter()), document());
        for (path, operations) in document["paths"].as_object().unwrap() {
            let route = routes.find(path).unwrap();
            assert_eq!(route.template, *path);
            let mut declared = 0;
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let is_declared = operations.get(method.as_str().to_ascii_lowercase()).is_some();
                assert_eq!(route.allows(&method), is_declared, "{method} {path}");
                declared += usize::from(is_declared);
            }
            assert_eq!(operations.as_object().unwrap().len(), declared, "{path}");
        }
        assert!(routes.find("/docs").unwrap().allows(&Method::GET));
    }
}
