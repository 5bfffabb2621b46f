//! The table of the decision, row by row, and the laws that hold for all of it.

use proptest::prelude::*;

use crate::domain::factor::Requirement;

use super::super::{AuthMethod, Delivery, Ended, NewSession, SessionId, SessionSecret};
use super::*;
use crate::domain::account::UserId;

pub(in super::super) const START: Timestamp = Timestamp::from_seconds(1_000_000);
pub(in super::super) const DAY: Duration = Duration::from_hours(24);

pub(in super::super) fn policy() -> Policy {
    Policy {
        access_ttl: Duration::from_hours(1),
        idle_ttl: 7 * DAY,
        absolute_ttl: 30 * DAY,
        grace: seconds(30),
        lost_replies_per_day: 2,
        not_before: None,
        max_per_user: 50,
        bound_ttl: seconds(600),
        second_factor: Requirement::Optional,
        unbound_for: None,
    }
}

pub(in super::super) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn fresh() -> Session {
    let new = NewSession {
        id: SessionId([1; 16]),
        user_id: UserId(1),
        secret: SessionSecret([2; 32]),
        amr: vec![AuthMethod::Password],
        delivery: Delivery::Cookies,
        client_ip: None,
        user_agent: None,
    };
    Session::begin(new, &policy(), START)
}

/// A session whose generation `generation` was made at `START`.
pub(in super::super) fn at_generation(generation: Generation) -> Session {
    Session { generation, confirmed_generation: generation - 1, ..fresh() }
}

fn token(session: &Session, generation: Generation) -> Presented {
    Presented { generation, expires: Timestamp::from_seconds(session.idle_expires_at.seconds()), by: Means::Token }
}

fn judge(session: &Session, generation: Generation, after: Duration) -> Verdict {
    session.judge(true, token(session, generation), &policy(), START + after)
}

#[test]
fn the_first_token_rotates_at_once() {
    assert_eq!(judge(&fresh(), 1, seconds(0)), Verdict::Rotate { ahead: false });
}

#[test]
fn the_newest_token_is_given_again_until_nobody_honest_has_an_older_one() {
    assert_eq!(judge(&at_generation(5), 5, seconds(89)), Verdict::Same);
    assert_eq!(judge(&at_generation(5), 5, seconds(90)), Verdict::Rotate { ahead: false });
    // A long window, in which requests may be under way for as long.
    let patient = Policy { grace: seconds(300), ..policy() };
    let judge = |after| at_generation(5).judge(true, token(&at_generation(5), 5), &patient, START + seconds(after));
    assert_eq!([judge(599), judge(600)], [Verdict::Same, Verdict::Rotate { ahead: false }]);
}

#[test]
fn a_session_in_use_outlives_any_idle_time() {
    let policy = Policy { idle_ttl: seconds(10), ..policy() };
    let mut session = Session { idle_expires_at: START + policy.idle_ttl, ..at_generation(5) };
    for step in 1..100 {
        let now = START + seconds(step * 5);
        let presented = token(&session, session.generation);
        let verdict = session.judge(true, presented, &policy, now);
        assert_eq!(verdict, Verdict::Rotate { ahead: false });
        session.apply(&verdict, presented, &policy, now);
    }
}

#[test]
fn the_previous_token_inside_the_window_gets_its_successor() {
    assert_eq!(judge(&at_generation(5), 4, seconds(29)), Verdict::Successor);
}

#[test]
fn a_lost_reply_is_forgiven_twice_a_day_and_the_window_opens_again() {
    let mut session = at_generation(5);
    let mut now = START;
    for _ in 0..2 {
        now = now + seconds(3_600);
        assert_eq!(session.judge(true, token(&session, 4), &policy(), now), Verdict::Reissue);
        session.apply(&Verdict::Reissue, token(&session, 4), &policy(), now);
        assert_eq!(session.judge(true, token(&session, 4), &policy(), now + seconds(29)), Verdict::Successor);
    }
    assert_eq!(session.judge(true, token(&session, 4), &policy(), now + seconds(3_600)), Verdict::Reuse);
    assert_eq!(session.judge(true, token(&session, 4), &policy(), now + DAY), Verdict::Reissue);
}

