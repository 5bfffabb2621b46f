//! Log lines on standard error, and panics among them.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::{self, Location};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use super::queue::{Queue, Writer};
use crate::config::logging::{LogFormat, Logging};

/// How long the end of the process waits for lines that are not written yet.
const FLUSH: Duration = Duration::from_secs(1);

static QUEUE: Queue = Queue::new();
static STARTED: AtomicBool = AtomicBool::new(false);

/// Held until the process ends, also by a panic: then it waits, for a second at most, until all lines are written.
#[must_use = "lines may be lost at the end of the process without it"]
pub struct Flush(());

impl Drop for Flush {
    fn drop(&mut self) {
        QUEUE.flush(FLUSH);
    }
}

/// Sends all events to standard error from now on, and panics with them. Whoever logs does not wait for who reads: what does not
/// fit into the queue is dropped, counted, and told when there is room again. A second call changes nothing.
///
/// # Errors
/// When the thread that writes can't be started.
pub fn start(logging: &Logging) -> io::Result<Flush> {
    if STARTED.swap(true, Ordering::SeqCst) {
        return Ok(Flush(()));
    }
    let colours = io::stderr().is_terminal();
    let notices = Dispatch::new(subscriber(logging, || &NOTICES, colours));
    let writer = Writer::new(&QUEUE, io::stderr(), move |dropped| notice(&notices, dropped));
    thread::Builder::new().name("log".to_owned()).spawn(move || writer.run()).inspect_err(|_| {
        STARTED.store(false, Ordering::SeqCst);
    })?;
    if tracing::subscriber::set_global_default(subscriber(logging, || &QUEUE, colours)).is_ok() {
        panic::set_hook(Box::new(|panic| report_panic(panic.location(), panic.payload())));
    }
    Ok(Flush(()))
}

/// Says a line on standard error that is no event: the last one of a command that failed. It is never dropped, and after [`start`]
/// does not wait for who reads.
pub fn tell(line: &str) {
    let line = format!("{line}\n");
    if STARTED.load(Ordering::SeqCst) {
        QUEUE.push_always(line.as_bytes());
    } else {
        // Unlike `eprintln!` it does not panic when nobody reads.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// How many lines were dropped since the process began: a counter.
#[must_use]
pub fn dropped_lines() -> u64 {
    QUEUE.total_dropped()
}

/// Where the line about lost lines is made: it goes past the queue.
static NOTICES: Queue = Queue::new();

/// An error, so that it is shown at every level: some of what is missing may have been errors.
fn notice(notices: &Dispatch, dropped: u64) -> Vec<u8> {
    dispatcher::with_default(notices, || {
        tracing::error!(
            dropped,
            "lines of the log are missing here: standard error was not read, or could not be written"
        );
    });
    NOTICES.take_now()
}

fn subscriber<W>(logging: &Logging, writer: W, colours: bool) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The filter was checked with the settings.
    let filter = logging.filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let registry = tracing_subscriber::registry().with(filter);
    // Its own errors it would write past the queue.
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    match logging.format {
        // On a terminal the library decides: it knows NO_COLOR.
        LogFormat::Pretty if colours => Box::new(registry.with(lines)),
        LogFormat::Pretty => Box::new(registry.with(lines.with_ansi(false))),
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true).with_span_list(false))),
    }
}

/// Logs a panic, once. A message that was put together at run time may hold what a client sent (slicing a text inside a character
/// prints the text): only a literal one is shown.
fn report_panic(location: Option<&Location<'_>>, payload: &(dyn Any + Send)) {
    let message =
        payload.downcast_ref::<&'static str>().copied().unwrap_or("(not shown: it may hold submitted values)");
    let location = location.map(ToString::to_string).unwrap_or_default();
    // Captured when RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(%location, panic = message, %backtrace, "a panic: a defect of Doorward");
    } else {
        tracing::error!(%location, panic = message, "a panic: a defect of Doorward");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, act: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let logging = Logging { format, filter: filter.to_owned() };
        tracing::subscriber::with_default(subscriber(&logging, move || writer.clone(), false), act);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_one_json_object() {
        let text = logged(LogFormat::Json, "info", || {
            let _span = tracing::info_span!("request", request_id = "r1").entered();
            tracing::info!(user = 7, "logged in");
            tracing::debug!("not shown");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["message"], &line["user"]), (&"logged in".into(), &7.into()));
        assert_eq!(line["span"]["request_id"], "r1");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn a_filter_names_modules() {
        let text = logged(LogFormat::Pretty, "off,doorward::telemetry=debug", || {
            tracing::debug!("shown");
            tracing::error!(target: "elsewhere", "hidden");
        });
        assert!(text.contains("shown") && !text.contains("hidden") && text.lines().count() == 1, "{text}");
        assert!(!text.contains('\u{1b}'), "no colours outside a terminal");
    }

    #[test]
    fn a_panic_is_one_line_without_values() {
        let here = Location::caller();
        let literal = logged(LogFormat::Json, "info", || report_panic(Some(here), &"index out of range"));
        assert!(literal.contains("index out of range") && literal.contains("logging.rs"), "{literal}");
        let formatted = logged(LogFormat::Json, "info", || report_panic(Some(here), &"canary".to_owned()));
        assert!(formatted.contains("logging.rs") && !formatted.contains("canary"), "{formatted}");
        assert_eq!((literal.lines().count(), formatted.lines().count()), (1, 1));
    }
}
