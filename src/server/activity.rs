//! What a connection is busy with, seen from its bytes.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::phase::{Event, Progress};
use super::unreadable;

/// An answer of so many bytes, and most are no longer, is put together: the system takes one piece with less work than two.
const SHORT: usize = 1024;

/// How far the connection has come, shared by all who see its events. Hyper knows one limit for the wait for a head, from the end
/// of the last answer on; here the wait for its first byte (keep-alive) and for its last one are told apart.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    progress: Progress,
    refusal: Option<Vec<u8>>,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { progress: Progress::new(Instant::now()), refusal: None })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn progress(&self) -> Progress {
        self.lock().progress
    }

    pub(super) fn record(&self, event: Event<'_>) {
        let mut state = self.lock();
        state.progress = state.progress.after(event, Instant::now());
    }

    /// What hyper wrote because it could not read a request, and was held back.
    pub(super) fn take_refusal(&self) -> Option<Vec<u8>> {
        self.lock().refusal.take()
    }
}

/// The stream; it records in [`Activity`] what goes through it, and holds back what hyper says to what is [`unreadable`].
pub(super) struct TrackedStream {
    stream: TcpStream,
    activity: Activity,
}

impl TrackedStream {
    pub(super) fn new(stream: TcpStream, activity: Activity) -> Self {
        Self { stream, activity }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let read @ [_, ..] = &buffer.filled()[before..] {
            self.activity.record(Event::Read(read));
        }
        result
    }
}

impl AsyncWrite for TrackedStream {
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
        self.activity.record(if result.is_ready() { Event::Written } else { Event::Blocked });
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
        let stream = Pin::new(&mut self.stream);
        let mut whole = [0; SHORT];
        let mut room = &mut whole[..];
        let is_short = slices.iter().all(|slice| room.write_all(slice).is_ok());
        let written = SHORT - room.len();
        let result =
            if is_short { stream.poll_write(cx, &whole[..written]) } else { stream.poll_write_vectored(cx, slices) };
        self.activity.record(if result.is_ready() { Event::Written } else { Event::Blocked });
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        if result.is_ready() {
            self.activity.record(Event::Flushed);
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
