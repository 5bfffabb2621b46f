//! One connection, from accept to close.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{FutureExt, poll_fn};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::HeaderValue;
use poem::http::header::CONNECTION;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Error, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::activity::{Activity, TrackedStream};
use super::phase::{Event, Framing, Phase};
use super::promised_body::PromisedBody;
use super::{Limits, unreadable};
use crate::api::middleware::Unreadable;

/// How long the end waits for the first request of a connection that is new.
const FIRST_REQUEST: Duration = Duration::from_millis(100);

/// The server's signals to its connections.
#[derive(Clone)]
pub(super) struct Signals {
    /// A change: graceful shutdown, which finishes the request in flight. The sender's drop: abort.
    pub(super) shutdown: watch::Receiver<()>,
    /// Evicts one connection without a request, the one that has been without for longest.
    pub(super) evict_idle: Arc<Notify>,
}

/// Serves requests until the client leaves, a limit is passed, or the server is shut down.
pub(super) async fn run<E>(stream: TcpStream, endpoint: Arc<E>, limits: Limits, mut signals: Signals)
where
    E: Endpoint<Output = Response> + 'static,
{
    let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else { return };
    // Answers are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    // A silent connection costs next to no memory: buffers and the parser's state come with its first byte.
    let mut first = [0];
    tokio::select! {
        biased;
        _ = stream.peek(&mut first) => Box::pin(serve_requests(stream, (local, remote), endpoint, limits, signals)).await,
        () = tokio::time::sleep(limits.header_read) => {}
        () = signals.evict_idle.notified() => {}
        // Its first request may be under way.
        () = signals.shutdown.changed().then(|_| tokio::time::sleep(FIRST_REQUEST)) => {}
    }
}

async fn serve_requests<E>(
    stream: TcpStream,
    (local, remote): (SocketAddr, SocketAddr),
    endpoint: Arc<E>,
    limits: Limits,
    Signals { mut shutdown, evict_idle }: Signals,
) where
    E: Endpoint<Output = Response> + 'static,
{
    let activity = Activity::new();
    let service = {
        let (endpoint, activity) = (Arc::clone(&endpoint), activity.clone());
        service_fn(move |mut request: hyper::Request<Incoming>| {
            activity.record(Event::Request(framing(request.body())));
            if unreadable::lacks_host(&request) {
                request.extensions_mut().insert(Unreadable::Malformed);
            }
            let (endpoint, activity) = (Arc::clone(&endpoint), activity.clone());
            let (parts, body) = request.into_parts();
            let promised = (!body.is_end_stream()).then(|| PromisedBody::new(body));
            let (body, end_seen) = promised.map_or_else(
                || (poem::Body::empty(), None),
                |(body, end)| (body.map_err(io::Error::other).boxed().into(), Some(end)),
            );
            let parts = (parts, LocalAddr(local.into()), RemoteAddr(remote.into()), Scheme::HTTP);
            let request = Request::from_parts(parts.into(), body);
            async move {
                let mut response = endpoint.call(request).await.unwrap_or_else(Error::into_response);
                if end_seen.is_some_and(|end| !end.get()) {
                    // Hyper parses nothing more of this connection.
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                activity.record(Event::Answer);
                Ok::<hyper::Response<_>, Infallible>(response.into())
            }
            .boxed()
        })
    };
    let mut connection = http1::Builder::new()
        // Hyper's own would close idle connections after the same time: see `Activity`.
        .header_read_timeout(None)
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.header_bytes)
        .serve_connection(TokioIo::new(TrackedStream::new(stream, activity.clone())), service);

    let timer = tokio::time::sleep(Duration::ZERO);
    let eviction = None;
    tokio::pin!(timer, eviction);
    let (mut closing, mut requests_seen) = (false, 0);
    loop {
        tokio::select! {
            // The connection goes first, so that what has arrived counts before a limit does.
            biased;
            _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                let parts = connection.into_parts();
                let mut stream = parts.io.into_inner().into_inner();
                let refusal = activity.take_refusal();
                let linger = if refusal.is_some() || activity.progress().had_body() { limits.linger } else { Duration::ZERO };
                if let Some(refusal) = refusal {
                    let origin = unreadable::origin(&parts.read_buf);
                    let answer = unreadable::answer(&mut stream, &*endpoint, (&refusal, origin), (local, remote));
                    let _ = tokio::time::timeout(limits.header_read, answer).await;
                }
                return lingering_close(stream, linger, limits.linger_bytes).await;
            }
            () = &mut timer => {
                let (now, progress) = (Instant::now(), activity.progress());
                let deadline = progress.deadline(&limits);
                let nothing_in_flight = closing && progress.phase() == Phase::Head;
                if nothing_in_flight || deadline.is_some_and(|deadline| deadline <= now) {
                    return;
                }
                // Whatever begins from now on lasts at least this long.
                let next_check = now + limits.header_read.min(limits.write).min(limits.keep_alive);
                timer.as_mut().reset(deadline.map_or(next_check, |deadline| deadline.min(next_check)));
                continue;
            }
            changed = shutdown.changed() => if changed.is_err() { return },
            // Evictions are handed out first come, first served: the place in that queue is from the end of the last request.
            () = poll_fn(|cx| {
                // A whole request may have passed since the last poll.
                let progress = activity.progress();
                if requests_seen != progress.requests() {
                    requests_seen = progress.requests();
                    eviction.set(None);
                }
                if progress.phase() == Phase::Request {
                    return Poll::Pending;
                }
                if eviction.is_none() {
                    eviction.set(Some(evict_idle.notified()));
                }
                eviction.as_mut().as_pin_mut().map_or(Poll::Pending, |eviction| eviction.poll(cx))
            }), if !closing => {}
        }
        closing = true;
        Pin::new(&mut connection).graceful_shutdown();
        timer.as_mut().reset(Instant::now());
    }
}

fn framing(body: &Incoming) -> Framing {
    match body.size_hint().exact() {
        Some(0) => Framing::Bodiless,
        Some(length) => Framing::Length(length),
        None => Framing::Chunked,
    }
}

/// Closes the sending side; then, for a while, reads and discards what the client still sends, up to a number of bytes.
async fn lingering_close(mut stream: TcpStream, linger: Duration, bytes: u64) {
    let _ = stream.shutdown().await;
    let mut rest = stream.take(bytes);
    let _ = tokio::time::timeout(linger, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}
