//! The statements that the service runs for one request: sqlx tells each, in the span of the request.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::answer::Answer;
use super::browser::Call;

/// How requests are called whose statements are looked at.
const PREFIX: &str = "statements-of-";

static SEEN: OnceLock<Mutex<HashMap<String, Vec<String>>>> = OnceLock::new();

/// Makes a request; the answer, and the text of each statement that was run for it, in their order, with `0` in the place of numbers: which
/// process of PostgreSQL a transaction has is one. What makes a new connection ready is left out: who is the first to need one is chance.
pub(crate) async fn of(call: Call) -> (Answer, Vec<String>) {
    static STARTED: Once = Once::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    STARTED.call_once(|| {
        // Where everything is logged, this is looked at there.
        if super::trace::file().is_none() {
            tracing_subscriber::registry().with(layer()).try_init().expect("no other subscriber");
        }
    });
    let name = format!("{PREFIX}{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let answer = call.header("x-request-id", &name).await;
    let seen = SEEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
    (answer, seen.expect("a request that asks the database"))
}

/// Listens to sqlx.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Statements.with_filter(filter::filter_fn(|about| {
        if about.is_span() { about.name() == "request" } else { about.target() == "sqlx::query" }
    }))
}

struct Statements;

/// The name of a request that is looked at.
struct Name(String);

/// The text of a field.
struct Text {
    of: &'static str,
    is: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.of {
            value.clone_into(&mut self.is);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut name = Text { of: "request_id", is: String::new() };
        attributes.record(&mut name);
        if let Some(span) = context.span(id).filter(|_| name.is.starts_with(PREFIX)) {
            span.extensions_mut().insert(Name(name.is));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Name(name)) = span.extensions().get() {
                let [mut whole, mut short] = ["db.statement", "summary"].map(|of| Text { of, is: String::new() });
                event.record(&mut whole);
                event.record(&mut short);
                // The whole text is told beside the short one where that is shorter.
                let text = if whole.is.is_empty() { short.is } else { whole.is };
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let mut text = text.replace(|c: char| c.is_ascii_digit(), "0");
                while text.contains("00") {
                    text = text.replace("00", "0");
                }
                if text.starts_with("PRAGMA ") || text.starts_with("SET ") {
                    return;
                }
                let mut seen = SEEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
                seen.entry(name.clone()).or_default().push(text);
            }
        }
    }
}
