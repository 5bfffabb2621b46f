//! Settings of traces.

use crate::{load, problem, production};

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example.com/otlp");

fn headers(text: &str) -> Vec<(String, String)> {
    let config = load(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", text)]).unwrap();
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    let headers = config.server.traces.unwrap().headers;
    headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

#[test]
fn headers_are_written_as_opentelemetry_does() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(headers("Api-Key=canary"), [pair("api-key", "canary")]);
    assert_eq!(headers(" a=1 , b = two ,"), [pair("a", "1"), pair("b", "two")]);
    assert_eq!(headers("authorization=Basic%20Y2FuYXJ5%3D%2C=="), [pair("authorization", "Basic Y2FuYXJ5=,==")]);
    assert_eq!(headers("a="), [pair("a", "")]);
    for wrong in ["canary", "=canary", "can ary=1", "a=%0d%0aX-Canary: 1", "a=%can", "a=%", "a=%ff%fe"] {
        let told = problem(load(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", wrong)]));
        assert!(told.starts_with("OTEL_EXPORTER_OTLP_HEADERS must be headers such as"), "{wrong}: {told}");
        assert!(!told.contains("anary"), "{told}");
    }
    let ours = problem(load(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", "Content-Type=text/plain")]));
    assert!(ours.starts_with("OTEL_EXPORTER_OTLP_HEADERS must not have"), "{ours}");
}

#[test]
fn credentials_that_another_machine_is_sent_in_clear_text_are_warned_about() {
    let key = ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary");
    let warned = |url| {
        let config = production(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url), key]).unwrap();
        config.warnings.iter().any(|warning| warning.to_string().starts_with("OTEL_EXPORTER_OTLP_HEADERS"))
    };
    assert!(warned("http://10.0.0.7:4318"));
    assert!(!warned("https://10.0.0.7:4318") && !warned("http://127.0.0.1:4318"));
}
