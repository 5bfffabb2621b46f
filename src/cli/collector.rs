//! Where traces go: an OpenTelemetry collector, by OTLP over HTTP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::crypto::aws_lc_rs::default_provider;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::config::traces::Collector;
use crate::platform::clock::Clock;
use crate::telemetry::traces::Traces;

/// How long one batch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hands spans over to the collector from now on.
pub(super) fn start(collector: &Collector, clock: Clock, seed: [u8; 16]) -> anyhow::Result<Traces> {
    let url = format!("{}/v1/traces", collector.endpoint.as_str().trim_end_matches('/'));
    let authorities = if let Some(file) = &collector.ca {
        authorities(file)
            .with_context(|| format!("OTEL_EXPORTER_OTLP_CERTIFICATE names {}, which can't be used", file.display()))?
    } else {
        let found = rustls_native_certs::load_native_certs().certs;
        found.iter().map(|known| Certificate::from_der(known).to_owned()).collect()
    };
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(authorities)))
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .build();
    // By the settings alone: the environment names no proxy.
    let config = Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0).proxy(None).tls_config(tls);
    let agent = Agent::new_with_config(config.build());
    let headers = collector.headers.clone();
    let take = move |body: &str| {
        let mut request = agent.post(&url).content_type("application/json");
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        request.send(body).map(drop).map_err(|error| error.to_string())
    };
    Traces::start(take, move || clock.now(), seed).context("the thread that sends traces does not start")
}

fn authorities(file: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(file)?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item? {
            found.push(certificate);
        }
    }
    anyhow::ensure!(!found.is_empty(), "it holds no certificate");
    Ok(found)
}
