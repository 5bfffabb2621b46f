//! One span for each request, for OpenTelemetry. Whoever records one does not wait: it is put into a queue, and a thread hands them over
//! in batches (OTLP, in its JSON). What does not fit, or is not taken, is lost and counted.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::domain::timestamp::Timestamp;

/// How many spans wait at most: some MB.
const CAPACITY: usize = 4_096;
/// How many are handed over at once, and after which time the first of them.
const BATCH: usize = 512;
const EVERY: Duration = Duration::from_secs(2);
/// How often trouble is told.
const QUIET: Duration = Duration::from_mins(1);
/// How long the end of the process waits for what is not handed over yet.
const FLUSH: Duration = Duration::from_secs(2);

/// `version-trace-span-flags`, in hexadecimal digits.
const TRACEPARENT_BYTES: usize = 55;

/// Of which trace a request is part, and under which span (W3C Trace Context).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    trace: u128,
    span: u64,
    sampled: bool,
}

impl Parent {
    /// Parses a `traceparent` header.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (text, more) = std::str::from_utf8(text).ok()?.split_at_checked(TRACEPARENT_BYTES)?;
        if !text.bytes().all(is_lower_hex_or_dash) {
            return None;
        }
        let mut parts = text.split('-');
        let mut part = |length: usize| parts.next().filter(|part| part.len() == length);
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may say more; this one does not, and ff is none.
        let known = version != "ff" && (more.is_empty() || version != "00" && more.starts_with('-'));
        let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (known && trace != 0 && span != 0).then_some(Self { trace, span, sampled })
    }
}

const fn is_lower_hex_or_dash(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')
}

/// A request that is over.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// One of the well-known, or `other`.
    pub method: &'a str,
    /// Its template: never the path itself.
    pub path: &'a str,
    /// None: the client went away.
    pub status: Option<u16>,
    /// What it is called in the log. Where it has 32 hexadecimal digits and there is no parent, the trace is called so, too.
    pub request_id: Option<&'a str>,
    /// Who asked on its behalf.
    pub parent: Option<Parent>,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
}

struct Span {
    trace: u128,
    id: u64,
    parent: Option<u64>,
    method: String,
    path: String,
    status: Option<u16>,
    request_id: Option<String>,
    began: Instant,
    took: Duration,
}

enum Message {
    Span(Box<Span>),
    Flush(SyncSender<()>),
}

/// Where requests are recorded.
pub struct Traces {
    queue: SyncSender<Message>,
    seed: [u8; 16],
    next: AtomicU64,
    lost: Arc<AtomicU64>,
}

impl Traces {
    /// Starts the thread. `hand_over` hands a batch over; `now` is the time of the service; the seed makes ids unpredictable: fresh random
    /// bytes.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(
        hand_over: impl Fn(&str) -> Result<(), String> + Send + 'static,
        now: impl Fn() -> Timestamp + Send + 'static,
        seed: [u8; 16],
    ) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(CAPACITY);
        let lost = Arc::new(AtomicU64::new(0));
        let mut courier = Courier { send: hand_over, now, lost: Arc::clone(&lost), told: None };
        thread::Builder::new().name("traces".to_owned()).spawn(move || courier.run(&waiting))?;
        Ok(Self { queue, seed, next: AtomicU64::new(0), lost })
    }

    /// Records a request, unless whoever asked records none.
    pub fn record(&self, request: &Request<'_>) {
        if request.parent.is_some_and(|parent| !parent.sampled) {
            return;
        }
        let named = request.request_id.filter(|id| id.len() == 32 && id.bytes().all(is_lower_hex_or_dash));
        let named = named.and_then(|id| u128::from_str_radix(id, 16).ok()).filter(|id| *id != 0);
        let fresh = || u128::from(self.fresh()) << 64 | u128::from(self.fresh());
        let span = Span {
            trace: request.parent.map(|parent| parent.trace).or(named).unwrap_or_else(fresh),
            id: self.fresh(),
            parent: request.parent.map(|parent| parent.span),
            method: request.method.to_owned(),
            path: request.path.to_owned(),
            status: request.status,
            request_id: request.request_id.map(str::to_owned),
            began: request.began,
            took: request.took,
        };
        if self.queue.try_send(Message::Span(Box::new(span))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hands over what waits; gives up after a while.
    pub fn flush(&self) {
        let (done, flushed) = sync_channel(1);
        if self.queue.try_send(Message::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(FLUSH);
        }
    }

    /// A keyed hash of a counter, and never 0, which is no id.
    fn fresh(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, self.next.fetch_add(1, Ordering::Relaxed)).hash(&mut hasher);
        hasher.finish().max(1)
    }
}

