//! The table, row by row, and what is told from the bytes.

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    header_read: Duration::from_secs(1),
    write: Duration::from_secs(2),
    keep_alive: Duration::from_secs(3),
    header_bytes: 0,
    connections: 0,
    drain: Duration::ZERO,
    linger: Duration::ZERO,
    linger_bytes: 0,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const POST: &[u8] = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n";
const PARTS: &[u8] = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
const CHUNKS: &[u8] = b"5\r\nhello\r\n0\r\n\r\n";
const HALF: &[u8] = b"GET / HT";

/// What came, with what was made of it.
type Story<'s> = &'s [(&'s [&'s [u8]], Framing)];

fn at(phase: Phase, since: Instant) -> Progress {
    Progress { phase, ..Progress::new(since) }
}

/// All of this was read, in one piece or byte by byte; each request was answered.
fn told(story: Story<'_>, then: &[u8], byte_by_byte: bool) -> Progress {
    let now = Instant::now();
    let mut progress = Progress::new(now);
    let all = [story.iter().flat_map(|(parts, _)| parts.concat()).collect(), then.to_vec()].concat();
    for part in all.chunks(if byte_by_byte { 1 } else { all.len() }) {
        progress = progress.after(Event::Read(part), now);
    }
    for (_, framing) in story {
        for event in [Event::Request(*framing), Event::Answer, Event::Written] {
            progress = progress.after(event, now);
        }
    }
    progress.after(Event::Flushed, now)
}

#[test]
fn every_event_in_every_phase() {
    use Phase::{Answer, Head, Idle, Request};
    let (read, request) = (Event::Read(HALF), Event::Request(Framing::Bodiless));
    let (answer, written, blocked, flushed) = (Event::Answer, Event::Written, Event::Blocked, Event::Flushed);
    // None: nothing changes, and the deadline stays.
    for (phase, event, next) in [
        (Head, read, None),
        (Head, request, Some(Request)),
        (Head, answer, Some(Answer)),
        (Head, written, Some(Answer)),
        (Head, blocked, Some(Answer)),
        (Head, flushed, None),
        (Request, read, None),
        (Request, request, Some(Request)),
        (Request, answer, Some(Answer)),
        (Request, written, None),
        (Request, blocked, None),
        (Request, flushed, None),
        (Answer, read, None),
        (Answer, request, Some(Request)),
        (Answer, answer, Some(Answer)),
        (Answer, written, Some(Answer)),
        (Answer, blocked, None),
        (Answer, flushed, Some(Idle)),
        (Idle, read, Some(Head)),
        (Idle, request, Some(Request)),
        (Idle, answer, Some(Answer)),
        (Idle, written, Some(Answer)),
        (Idle, blocked, Some(Answer)),
        (Idle, flushed, None),
    ] {
        let before = Instant::now();
        let now = before + Duration::from_millis(1);
        let after = at(phase, before).after(event, now);
        let expected = next.map_or((phase, before), |next| (next, now));
        assert_eq!((after.phase, after.since), expected, "{event:?} in {phase:?}");
    }
}

#[test]
fn each_phase_has_its_limit() {
    let since = Instant::now();
    for (phase, limit) in
        [(Phase::Head, Some(1)), (Phase::Request, None), (Phase::Answer, Some(2)), (Phase::Idle, Some(3))]
    {
        let deadline = limit.map(|seconds| since + Duration::from_secs(seconds));
        assert_eq!(at(phase, since).deadline(&LIMITS), deadline, "{phase:?}");
    }
}

#[test]
fn a_connection_is_idle_when_all_it_sent_is_answered() {
    let stories: [Story<'_>; 8] = [
        &[(&[GET], Framing::Bodiless)],
        &[(&[b"\r\n\r\n", GET], Framing::Bodiless)],
        &[(&[b"GET / HTTP/1.1\nhost: x\n\n"], Framing::Bodiless)],
        &[(&[POST, b"hello"], Framing::Length(5))],
        &[(&[POST, b"\r\n\r\n\n"], Framing::Length(5))],
        &[(&[PARTS, CHUNKS], Framing::Chunked)],
        &[(&[GET], Framing::Bodiless), (&[GET], Framing::Bodiless)],
        &[(&[POST, b"hello"], Framing::Length(5)), (&[PARTS, CHUNKS], Framing::Chunked)],
    ];
    for story in stories {
        for byte_by_byte in [false, true] {
            assert_eq!(told(story, b"", byte_by_byte).phase, Phase::Idle, "{story:?}");
            let half = told(story, HALF, byte_by_byte);
            assert_eq!(half.phase, Phase::Head, "half a head behind {story:?}");
        }
    }
}

/// The end of a second body is not known. A client that sends requests without waiting for answers has the time of a head, then.
#[test]
fn a_body_behind_another_request_counts_as_one_that_goes_on() {
    let story: Story<'_> = &[(&[GET], Framing::Bodiless), (&[POST, b"hello"], Framing::Length(5))];
    assert_eq!(told(story, b"", false).phase, Phase::Head);
}

#[test]
fn half_a_head_has_its_time_from_the_end_of_the_answer_before() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let mut progress = Progress::new(start);
    for (event, second) in [
        (Event::Read(&[GET, HALF].concat()), 0),
        (Event::Request(Framing::Bodiless), 0),
        (Event::Answer, 10),
        (Event::Written, 20),
        (Event::Flushed, 21),
    ] {
        progress = progress.after(event, after(second));
    }
    assert_eq!(progress.deadline(&LIMITS), Some(after(22)));
    // More of it makes it no younger.
    progress = progress.after(Event::Read(b"TP/1"), after(22));
    assert_eq!(progress.deadline(&LIMITS), Some(after(22)));
}

#[test]
fn an_idle_connection_starts_anew() {
    let first = told(&[(&[POST, b"hello"], Framing::Length(5))], b"", false);
    assert!(first.had_body());
    let now = Instant::now();
    let second = [
        Event::Read(POST),
        Event::Request(Framing::Length(5)),
        Event::Read(b"hello"),
        Event::Answer,
        Event::Written,
        Event::Flushed,
    ];
    let second = second.into_iter().fold(first, |progress, event| progress.after(event, now));
    assert_eq!((second.phase, second.requests()), (Phase::Idle, 2));
}

/// An answer whose body comes in pieces is idle between two of them.
#[test]
fn a_client_that_stops_reading_a_long_answer_has_the_time_of_an_answer() {
    let now = Instant::now();
    let idle = told(&[(&[GET], Framing::Bodiless)], b"", false);
    let stuck = idle.after(Event::Blocked, now);
    assert_eq!(stuck.deadline(&LIMITS), Some(now + LIMITS.write));
    let still = stuck.after(Event::Blocked, now + Duration::from_secs(1));
    assert_eq!(still.deadline(&LIMITS), stuck.deadline(&LIMITS));
}

proptest! {
    #[test]
    fn in_which_pieces_it_comes_makes_no_difference(bytes in "[\r\nx]{0,24}", cut in 0..24_usize) {
        let received = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut received = Received::default();
            pieces.for_each(|piece| received.read(piece));
            received
        };
        let bytes = bytes.as_bytes();
        let (before, behind) = bytes.split_at(cut.min(bytes.len()));
        let one_by_one = received(&mut bytes.chunks(1));
        prop_assert_eq!(received(&mut [bytes].into_iter()), one_by_one);
        prop_assert_eq!(received(&mut [before, behind].into_iter()), one_by_one);
    }
}
