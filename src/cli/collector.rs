//! Where traces go: an OpenTelemetry collector, by OTLP over HTTP.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use url::Url;

use crate::platform::clock::Clock;
use crate::telemetry::traces::Traces;

/// How long one batch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hands spans over to the collector there from now on.
pub(super) fn start(endpoint: &Url, clock: Clock, seed: [u8; 16]) -> std::io::Result<Traces> {
    let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let found = rustls_native_certs::load_native_certs().certs;
    let authorities: Vec<_> = found.iter().map(|known| Certificate::from_der(known).to_owned()).collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(authorities)))
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .build();
    // By the settings alone: the environment names no proxy.
    let config = Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0).proxy(None).tls_config(tls);
    let agent = Agent::new_with_config(config.build());
    let take = move |body: &str| {
        agent.post(&url).content_type("application/json").send(body).map(drop).map_err(|error| error.to_string())
    };
    Traces::start(take, move || clock.now(), seed)
}