#[test]
fn a_session_has_eight_lost_replies_in_its_life() {
    let session = Session { lost_replies_total: LIFETIME_LOST_REPLIES, ..at_generation(5) };
    assert_eq!(judge(&session, 4, seconds(30)), Verdict::Reuse);
}

#[test]
fn a_confirmed_generation_was_not_lost() {
    let session = Session { confirmed_generation: 5, ..at_generation(5) };
    assert_eq!(judge(&session, 4, seconds(30)), Verdict::Reuse);
    assert_eq!(judge(&session, 4, seconds(29)), Verdict::Successor);
}

#[test]
fn anything_older_is_reuse_even_inside_the_window() {
    assert_eq!(judge(&at_generation(5), 3, seconds(0)), Verdict::Reuse);
    assert_eq!(judge(&at_generation(5), 1, seconds(0)), Verdict::Reuse);
}

#[test]
fn a_token_that_is_ahead_of_the_row_is_adopted() {
    let mut session = at_generation(5);
    let presented = token(&session, 8);
    assert_eq!(session.judge(true, presented, &policy(), START), Verdict::Rotate { ahead: true });
    session.apply(&Verdict::Rotate { ahead: true }, presented, &policy(), START);
    assert_eq!((session.generation, session.confirmed_generation), (9, 8));
}

#[test]
fn refusals_say_why() {
    let now = START + seconds(60);
    let session = at_generation(5);
    let refused = |session: &Session, active, presented, policy: &Policy, now| match session
        .judge(active, presented, policy, now)
    {
        Verdict::Refuse(refusal) => refusal,
        verdict => panic!("{verdict:?}"),
    };
    let expired = Presented { generation: 1, expires: now, by: Means::Token };
    let newest = token(&session, 5);
    assert_eq!(refused(&session, true, expired, &policy(), now), Refusal::Expired);
    assert_eq!(refused(&session, false, newest, &policy(), now), Refusal::Ended(EndReason::Disabled));
    for reason in EndReason::ALL.into_iter().chain([EndReason::Other("moved_country".to_owned())]) {
        let ended = Session { ended: Some(Ended { at: now, reason: reason.clone() }), ..session.clone() };
        assert_eq!(refused(&ended, true, newest, &policy(), now), Refusal::Ended(reason));
    }
    let not_before = Policy { not_before: Some(START + seconds(1)), ..policy() };
    assert_eq!(refused(&session, true, newest, &not_before, now), Refusal::Ended(EndReason::Admin));
    let idle = Session { idle_expires_at: now, ..session.clone() };
    assert_eq!(refused(&idle, true, newest, &policy(), now), Refusal::Expired);
    let absolute = Session { expires_at: now, ..session.clone() };
    assert_eq!(refused(&absolute, true, newest, &policy(), now), Refusal::Expired);
}

#[test]
fn the_strict_reading_forgives_nothing() {
    let strict = Policy { grace: Duration::ZERO, lost_replies_per_day: 0, ..policy() };
    let session = at_generation(5);
    for now in [START, START + seconds(5), START - seconds(5)] {
        assert_eq!(session.judge(true, token(&session, 4), &strict, now), Verdict::Reuse);
        assert_eq!(session.judge(true, token(&session, 5), &strict, now), Verdict::Rotate { ahead: false });
    }
}

#[test]
fn a_clock_that_stepped_back_is_inside_the_window() {
    let session = at_generation(5);
    let before = START - seconds(3_600);
    assert_eq!(session.judge(true, token(&session, 4), &policy(), before), Verdict::Successor);
    assert_eq!(session.judge(true, token(&session, 5), &policy(), before), Verdict::Same);
}

/// Seen: one refresh while the clock was eight days behind, and the session had expired when it was right again.
#[test]
fn a_clock_that_stepped_back_takes_no_deadline_back() {
    let mut session = Session { last_used_at: START, idle_expires_at: START + policy().idle_ttl, ..at_generation(1) };
    let (presented, behind) = (token(&session, 1), START - seconds(8 * 86_400));
    let verdict = session.judge(true, presented, &policy(), behind);
    assert_eq!(verdict, Verdict::Rotate { ahead: false });
    let before = session.idle_expires_at;
    session.apply(&verdict, presented, &policy(), behind);
    assert_eq!((session.last_used_at, session.idle_expires_at), (START, before));
    // A setting that shortens it does, by a clock that is right.
    let shorter = Policy { idle_ttl: seconds(600), ..policy() };
    session.apply(&verdict, presented, &shorter, START + seconds(1));
    assert_eq!(session.idle_expires_at, START + seconds(601));
}

