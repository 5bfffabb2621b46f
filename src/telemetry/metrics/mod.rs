//! What the service counts, in Prometheus' text format.
//!
//! What happens is counted where a use case returns, and by a counter that is found without a lock or a hash. What merely is (queues,
//! pools, caches) is not followed: it is [`Observed`] when somebody asks. Labels are words of this program, and paths as the contract
//! writes them; never an address, an email or an id.

mod observed;
mod of_path;

pub use observed::{Connections, Hashing, Mail, Observed, SessionCache};
pub use of_path::OfPath;

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Encoder as _, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

use crate::domain::session::EndReason;
use crate::domain::throttle::Scope;

/// The content type of what [`Metrics::render`] returns.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Upper bounds in seconds: a cached `/me` takes less than a millisecond, a login a quarter of a second, and a request ends after 30 s.
const DURATIONS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Everything that is counted. One per process, shared; it begins at zero.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    /// Logins, by `result`.
    pub logins: CountBy,
    /// Registrations, by `result`.
    pub registrations: CountBy,
    /// Refreshes, by `verdict`.
    pub refreshes: CountBy,
    /// Attempts that were refused because there had been too many, by `scope`.
    pub limited: CountBy,
    /// Sessions that this process began.
    pub sessions_begun: Count,
    /// Sessions that this process ended, by `reason`.
    pub sessions_ended: CountBy,
    /// Look-ups of a session in this process' memory, by `result`.
    pub session_lookups: CountBy,
}

/// A number that only grows.
pub struct Count(IntCounter);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.inc();
    }
}

/// Numbers that only grow, told apart by one label, whose words are known from the start: so that each begins at zero, and not when it
/// first happens, which nobody could tell from never.
pub struct CountBy {
    known: Vec<(String, IntCounter)>,
    others: IntCounterVec,
}

impl CountBy {
    /// One more of this word.
    pub fn add(&self, word: &str) {
        match self.known.iter().find(|(known, _)| known == word) {
            Some((_, count)) => count.inc(),
            None => self.others.with_label_values(&["other"]).inc(),
        }
    }
}

/// One request, when it is over.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// One of the well-known, or `other`.
    pub method: &'static str,
    /// As the contract writes it, or `unmatched`.
    pub path: &'a str,
    /// None: the client went away before there was an answer.
    pub status: Option<&'a str>,
    /// From its head to the head of the answer.
    pub took: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let by = |name: &str, help: &str, label: &str, words: &[&str]| {
            let others = made(&registry, IntCounterVec::new(Opts::new(name, help), &[label]));
            let known = words.iter().map(|word| ((*word).to_owned(), others.with_label_values(&[*word]))).collect();
            CountBy { known, others }
        };
        let requests = IntCounterVec::new(
            Opts::new("doorward_http_requests_total", "Requests that were answered, or whose client went away."),
            &["method", "path", "status"],
        );
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "doorward_http_request_duration_seconds",
                "From a request's head to that of its answer.",
            )
            .buckets(DURATIONS.to_vec()),
            &["method", "path"],
        );
        let sessions_begun = IntCounter::new("doorward_sessions_begun_total", "Sessions that this process began.");
        Self {
            requests: made(&registry, requests),
            durations: made(&registry, durations),
            logins: by(
                "doorward_logins_total",
                "Attempts to log in, by what became of them.",
                "result",
                &[
                    "signed_in",
                    "second_factor",
                    "enrolment",
                    "incorrect",
                    "incorrect_code",
                    "email_not_verified",
                    "limited",
                    "overloaded",
                    "failed",
                ],
            ),
            registrations: by(
                "doorward_registrations_total",
                "Attempts to make an account, by what became of them.",
                "result",
                &["registered", "mailed", "taken", "closed", "limited", "overloaded", "failed"],
            ),
            refreshes: by(
                "doorward_refreshes_total",
                "Presented refresh tokens and proofs of devices, by the verdict. After `reuse` the session has ended.",
                "verdict",
                &[
                    "rotated",
                    "same",
                    "successor",
                    "reissued",
                    "ahead",
                    "reuse",
                    "expired",
                    "ended",
                    "unproved",
                    "unbound",
                    "not_authentic",
                    "limited",
                    "failed",
                ],
            ),
            limited: by(
                "doorward_limited_total",
                "Attempts that were refused because there had been too many, by what was attempted.",
                "scope",
                &Scope::ALL.map(Scope::as_str),
            ),
            sessions_begun: Count(made(&registry, sessions_begun)),
            sessions_ended: by(
                "doorward_sessions_ended_total",
                "Sessions that this process ended, by the reason.",
                "reason",
                &EndReason::ALL.each_ref().map(EndReason::as_str),
            ),
            session_lookups: by(
                "doorward_session_cache_lookups_total",
                "Look-ups of an access token's session in this process' memory. A miss is a query.",
                "result",
                &["hit", "miss"],
            ),
            registry,
        }
    }
}

