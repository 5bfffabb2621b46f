//! What a connection is busy with, and until when that may last. Pure: events and the time come in, nothing is waited for.

use std::time::Duration;

use memchr::memchr;
use tokio::time::Instant;

use super::Limits;

/// What a connection is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A head is being read, or the connection is new.
    Head,
    /// A request is being worked on: the endpoint bounds that.
    Request,
    /// An answer is being written.
    Answer,
    /// All is answered and written, and nothing of a next request has come.
    Idle,
}

/// What happens on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'b> {
    /// These bytes were read.
    Read(&'b [u8]),
    /// A head is whole; work on its request begins.
    Request(Framing),
    /// The endpoint has answered.
    Answer,
    /// The client takes bytes of an answer.
    Written,
    /// There are bytes to write, and the client takes none.
    Blocked,
    /// All that there was to write is written.
    Flushed,
}

/// How the end of a request is known (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body.
    #[default]
    Bodiless,
    /// So many bytes follow the head.
    Length(u64),
    /// An empty line ends the last chunk, or the trailer.
    Chunked,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    phase: Phase,
    since: Instant,
    received: Received,
    requests: u64,
}

impl Progress {
    /// A connection that has begun to send.
    pub(super) fn new(now: Instant) -> Self {
        Self { phase: Phase::Head, since: now, received: Received::default(), requests: 0 }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether the last request came with a body.
    pub(super) fn had_body(&self) -> bool {
        self.received.framing != Framing::Bodiless
    }

    /// What becomes of the connection.
    #[must_use]
    pub(super) fn after(mut self, event: Event<'_>, now: Instant) -> Self {
        match event {
            Event::Read(bytes) => self.received.read(bytes),
            Event::Request(framing) => {
                self.requests += 1;
                self.received.request(framing);
            }
            _ => {}
        }
        let consumed = self.received.is_consumed();
        let next = match (self.phase, event) {
            (_, Event::Request(_)) => Phase::Request,
            // A long answer may come in pieces, between which all is flushed.
            (_, Event::Answer)
            | (Phase::Head | Phase::Answer | Phase::Idle, Event::Written)
            | (Phase::Head | Phase::Idle, Event::Blocked) => Phase::Answer,
            (Phase::Answer, Event::Flushed) if consumed => Phase::Idle,
            // Where not all is consumed, the next head began while this answer was under way.
            (Phase::Answer, Event::Flushed) | (Phase::Idle, Event::Read(_)) => Phase::Head,
            // What is written during a request is `100 Continue`, or the end of the answer before.
            (_, Event::Read(_) | Event::Blocked | Event::Flushed) | (Phase::Request, Event::Written) => return self,
        };
        (self.phase, self.since) = (next, now);
        if self.phase == Phase::Idle {
            self.received = Received { framing: self.received.framing, ..Received::default() };
        }
        self
    }

    /// When the connection must be closed if nothing changes.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let span: Option<Duration> = match self.phase {
            Phase::Head => Some(limits.header_read),
            Phase::Request => None,
            Phase::Answer => Some(limits.write),
            Phase::Idle => Some(limits.keep_alive),
        };
        span.map(|span| self.since + span)
    }
}

/// What was read since the connection was idle. Hyper keeps to itself how much of that it has not looked at yet; whether there is
/// half a request among it can be told from its length and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Received {
    bytes: u64,
    /// The length of the first head, with the empty line that ends it.
    first_head: Option<u64>,
    /// Something other than an empty line has come.
    has_text: bool,
    /// Nothing has come since the last line's end.
    at_line_start: bool,
    /// The last line is whole and empty.
    ends_empty: bool,
    requests: u64,
    /// Of the last request.
    framing: Framing,
}

impl Received {
    fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let line = memchr(b'\n', rest).map(|end| &rest[..=end]);
            let (text, is_whole) = line.map_or((rest, false), |line| (&line[..line.len() - 1], true));
            if text.iter().any(|byte| *byte != b'\r') {
                (self.at_line_start, self.has_text) = (false, true);
            }
            self.bytes += line.unwrap_or(rest).len() as u64;
            self.ends_empty = is_whole && self.at_line_start;
            self.at_line_start |= is_whole;
            // Empty lines before a head are skipped (RFC 9112, 2.2).
            if self.ends_empty && self.has_text && self.first_head.is_none() {
                self.first_head = Some(self.bytes);
            }
            rest = &rest[line.unwrap_or(rest).len()..];
        }
    }

    fn request(&mut self, framing: Framing) {
        self.requests += 1;
        self.framing = framing;
    }

    /// Whether all that was read belongs to requests that were worked on. Behind other requests the end of a body of known length
    /// is not known: no, then.
    fn is_consumed(&self) -> bool {
        match (self.requests, self.framing) {
            (0, _) => self.bytes == 0,
            (_, Framing::Bodiless | Framing::Chunked) => self.ends_empty,
            (1, Framing::Length(body)) => self.first_head.is_some_and(|head| head + body == self.bytes),
            (_, Framing::Length(_)) => false,
        }
    }
}

#[cfg(test)]
#[path = "phase_tests.rs"]
mod tests;