#[test]
fn a_cookie_is_confirmed_a_minute_after_the_window_once() {
    let mut session = at_generation(5);
    let confirmed =
        |session: &Session, generation, after| session.is_confirmed_by(generation, &policy(), START + after);
    assert!(!confirmed(&session, 5, seconds(89)));
    assert!(confirmed(&session, 5, seconds(90)));
    assert!(!confirmed(&session, 4, seconds(90)));
    session.confirmed_generation = 5;
    assert!(!confirmed(&session, 5, seconds(90)));
}

prop_compose! {
    fn any_session()(
        generation in 1..20_u32, unconfirmed in 0..3_u32, lost_replies in 0..4_u32, lost_replies_total in 0..10_u32,
        lost_ago in proptest::option::of(0..200_000_u64), idle in 1..700_000_u64, end in 1..2_600_000_u64,
        ended in proptest::option::of(0..EndReason::ALL.len()),
    ) -> Session {
        Session {
            generation,
            confirmed_generation: generation.saturating_sub(unconfirmed),
            lost_replies,
            lost_replies_total,
            lost_reply_at: lost_ago.map(|ago| START - seconds(ago)),
            idle_expires_at: START + seconds(idle.min(end)),
            expires_at: START + seconds(end),
            ended: ended.map(|n| Ended { at: START, reason: EndReason::ALL[n].clone() }),
            ..fresh()
        }
    }
}

proptest! {
    #[test]
    fn laws(
        session in any_session(), generation in 0..25_u32, life in 0..800_000_u64, step in -4_000..800_000_i64, active: bool,
        span in 1..1_000_u64,
    ) {
        let now = Timestamp::from_seconds(START.seconds() + step);
        let presented = Presented { generation, expires: START + seconds(life), by: Means::Token };
        let verdict = session.judge(active, presented, &policy(), now);
        let mut after = session.clone();
        after.apply(&verdict, presented, &policy(), now);

        // The absolute end, the identity and the end of a session never change.
        prop_assert_eq!(after.expires_at, session.expires_at);
        prop_assert_eq!((&after.amr, after.proved_at), (&session.amr, Some(START)));
        prop_assert_eq!(&after.ended, &session.ended);
        prop_assert!(after.idle_expires_at <= after.expires_at || after.idle_expires_at == session.idle_expires_at);
        match verdict {
            Verdict::Rotate { ahead } => {
                // Generations go up by one, but for lost writes of the database.
                prop_assert_eq!(after.generation, if ahead { generation + 1 } else { session.generation + 1 });
                prop_assert!(generation >= session.generation);
                prop_assert_eq!(ahead, generation > session.generation);
            }
            Verdict::Reissue => {
                prop_assert_eq!(generation + 1, session.generation);
                prop_assert!(after.lost_replies_total <= LIFETIME_LOST_REPLIES);
                prop_assert!(after.lost_replies <= policy().lost_replies_per_day);
                prop_assert_eq!(after.generation, session.generation);
            }
            Verdict::Same | Verdict::Successor | Verdict::Reuse | Verdict::Refuse(_) => prop_assert_eq!(&after, &session),
        }
        // What rotates at both ends of a span rotates throughout: that is how it is decided without the database's clock.
        let rotates = |at| session.judge(active, presented, &policy(), at) == Verdict::Rotate { ahead: false };
        prop_assert!(rotates(now) || !rotates(now - seconds(span)) || !rotates(now + seconds(span)));
        // No success, and no punishment, past an expiry, for an ended session, or for a disabled user.
        if now >= presented.expires || now >= session.idle_expires_at || now >= session.expires_at
            || session.ended.is_some() || !active
        {
            prop_assert!(matches!(verdict, Verdict::Refuse(_)));
        }
    }
}
