//! Challenges as they are written, and what the decision makes of a proof.

use proptest::prelude::*;

use super::super::judge::tests::{DAY, START, at_generation, policy, seconds};
use super::super::{EndReason, Ended, Policy, Refusal, Verdict};
use super::*;

fn purpose() -> impl Strategy<Value = ChallengeFor> {
    (any::<bool>(), any::<[u8; 16]>()).prop_map(|(registers, bytes)| {
        if registers { ChallengeFor::Registration(SessionId(bytes)) } else { ChallengeFor::Refresh(BindingName(bytes)) }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_parsed(
        purpose in purpose(), generation: u32, expires in 0..(1_i64 << 43), key_id: [u8; 4], tag: [u8; 32],
    ) {
        let challenge = Challenge { purpose, generation, expires: Timestamp::from_seconds(expires) };
        let text = challenge.write(key_id, &tag);
        prop_assert_eq!(text.len(), 63);
        prop_assert_eq!(Challenge::parse(&text, purpose), Some((challenge, key_id, tag)));
        let other = match purpose {
            ChallengeFor::Registration(id) => ChallengeFor::Refresh(BindingName(id.0)),
            ChallengeFor::Refresh(name) => ChallengeFor::Registration(SessionId(name.0)),
        };
        prop_assert_eq!(Challenge::parse(&text, other), None);
    }

    #[test]
    fn no_two_challenges_have_one_body(
        (one, other) in (purpose(), purpose()), (g, h) in any::<(u32, u32)>(), (e, f) in (0..(1_i64 << 43), 0..(1_i64 << 43)),
    ) {
        let challenge = |purpose, generation, expires| Challenge { purpose, generation, expires: Timestamp::from_seconds(expires) };
        let (a, b) = (challenge(one, g, e), challenge(other, h, f));
        prop_assert_eq!(a == b, a.body() == b.body());
    }

    #[test]
    fn anything_else_is_refused_without_a_panic(text in ".{0,90}", purpose in purpose()) {
        prop_assert!(Challenge::parse(&text, purpose).is_none_or(|_| text.len() == 63));
    }
}

/// A bound session whose generation `generation` was made at `START`.
fn bound(generation: Generation) -> Session {
    let binding = Binding { key: DeviceKey([4; 65]), name: BindingName([5; 16]) };
    Session { binding: Some(binding), ..at_generation(generation) }
}

fn proof(generation: Generation) -> Presented {
    Presented { generation, expires: START + seconds(900), by: Means::Proof }
}

#[test]
fn a_bound_session_needs_a_proof_whatever_token_comes() {
    let session = bound(5);
    for generation in 0..8 {
        for after in [0, 40, 100] {
            let presented = Presented { generation, expires: session.idle_expires_at, by: Means::Token };
            let judged = session.judge(true, presented, &policy(), START + seconds(after));
            assert_eq!(judged, Verdict::Refuse(Refusal::DeviceProof), "{generation}");
        }
    }
    // And a proof proves nothing for one that is not bound.
    assert_eq!(
        at_generation(5).judge(true, proof(5), &policy(), START + seconds(100)),
        Verdict::Refuse(Refusal::DeviceProof)
    );
}

#[test]
fn a_proof_presents_the_generation_of_its_challenge() {
    let session = bound(5);
    let again = Verdict::Refuse(Refusal::DeviceProof);
    for (generation, after, verdict) in [
        (5, 0, Verdict::Same),
        (5, 89, Verdict::Same),
        (5, 90, Verdict::Rotate { ahead: false }),
        (5, 899, Verdict::Rotate { ahead: false }),
        (5, 900, again.clone()),
        (4, 29, Verdict::Successor),
        // Where a token would be a lost reply, or a reuse that ends the session.
        (4, 30, again.clone()),
        (3, 0, again.clone()),
        (1, 100, again),
        (7, 0, Verdict::Rotate { ahead: true }),
    ] {
        let judged = session.judge(true, proof(generation), &policy(), START + seconds(after));
        assert_eq!(judged, verdict, "{generation} after {after} s");
    }
    assert_eq!(bound(1).judge(true, proof(1), &policy(), START), Verdict::Rotate { ahead: false });
}

/// The end is told before the challenge is looked at: a browser must learn of it.
#[test]
fn a_bound_session_that_is_over_is_over_whatever_was_signed() {
    let now = START + seconds(1_000);
    let ended = Session { ended: Some(Ended { at: START, reason: EndReason::Logout }), ..bound(5) };
    assert_eq!(ended.judge(true, proof(5), &policy(), now), Verdict::Refuse(Refusal::Ended(EndReason::Logout)));
    assert_eq!(bound(5).judge(false, proof(5), &policy(), now), Verdict::Refuse(Refusal::Ended(EndReason::Disabled)));
    let idle = Session { idle_expires_at: now, ..bound(5) };
    assert_eq!(idle.judge(true, proof(5), &policy(), now), Verdict::Refuse(Refusal::Expired));
}

#[test]
fn what_stays_unbound_is_refused_where_binding_is_required() {
    let required = Policy { unbound_for: Some(seconds(60)), ..policy() };
    let session = at_generation(1);
    for (after, refusal) in [(0, None), (59, None), (60, Some(Refusal::Unbound)), (3_600, Some(Refusal::Unbound))] {
        assert_eq!(session.refusal(true, &required, START + seconds(after)), refusal);
        assert_eq!(bound(1).refusal(true, &required, START + seconds(after)), None);
    }
}

#[test]
fn an_access_token_of_a_bound_session_lives_ten_minutes() {
    assert_eq!(at_generation(1).access_lifetime(&policy(), START), seconds(3_600));
    assert_eq!(bound(1).access_lifetime(&policy(), START), seconds(600));
    assert_eq!(bound(1).access_lifetime(&Policy { access_ttl: seconds(300), ..policy() }, START), seconds(300));
    assert_eq!(bound(1).access_lifetime(&policy(), START + 7 * DAY - seconds(5)), seconds(5));
}
