//! One connection, from accept to close.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{FutureExt, poll_fn};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::activity::{Activity, Watched};
use super::phase::{Event, Framing, Phase};
use super::{Limits, unreadable};
use crate::api::middleware::Unreadable;

/// What the server tells its connections.
#[derive(Clone)]
pub(super) struct Orders {
    /// A change: finish what is running, begin nothing. The sender's end: give up.
    pub(super) stop: watch::Receiver<()>,
    /// Another connection waits for room: whoever has been without a request for longest closes.
    pub(super) crowded: Arc<Notify>,
}

/// Serves requests until the client leaves, a limit is passed, or the server says so.
pub(super) async fn run<E>(stream: TcpStream, endpoint: Arc<E>, limits: Limits, mut orders: Orders)
where
    E: Endpoint<Output = Response> + 'static,
{
    let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else { return };
    // Answers are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    // One that says nothing costs next to no memory.
    let mut first = [0];
    tokio::select! {
        biased;
        _ = stream.peek(&mut first) => Box::pin(converse(stream, (local, remote), endpoint, limits, orders)).await,
        () = tokio::time::sleep(limits.header_read) => {}
        () = orders.crowded.notified() => {}
        _ = orders.stop.changed() => {}
    }
}

async fn converse<E>(
    stream: TcpStream,
    (local, remote): (SocketAddr, SocketAddr),
    endpoint: Arc<E>,
    limits: Limits,
    Orders { mut stop, crowded }: Orders,
) where
    E: Endpoint<Output = Response> + 'static,
{
    let activity = Activity::new();
    let service = {
        let (endpoint, activity) = (Arc::clone(&endpoint), activity.clone());
        service_fn(move |mut request: hyper::Request<Incoming>| {
            activity.tell(Event::Request(framing(request.body())));
            if unreadable::lacks_host(&request) {
                request.extensions_mut().insert(Unreadable::Malformed);
            }
            let (endpoint, activity) = (Arc::clone(&endpoint), activity.clone());
            let parts = (request, LocalAddr(local.into()), RemoteAddr(remote.into()), Scheme::HTTP);
            async move {
                let response = endpoint.get_response(parts.into()).await;
                activity.tell(Event::Answer);
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
        .serve_connection(TokioIo::new(Watched::new(stream, activity.clone())), service);

    let alarm = tokio::time::sleep(Duration::ZERO);
    let turn = None;
    tokio::pin!(alarm, turn);
    let (mut stopping, mut seen) = (false, 0);
    loop {
        tokio::select! {
            // The connection goes first, so that what has arrived counts before a limit does.
            biased;
            _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                let mut stream = connection.into_parts().io.into_inner().into_inner();
                let refusal = activity.take_refusal();
                let linger = if refusal.is_some() || activity.progress().had_body() { limits.linger } else { Duration::ZERO };
                if let Some(refusal) = refusal {
                    let answer = unreadable::answer(&mut stream, &*endpoint, &refusal, (local, remote));
                    let _ = tokio::time::timeout(limits.header_read, answer).await;
                }
                return close(stream, linger, limits.linger_bytes).await;
            }
            () = &mut alarm => {
                let (now, progress) = (Instant::now(), activity.progress());
                let deadline = progress.deadline(&limits);
                let has_nothing_to_finish = stopping && progress.phase() == Phase::Head;
                if has_nothing_to_finish || deadline.is_some_and(|deadline| deadline <= now) {
                    return;
                }
                // Whatever begins from now on lasts at least this long.
                let soonest = now + limits.header_read.min(limits.write).min(limits.keep_alive);
                alarm.as_mut().reset(deadline.map_or(soonest, |deadline| deadline.min(soonest)));
                continue;
            }
            changed = stop.changed() => if changed.is_err() { return },
            // Its place in the queue is from when the last request was done.
            () = poll_fn(|cx| {
                // A whole request may have passed since the last look.
                let progress = activity.progress();
                if seen != progress.requests() {
                    seen = progress.requests();
                    turn.set(None);
                }
                if progress.phase() == Phase::Request {
                    return Poll::Pending;
                }
                if turn.is_none() {
                    turn.set(Some(crowded.notified()));
                }
                turn.as_mut().as_pin_mut().map_or(Poll::Pending, |turn| turn.poll(cx))
            }), if !stopping => {}
        }
        stopping = true;
        Pin::new(&mut connection).graceful_shutdown();
        alarm.as_mut().reset(Instant::now());
    }
}

fn framing(body: &Incoming) -> Framing {
    match body.size_hint().exact() {
        Some(0) => Framing::Bodiless,
        Some(length) => Framing::Length(length),
        None => Framing::Chunked,
    }
}

/// Says goodbye; then, for a while, throws away what the client still sends, up to a number of bytes.
async fn close(mut stream: TcpStream, linger: Duration, bytes: u64) {
    let _ = stream.shutdown().await;
    let mut rest = stream.take(bytes);
    let _ = tokio::time::timeout(linger, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}
