//! The accept loop: HTTP/1.1 over TCP around one endpoint, with a bound on everything that a client could hold on to.

mod activity;
mod connection;
mod descriptors;
mod phase;
mod promised_body;
mod unreadable;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::connection::Signals;

/// Bounds of connections. All but `keep_alive` are fixed; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A request's head arrives whole within this time: from its first byte, or from the end of the answer before it.
    pub header_read: Duration,
    /// A connection without a request is closed after this time. Longer than a proxy's (nginx 60 s, Caddy 2 min, Google's load
    /// balancers 10 min), so that the proxy closes first and never sends a request into a closing connection: one that is no
    /// GET it may not send again, and answers 502.
    pub keep_alive: Duration,
    /// A client that takes nothing of its answer for this long is closed.
    pub write: Duration,
    /// The largest head of a request, in bytes.
    pub header_bytes: usize,
    /// Connections at once. For a further one the connection that has been without a request for longest is evicted; while all
    /// have one, it waits.
    pub connections: u32,
    /// When stopping, running requests have this long to finish.
    pub drain: Duration,
    /// A client that is still sending when it is refused has this long to notice; else it would see a reset, not the answer.
    pub linger: Duration,
    /// How much of what it sends meanwhile is read, in bytes. The sockets' buffers hold megabytes beside that.
    pub linger_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(10),
            keep_alive: Duration::from_secs(620),
            write: Duration::from_mins(1),
            header_bytes: 32 * 1024,
            connections: 10_000,
            drain: Duration::from_secs(10),
            linger: Duration::from_secs(2),
            // As much as nginx lets through by default (`client_max_body_size`).
            linger_bytes: 1024 * 1024,
        }
    }
}

/// Serves until `shutdown` is ready, then takes what waits to be accepted and nothing more, lets running requests finish, and returns within
/// `limits.drain`.
///
/// # Errors
/// When a listener can't be used; nothing is served then.
pub async fn serve<E>(
    listeners: Vec<std::net::TcpListener>,
    endpoint: E,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let listeners = listeners.into_iter().map(from_std).collect::<io::Result<Vec<_>>>()?;
    let endpoint = Arc::new(endpoint);
    let connections = limits.connections.min(descriptors::for_connections());
    let permits = Arc::new(Semaphore::new(connections as usize));
    let (shutting_down, signal) = watch::channel(());
    let signals = Signals { shutdown: signal, evict_idle: Arc::default() };

    let mut accepting = JoinSet::new();
    for listener in listeners {
        let (endpoint, permits, signals) = (Arc::clone(&endpoint), Arc::clone(&permits), signals.clone());
        accepting.spawn(async move {
            let serve = async |stream| {
                if permits.available_permits() == 0 {
                    signals.evict_idle.notify_one();
                }
                // Without room this one waits here, and the others in the system's queue.
                let permit = Arc::clone(&permits).acquire_owned().await;
                let connection = connection::run(stream, Arc::clone(&endpoint), limits, signals.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            };
            let mut stopping = signals.shutdown.clone();
            loop {
                tokio::select! {
                    biased;
                    _ = stopping.changed() => break,
                    stream = accept(&listener, &signals.evict_idle) => serve(stream).await,
                }
            }
            // Whoever waits there has been told by the system that somebody listens.
            for _ in 0..WAITING {
                let Some(stream) = accept(&listener, &signals.evict_idle).now_or_never() else { break };
                serve(stream).await;
            }
        });
    }
    shutdown.await;
    let _ = shutting_down.send(());
    let end = Instant::now() + limits.drain;
    if tokio::time::timeout_at(end, async { while accepting.join_next().await.is_some() {} }).await.is_err() {
        accepting.shutdown().await;
    }
    // All permits are back when all connections are gone. Those that are not are aborted when `shutting_down` is dropped.
    if tokio::time::timeout_at(end, permits.acquire_many(connections)).await.is_err() {
        let left = connections as usize - permits.available_permits();
        tracing::warn!("{left} connections were still busy after {:?} and are aborted", limits.drain);
    }
    Ok(())
}

/// How many are taken at the end of those that the system has let in already: as many as it lets wait.
const WAITING: usize = 1024;

fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// The next connection.
async fn accept(listener: &TcpListener, evict_idle: &Notify) -> TcpStream {
    let mut pause = Duration::ZERO;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The client was gone before it was accepted: its own affair.
            Err(error) if is_clients(&error) => {}
            // Most likely out of descriptors: without a pause the loop would burn a core until some are free.
            Err(error) => {
                if pause.is_zero() {
                    tracing::error!("can't accept connections: {error}. Trying again");
                }
                evict_idle.notify_one();
                pause = (pause * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
                tokio::time::sleep(pause).await;
            }
        }
    }
}

fn is_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
