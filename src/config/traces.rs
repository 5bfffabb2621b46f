//! Where traces are sent, by the names that OpenTelemetry gives these settings.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::database::percent_decoded;
use super::declarations::{OTEL_EXPORTER_OTLP_CERTIFICATE, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS};
use super::kinds::{is_loopback, items};
use super::setting::{Kind, Parse, Reader, Reason};

/// A collector.
#[derive(Clone, Debug)]
pub struct Collector {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: Url,
    /// `OTEL_EXPORTER_OTLP_HEADERS`; their values are secrets, which do not show themselves.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// `OTEL_EXPORTER_OTLP_CERTIFICATE`: a file of the authorities that it may have its certificate from.
    pub ca: Option<PathBuf>,
}

impl Collector {
    /// None: traces are sent nowhere.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let endpoint = reader.get(&OTEL_EXPORTER_OTLP_ENDPOINT);
        let headers = reader.get(&OTEL_EXPORTER_OTLP_HEADERS).unwrap_or_default();
        let ca = reader.get(&OTEL_EXPORTER_OTLP_CERTIFICATE);
        let is_plain = endpoint.as_ref().is_some_and(|url| url.scheme() == "http" && !is_loopback(url));
        if is_plain && !headers.is_empty() {
            reader.warn(
                &OTEL_EXPORTER_OTLP_HEADERS,
                "are sent in clear text: OTEL_EXPORTER_OTLP_ENDPOINT begins with http://, and leads to another machine",
            );
        }
        Some(Self { endpoint: endpoint?, headers, ca })
    }
}

/// Where an OpenTelemetry collector takes what is told.
pub(super) const COLLECTOR: Kind<Url> = Kind {
    values: "a URL such as `http://127.0.0.1:4318`",
    parse: Parse::Text(|text| {
        let url = Url::parse(text).map_err(|_| Reason::Values)?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if plain && url.password().is_none() && matches!(url.scheme(), "http" | "https") {
            Ok(url)
        } else {
            Err(Reason::Values)
        }
    }),
};

/// What stands in every request by itself.
const OURS: [&str; 5] = ["connection", "content-length", "content-type", "host", "transfer-encoding"];

/// Headers as OpenTelemetry writes them.
pub(super) const HEADERS: Kind<Vec<(HeaderName, HeaderValue)>> = Kind {
    values: "headers such as `api-key=secret,x-team=auth`, with `%2C` for a comma and `%25` for a percent sign in a value",
    parse: Parse::Text(|text| items(text).map(header).collect()),
};

fn header(text: &str) -> Result<(HeaderName, HeaderValue), Reason> {
    let (name, value) = text.split_once('=').ok_or(Reason::Values)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| Reason::Values)?;
    if OURS.contains(&name.as_str()) {
        return Err(Reason::Because("must not have a header that every request has, such as `content-type` or `host`"));
    }
    let value = percent_decoded(value.trim()).ok_or(Reason::Values)?;
    let mut value = HeaderValue::try_from(value).map_err(|_| Reason::Values)?;
    value.set_sensitive(true);
    Ok((name, value))
}
