//! One connection, from accept to close.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{FutureExt, poll_fn};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Limits;

/// Serves requests until the client leaves, a limit is passed, or the server stops: when `stop` changes, what is running is
/// finished and nothing begins; when its sender is gone, all is given up.
pub(super) async fn run<E>(stream: TcpStream, endpoint: Arc<E>, limits: Limits, mut stop: watch::Receiver<()>)
where
    E: Endpoint<Output = Response> + 'static,
{
    let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else { return };
    // Answers are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    // One that says nothing costs no buffers.
    let mut first = [0];
    tokio::select! {
        biased;
        _ = stream.peek(&mut first) => {}
        () = tokio::time::sleep(limits.header_read) => return,
        _ = stop.changed() => return,
    }
    let activity = Activity::new();
    let service = {
        let activity = activity.clone();
        service_fn(move |request: hyper::Request<Incoming>| {
            activity.request_begins(!request.body().is_end_stream());
            let (endpoint, activity) = (Arc::clone(&endpoint), activity.clone());
            let parts = (request, LocalAddr(local.into()), RemoteAddr(remote.into()), Scheme::HTTP);
            async move {
                let response = endpoint.get_response(parts.into()).await;
                activity.answer_begins();
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
        .serve_connection(TokioIo::new(Watched { stream, activity: activity.clone() }), service);

    let alarm = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(alarm);
    let mut stopping = false;
    loop {
        tokio::select! {
            // The connection goes first, so that what has arrived counts before a limit does.
            biased;
            _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                let unread = activity.lock().has_body;
                let stream = connection.into_parts().io.into_inner().stream;
                return close(stream, if unread { limits.linger } else { Duration::ZERO }).await;
            }
            () = &mut alarm => {
                let now = Instant::now();
                let deadline = activity.deadline(&limits);
                let has_nothing_to_finish = stopping && activity.lock().phase == Phase::Head;
                if has_nothing_to_finish || deadline.is_some_and(|deadline| deadline <= now) {
                    return;
                }
                // Whatever begins from now on lasts at least this long.
                let soonest = now + limits.header_read.min(limits.keep_alive);
                alarm.as_mut().reset(deadline.map_or(soonest, |deadline| deadline.min(soonest)));
            }
            changed = stop.changed() => {
                if changed.is_err() {
                    return;
                }
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
                alarm.as_mut().reset(Instant::now());
            }
        }
    }
}

/// Says goodbye; then, for a while, throws away what the client still sends.
async fn close(mut stream: TcpStream, linger: Duration) {
    let _ = stream.shutdown().await;
    let mut sink = [0; 4096];
    let drained = async { while matches!(stream.read(&mut sink).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(linger, drained).await;
}

/// What the connection is busy with, and since when. Hyper knows one limit for the wait for a head, from the end of the last
/// answer on; here the wait for its first byte (keep-alive) and for its last one are told apart.
#[derive(Clone)]
struct Activity(Arc<Mutex<State>>);

struct State {
    phase: Phase,
    since: Instant,
    /// The last request came with a body.
    has_body: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A head is being read, or the connection is new.
    Head,
    /// A request is being worked on: the endpoint bounds that.
    Request,
    /// An answer is being written, or nothing is going on.
    Idle,
}

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(State { phase: Phase::Head, since: Instant::now(), has_body: false })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request_begins(&self, has_body: bool) {
        *self.lock() = State { phase: Phase::Request, since: Instant::now(), has_body };
    }

    fn answer_begins(&self) {
        let mut state = self.lock();
        (state.phase, state.since) = (Phase::Idle, Instant::now());
    }

    fn has_read(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
    }

    fn has_written(&self) {
        self.lock().since = Instant::now();
    }

    fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let state = self.lock();
        match state.phase {
            Phase::Head => Some(state.since + limits.header_read),
            Phase::Request => None,
            Phase::Idle => Some(state.since + limits.keep_alive),
        }
    }
}

/// The stream; it tells [`Activity`] what goes through it.
struct Watched {
    stream: TcpStream,
    activity: Activity,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.has_read();
        }
        result
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if result.is_ready() {
            self.activity.has_written();
        }
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        if result.is_ready() {
            self.activity.has_written();
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
