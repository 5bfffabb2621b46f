//! Bounds bodies, in size and time, while they are read.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body as HttpBody, Frame};
use poem::http::header::CONTENT_LENGTH;
use poem::{Body, Request, Response, Result};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use crate::api::problem::{Code, Problem};

/// What became of a body that was bounded.
pub(super) struct Outcome(Option<Arc<OnceLock<Failure>>>);

/// Bounds a request's body. Whoever reads it, and whatever they make of its failure: 413 when it is too large, 400 when it does not arrive
/// whole or in time. A body that nobody reads is nobody's problem, so the checks that go before keep their order.
pub(super) fn limit(request: &mut Request, limits: &Limits) -> Outcome {
    let body: BoxBody<Bytes, io::Error> = request.take_body().into();
    if body.is_end_stream() {
        return Outcome(None);
    }
    let declared = request.header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    let failure = Arc::new(OnceLock::new());
    let limited = Limited {
        body,
        left: limits.body_bytes,
        declared_too_large: usize::try_from(declared).map_or(true, |length| length > limits.body_bytes),
        time: limits.body_read,
        deadline: None,
        alarm: None,
        failure: Arc::clone(&failure),
    };
    request.set_body(Body::from(limited.boxed()));
    Outcome(Some(failure))
}

impl Outcome {
    /// The answer, or why the body could not be read.
    pub(super) fn of(&self, answer: Result<Response>) -> Result<Response> {
        match self.0.as_ref().and_then(|failure| failure.get()) {
            Some(failure) => Err(Problem::from(*failure).into()),
            None => answer,
        }
    }
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    TooLarge,
    TooSlow,
    Broken,
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::TooLarge => Self::of(Code::PayloadTooLarge),
            Failure::TooSlow => Self::new(Code::MalformedJson, "The body did not arrive in time."),
            Failure::Broken => Self::new(Code::MalformedJson, "The body did not arrive whole."),
        }
    }
}

struct Limited {
    body: BoxBody<Bytes, io::Error>,
    left: usize,
    declared_too_large: bool,
    time: Duration,
    /// Set at the first look: until then the client may be waiting for `100 Continue`.
    deadline: Option<Instant>,
    /// Where it was not there by then.
    alarm: Option<Pin<Box<Sleep>>>,
    failure: Arc<OnceLock<Failure>>,
}

impl Limited {
    fn fail(&self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let failure = *self.failure.get_or_init(|| failure);
        Poll::Ready(Some(Err(io::Error::other(format!("{failure:?}")))))
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.declared_too_large {
            return self.fail(Failure::TooLarge);
        }
        let now = Instant::now();
        let time = self.time;
        let deadline = *self.deadline.get_or_insert_with(|| now + time);
        if now >= deadline {
            return self.fail(Failure::TooSlow);
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            ready!(alarm.as_mut().poll(cx));
            return self.fail(Failure::TooSlow);
        };
        match frame {
            Some(Ok(frame)) => match self.left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(frame)))
                }
                None => self.fail(Failure::TooLarge),
            },
            Some(Err(_)) => self.fail(Failure::Broken),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
