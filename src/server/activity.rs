//! What a connection is busy with, seen from its bytes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Limits, unreadable};

/// What the connection is busy with, and since when. Hyper knows one limit for the wait for a head, from the end of the last
/// answer on; here the wait for its first byte (keep-alive) and for its last one are told apart.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    phase: Phase,
    since: Instant,
    has_body: bool,
    requests: u64,
    refusal: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A head is being read, or the connection is new.
    Head,
    /// A request is being worked on: the endpoint bounds that.
    Request,
    /// An answer is being written, or nothing is going on.
    Idle,
}

impl Activity {
    pub(super) fn new() -> Self {
        let (phase, since) = (Phase::Head, Instant::now());
        Self(Arc::new(Mutex::new(State { phase, since, has_body: false, requests: 0, refusal: None })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Whether the last request came with a body.
    pub(super) fn had_body(&self) -> bool {
        self.lock().has_body
    }

    pub(super) fn request_begins(&self, has_body: bool) {
        let mut state = self.lock();
        let requests = state.requests + 1;
        *state = State { phase: Phase::Request, since: Instant::now(), has_body, requests, refusal: None };
    }

    pub(super) fn answer_begins(&self) {
        let mut state = self.lock();
        (state.phase, state.since) = (Phase::Idle, Instant::now());
    }

    /// What hyper wrote because it could not read a request, and was held back.
    pub(super) fn take_refusal(&self) -> Option<Vec<u8>> {
        self.lock().refusal.take()
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

    /// When the connection must be closed if nothing changes.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let state = self.lock();
        match state.phase {
            Phase::Head => Some(state.since + limits.header_read),
            Phase::Request => None,
            Phase::Idle => Some(state.since + limits.keep_alive),
        }
    }
}

/// The stream; it tells [`Activity`] what goes through it, and holds back what hyper says to what is [`unreadable`].
pub(super) struct Watched {
    stream: TcpStream,
    activity: Activity,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, activity: Activity) -> Self {
        Self { stream, activity }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }
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
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut bytes: &[u8]) -> Poll<io::Result<usize>> {
        match unreadable::begins_at(bytes) {
            Some(0) => {
                self.activity.lock().refusal = Some(bytes.to_vec());
                return Poll::Ready(Ok(bytes.len()));
            }
            // What stands before it is written, and then it comes again.
            Some(start) => bytes = &bytes[..start],
            None => {}
        }
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if result.is_ready() {
            self.activity.has_written();
        }
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Hyper's heads are in the first slice, bodies in the others.
        if let Some(first) = slices.first().filter(|first| unreadable::begins_at(first).is_some()) {
            return self.poll_write(cx, first);
        }
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
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