struct Courier<S, N> {
    send: S,
    now: N,
    lost: Arc<AtomicU64>,
    told: Option<Instant>,
}

impl<S: Fn(&str) -> Result<(), String>, N: Fn() -> Timestamp> Courier<S, N> {
    fn run(&mut self, queue: &Receiver<Message>) {
        let mut batch: Vec<Box<Span>> = Vec::new();
        let mut until = None;
        loop {
            let wait = until.map_or(QUIET, |until: Instant| until.saturating_duration_since(Instant::now()));
            let mut done = None;
            match queue.recv_timeout(wait) {
                Ok(Message::Span(span)) => {
                    batch.push(span);
                    until.get_or_insert_with(|| Instant::now() + EVERY);
                    if batch.len() < BATCH {
                        continue;
                    }
                }
                Ok(Message::Flush(flushed)) => done = Some(flushed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.hand_over(&mem::take(&mut batch)),
            }
            until = None;
            self.hand_over(&mem::take(&mut batch));
            drop(done);
        }
    }

    fn hand_over(&mut self, batch: &[Box<Span>]) {
        if batch.is_empty() {
            return;
        }
        let (now, here) = ((self.now)(), Instant::now());
        let spans: Vec<Value> = batch.iter().map(|span| written(span, now, here)).collect();
        let Err(error) = (self.send)(&document(&spans).to_string()) else { return };
        let lost = self.lost.fetch_add(batch.len() as u64, Ordering::Relaxed) + batch.len() as u64;
        if self.told.is_none_or(|told| told.elapsed() >= QUIET) {
            self.told = Some(here);
            tracing::warn!(%error, lost, "traces are not taken: OTEL_EXPORTER_OTLP_ENDPOINT");
        }
    }
}

/// An `ExportTraceServiceRequest`.
fn document(spans: &[Value]) -> Value {
    let resource = [text("service.name", "doorward"), text("service.version", env!("CARGO_PKG_VERSION"))];
    let scope = json!({ "name": "doorward", "version": env!("CARGO_PKG_VERSION") });
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// By OpenTelemetry's conventions for HTTP servers. `now` is the time at `here`.
fn written(span: &Span, now: Timestamp, here: Instant) -> Value {
    let now = u128::from(now.micros().max(0).unsigned_abs()) * 1_000;
    let ago = |span: Duration| now.saturating_sub(span.as_nanos());
    let began = here.saturating_duration_since(span.began);
    let mut attributes = vec![text("http.request.method", &span.method), text("http.route", &span.path)];
    if let Some(status) = span.status {
        attributes.push(json!({ "key": "http.response.status_code", "value": { "intValue": status.to_string() } }));
    }
    if let Some(id) = &span.request_id {
        attributes.push(text("doorward.request_id", id));
    }
    let failed = span.status.is_some_and(|status| status >= 500);
    let mut value = json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.id),
        "name": format!("{} {}", span.method, span.path),
        // A server's.
        "kind": 2,
        "startTimeUnixNano": ago(began).to_string(),
        "endTimeUnixNano": ago(began.saturating_sub(span.took)).to_string(),
        "attributes": attributes,
        "status": if failed { json!({ "code": 2 }) } else { json!({}) },
    });
    if let Some(parent) = span.parent {
        value["parentSpanId"] = format!("{parent:016x}").into();
    }
    value
}

#[cfg(test)]
#[path = "traces_tests.rs"]
mod tests;
