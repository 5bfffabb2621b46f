//! poem and poem-openapi live only here.

pub mod account;
pub mod assets;
pub mod body;
pub mod client;
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
use poem_openapi::{OpenApi, OpenApiService, Tags};

use self::assets::Assets;
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
    let service = OpenApiService::new(operations(), "", "").into_endpoint();
    let operations = direct::Direct::new(operations(), service);
    let mut files = vec![client::file()];
    if mail.pages.own {
        files.extend(pages::files());
    }
    if server.api_docs {
        files.extend(docs::files(server.public_url.as_deref()));
    }
    let site = Assets::new(operations, files);
    let settings = middleware::Settings {
        server: server.clone(),
        routes: routes(site.paths()),
        request_id_seed,
        limits: Limits::default(),
        metrics: Arc::clone(&app.metrics),
        traces: app.traces.get().cloned(),
        probes: app.probes.clone(),
        stopping: Arc::clone(&app.stopping),
    };
    let initiators = session::Initiators::of(&server.allowed_origins);
    let tells_email = session::TellsEmail(server.check_tells_email);
    middleware::wrap(site.data(app).data(cookies.clone()).data(initiators).data(tells_email), &settings)
}

/// Every path with its methods: those of the document, and those of the documentation.
fn routes<'a>(docs: impl Iterator<Item = &'a str>) -> RouteTable {
    let document = document();
    let operations = document["paths"].as_object().into_iter().flatten().map(|(path, operations)| {
        let names = operations.as_object().into_iter().flat_map(|operations| operations.keys());
        (path.clone(), names.filter_map(|name| name.to_ascii_uppercase().parse().ok()).collect())
    });
    RouteTable::new(operations.chain(docs.map(|path| (path.to_owned(), vec![Method::GET]))))
}