impl Metrics {
    /// Counts a request. `known` is what was counted of its path before.
    pub fn request(&self, known: &OfPath, request: Request<'_>) {
        known.count(request, |Request { method, path, status, .. }| {
            let requests = self.requests.with_label_values(&[method, path, status.unwrap_or("gone")]);
            (requests, self.durations.with_label_values(&[method, path]))
        });
    }

    /// All of it as text, and what there is now.
    #[must_use]
    pub fn render(&self, observed: &Observed) -> Vec<u8> {
        let mut families = self.registry.gather();
        families.extend(observed.gather());
        let mut text = Vec::with_capacity(32 * 1024);
        // Into memory; it fails for a family without a metric alone, and says so in the text's absence.
        if let Err(error) = TextEncoder::new().encode(&families, &mut text) {
            tracing::error!(%error, "metrics can't be told");
        }
        text
    }
}

/// Registers what was made. The names are literals of this program, and each stands here once: a mistake is found by the first test.
fn made<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    match made.and_then(|collector| registry.register(Box::new(collector.clone())).map(|()| collector)) {
        Ok(collector) => collector,
        Err(error) => unreachable!("a metric with a wrong name: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metrics: &Metrics, observed: &Observed) -> String {
        String::from_utf8(metrics.render(observed)).unwrap()
    }

    #[test]
    fn what_never_happened_is_zero_and_words_are_bounded() {
        let metrics = Metrics::default();
        let before = text(&metrics, &Observed::default());
        for line in [
            "doorward_logins_total{result=\"overloaded\"} 0",
            "doorward_limited_total{scope=\"login\"} 0",
            "doorward_sessions_ended_total{reason=\"reuse\"} 0",
        ] {
            assert!(before.contains(line), "{line}\n{before}");
        }
        metrics.logins.add("signed_in");
        metrics.sessions_ended.add("a word of another version");
        metrics.sessions_ended.add("and another");
        let after = text(&metrics, &Observed::default());
        assert!(after.contains("doorward_logins_total{result=\"signed_in\"} 1\n"), "{after}");
        assert!(after.contains("doorward_sessions_ended_total{reason=\"other\"} 2\n"), "{after}");
        assert!(!after.contains("another"), "{after}");
    }

    #[test]
    fn requests_are_counted_and_timed() {
        let metrics = Metrics::default();
        let request = |status, millis| Request {
            method: "POST",
            path: "/api/auth/login",
            status,
            took: Duration::from_millis(millis),
        };
        let known = OfPath::default();
        metrics.request(&known, request(Some("200"), 240));
        metrics.request(&known, request(None, 2));
        metrics.request(&known, request(None, 3));
        let text = text(&metrics, &Observed::default());
        let labels = "method=\"POST\",path=\"/api/auth/login\"";
        for line in [
            format!("doorward_http_requests_total{{{labels},status=\"200\"}} 1"),
            format!("doorward_http_requests_total{{{labels},status=\"gone\"}} 2"),
            format!("doorward_http_request_duration_seconds_bucket{{{labels},le=\"0.005\"}} 2"),
            format!("doorward_http_request_duration_seconds_bucket{{{labels},le=\"0.25\"}} 3"),
            format!("doorward_http_request_duration_seconds_count{{{labels}}} 3"),
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
        }
    }
}
