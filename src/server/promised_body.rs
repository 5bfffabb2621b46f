//! A request's body, and whether all of it was read.
//!
//! Where an answer is given before that, nobody knows where on the connection the next request begins: some proxies (nginx's
//! `auth_request`) hand on the length of a body that they never send, and what follows on the connection is another visitor's
//! request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// The body; it notes when its end was read.
pub(super) struct PromisedBody {
    body: Incoming,
    end: EndSeen,
}

/// Whether all of a body was read.
#[derive(Clone)]
pub(super) struct EndSeen(Arc<AtomicBool>);

impl EndSeen {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl PromisedBody {
    /// The body as it comes, and what tells of its end.
    pub(super) fn new(body: Incoming) -> (Self, EndSeen) {
        let end = EndSeen(Arc::default());
        (Self { body, end: end.clone() }, end)
    }
}

impl Body for PromisedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.end.0.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
