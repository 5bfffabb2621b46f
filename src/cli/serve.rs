//! Serves until it is told to stop.

use std::net::SocketAddr;

use anyhow::anyhow;
use tokio::sync::oneshot;

use super::listen::handed_over;
use super::start::start_on;
use super::supervisor::Notify;
use crate::config::Config;
use crate::config::database::Location;
use crate::config::supervisor::Supervisor;
use crate::platform::clock::Clock;
use crate::platform::random::Random;

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    // From here on a signal is an orderly end.
    let mut signals = Signals::listen()?;
    let supervisor = Supervisor::of_this_process();
    let notify = Notify::new(&supervisor);
    notify.tell("STATUS=starting");
    let listeners = if supervisor.sockets > 0 { Some(handed_over(supervisor.sockets)?) } else { None };
    let clock = match config.database.location {
        Location::Sqlite(_) => Clock::system(),
        Location::Postgres(_) => Clock::following(),
    };
    let running = tokio::select! {
        running = start_on(listeners, config, clock, Random::system()) => running?,
        () = signals.next() => return Ok(()),
    };
    notify.tell("READY=1\nSTATUS=serving");
    let alive = supervisor.watchdog.map(|watchdog| Notify::new(&supervisor).keep_alive(watchdog));
    let printed = print_aside(format!("{}\n", line(config, &running.addresses)));
    tokio::select! {
        Ok(printed) = printed => { printed?; signals.next().await },
        () = signals.next() => {}
    }
    notify.tell("STOPPING=1\nSTATUS=finishing what has begun");
    let ended = tokio::select! {
        ended = running.shutdown() => ended,
        () = signals.next() => Err(anyhow!("stopped at once by a second signal")),
    };
    // Until here: the end may take longer than the watchdog waits.
    if let Some(alive) = alive {
        alive.abort();
    }
    ended
}

/// Prints in a thread of its own: a pipe that nobody reads holds up neither the service nor its end.
fn print_aside(text: String) -> oneshot::Receiver<anyhow::Result<()>> {
    let (done, printed) = oneshot::channel();
    // Without a thread nothing is printed, and `done` is dropped.
    drop(std::thread::Builder::new().spawn(move || done.send(super::print(&text))));
    printed
}

/// The one line that a start prints.
fn line(config: &Config, addresses: &[SocketAddr]) -> String {
    let origin = config.server.origin(addresses).unwrap_or_default();
    let docs = if config.server.api_docs { " (docs: /docs)" } else { "" };
    format!("Doorward on {origin}{docs}, database {}", config.database.location.describe())
}

/// What tells the process to end: SIGTERM and SIGINT, or Ctrl-C where there are no signals.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
