//! Ended wins, whatever the order.

use super::*;
use crate::domain::account::Email;
use crate::domain::session::{Delivery, NewSession, Policy, SessionSecret};

/// By the monotonic clock.
const NOW: Duration = Duration::from_secs(1_000);
/// By the database's.
const AT: Timestamp = Timestamp::from_seconds(1_000_000);
const ID: SessionId = SessionId([1; 16]);
const USER: UserId = UserId(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn live(generation: Generation, read_at: Duration) -> Live {
    let day = seconds(86_400);
    let policy = Policy {
        access_ttl: day,
        idle_ttl: day,
        absolute_ttl: day,
        grace: day,
        lost_replies_per_day: 2,
        not_before: None,
        max_per_user: 50,
        bound_ttl: Duration::from_mins(10),
        unbound_for: None,
        second_factor: crate::domain::factor::Requirement::Optional,
    };
    let secret = SessionSecret([0; 32]);
    let new = NewSession {
        id: ID,
        user_id: USER,
        secret,
        amr: vec![],
        delivery: Delivery::Cookies,
        client_ip: None,
        user_agent: None,
    };
    let user = User {
        id: USER,
        email: Email::parse("ann@example.com").unwrap(),
        email_verified_at: None,
        full_name: None,
        is_active: true,
        is_superuser: false,
        created_at: AT,
        last_login: None,
        external_id: None,
    };
    Live::new(Session { generation, ..Session::begin(new, &policy, AT) }, user, read_at)
}

/// A node that looked for revocations just now.
fn cache() -> SessionCache {
    let cache = SessionCache::default();
    cache.looked(NOW);
    cache
}

fn generation(cache: &SessionCache, now: Duration) -> Option<Generation> {
    match cache.get(ID, now)? {
        Known::Live(live) => Some(live.session.generation),
        Known::Ended(_) => None,
    }
}

/// Each step of a reader (it inserts what it has loaded) and of somebody who ends the session, in every order in which the
/// session was loaded while it was live: at no point after the end is anybody told that it lives.
#[test]
fn a_slow_reader_never_brings_a_session_back() {
    let steps: [fn(&SessionCache); 3] = [
        |cache| cache.ended.insert(ID, EndReason::Logout), // the first half of `end`
        |cache| cache.live.invalidate(&ID),                // the second half of `end`
        |cache| cache.learn(live(1, NOW)),                 // the reader
    ];
    let orders = [[0, 1, 2], [0, 2, 1], [2, 0, 1]];
    for order in orders {
        for already_known in [false, true] {
            let cache = cache();
            if already_known {
                cache.learn(live(1, NOW));
            }
            let mut has_ended = false;
            for step in order {
                steps[step](&cache);
                has_ended |= step == 0;
                assert!(!has_ended || cache.get(ID, NOW) == Some(Known::Ended(EndReason::Logout)), "{order:?}");
            }
        }
    }
}

#[test]
fn what_a_reader_inserts_past_the_tombstone_counts_for_less_long_than_the_tombstone_stands() {
    // The reader asked for the tombstone before the end, and inserts after it.
    let cache = cache();
    cache.end(ID, EndReason::Logout);
    cache.live.insert(ID, Arc::new(live(1, NOW)));
    cache.ended.invalidate(&ID);
    let later = NOW + ENDED_FOR;
    cache.looked(later);
    assert_eq!(cache.get(ID, later), None);
    assert!(LIVE_FOR < ENDED_FOR);
}

#[test]
fn what_is_remembered_counts_only_while_revocations_are_looked_for() {
    let cache = cache();
    cache.learn(live(1, NOW));
    assert_eq!(generation(&cache, NOW + seconds(1)), Some(1));
    assert_eq!(generation(&cache, NOW + FRESH_FOR), None);
    cache.looked(NOW + FRESH_FOR);
    assert_eq!(generation(&cache, NOW + FRESH_FOR), Some(1));
    let cache = SessionCache::default();
    cache.learn(live(1, NOW));
    assert_eq!(generation(&cache, NOW), None, "nobody has looked yet");
}

#[test]
fn an_older_read_does_not_replace_a_newer_generation() {
    let cache = cache();
    cache.learn(live(3, NOW));
    cache.learn(live(2, NOW + seconds(1)));
    assert_eq!(generation(&cache, NOW + seconds(1)), Some(3));
}

#[test]
fn a_changed_user_is_read_again_once() {
    let cache = cache();
    cache.learn(live(1, NOW));
    cache.user_changed(USER, AT, NOW);
    assert_eq!(generation(&cache, NOW), None);
    cache.learn(live(1, NOW + seconds(1)));
    // The same change is told again by the next look: it is known.
    cache.user_changed(USER, AT, NOW + seconds(1));
    assert_eq!(generation(&cache, NOW + seconds(1)), Some(1));
}

#[test]
fn a_confirmation_is_remembered_for_its_generation_alone() {
    let cache = cache();
    cache.learn(live(3, NOW));
    cache.confirmed(ID, 2);
    cache.confirmed(ID, 3);
    let Some(Known::Live(live)) = cache.get(ID, NOW) else { panic!("live") };
    assert_eq!(live.session.confirmed_generation, 3);
}

#[test]
fn threads_that_load_and_learn_never_outlive_an_end() {
    let cache = cache();
    for round in 0..200_u8 {
        let id = SessionId([round; 16]);
        let found = || {
            let mut found = live(1, NOW);
            found.session.id = id;
            found
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        cache.learn(found());
                    }
                });
            }
            scope.spawn(|| {
                cache.end(id, EndReason::Reuse);
                for _ in 0..20 {
                    assert_eq!(cache.get(id, NOW), Some(Known::Ended(EndReason::Reuse)));
                }
            });
        });
        assert_eq!(cache.get(id, NOW), Some(Known::Ended(EndReason::Reuse)));
    }
}
