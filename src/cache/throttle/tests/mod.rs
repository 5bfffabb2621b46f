use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

mod networks;

use super::*;

fn limit(count: u32, minutes: u64) -> Limit {
    Limit { count, window: Duration::from_mins(minutes) }
}

fn config() -> Throttle {
    Throttle {
        login: Some(limit(5, 1)),
        register: Some(limit(5, 1)),
        refresh: Some(limit(60, 1)),
        account: Some(limit(20, 15)),
        password_change: Some(limit(10, 60)),
        profile: Some(limit(60, 60)),
        export: Some(limit(10, 60)),
        mail: Some(limit(10, 60)),
        networks: Vec::new(),
    }
}

fn throttle() -> Throttles {
    Throttles::new(&config())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn login(throttle: &Throttles, client: IpAddr, now: Timestamp) -> Result<Reservation, Throttled> {
    by_address(throttle, Scope::Login, Some(client), now)
}

fn by_address(
    throttle: &Throttles,
    scope: Scope,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<Reservation, Throttled> {
    throttle.reserve(scope, &Who { address, account: None }, now)
}

/// An attempt to log in to an account, each from another address.
fn on_account(throttle: &Throttles, name: [u8; 16], by: Guesser, now: Timestamp) -> Result<Reservation, Throttled> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let address = Some(IpAddr::V4(NEXT.fetch_add(1, Ordering::Relaxed).into()));
    throttle.reserve(Scope::Login, &Who { address, account: Some(Account { name, by }) }, now)
}

/// An attempt of somebody in a session.
fn in_session(throttle: &Throttles, scope: Scope, name: [u8; 16], now: Timestamp) -> Result<Reservation, Throttled> {
    let account = Some(Account { name, by: Guesser::Session });
    throttle.reserve(scope, &Who { address: None, account }, now)
}

/// How many of `tries` logins from these addresses, in turn, are admitted.
fn admitted(throttle: &Throttles, addresses: &[&str], tries: usize, now: Timestamp) -> usize {
    let addresses: Vec<_> = addresses.iter().map(|text| address(text)).collect();
    addresses.iter().cycle().take(tries).filter(|address| login(throttle, **address, now).is_ok()).count()
}

#[test]
fn five_logins_a_minute_from_one_address() {
    let throttle = throttle();
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 50, at(0)), 5);
    let refused = login(&throttle, address("203.0.113.7"), at(13)).map(|_| ()).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(47));
    assert_eq!(admitted(&throttle, &["203.0.113.8"], 50, at(13)), 5);
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 50, at(59)), 0);
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 50, at(60)), 5);
}

#[test]
fn a_hundred_at_once_get_no_more_through() {
    let throttle = throttle();
    let start = Barrier::new(100);
    let admitted: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    usize::from(login(&throttle, address("2001:db8::1"), at(0)).is_ok())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 5);
}

#[test]
fn a_mapped_address_is_the_address() {
    assert_eq!(admitted(&throttle(), &["203.0.113.7", "::ffff:203.0.113.7", "::ffff:cb00:7107"], 60, at(0)), 5);
}

#[test]
fn an_ipv6_client_is_its_network() {
    let throttle = throttle();
    assert_eq!(admitted(&throttle, &["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:1"], 60, at(0)), 5);
    assert_eq!(admitted(&throttle, &["2001:db8:0:1::1"], 60, at(0)), 5);
}

#[test]
fn an_ipv6_site_has_ten_times_the_limit() {
    let throttle = throttle();
    let from_network = |site: u16, network: u16| {
        let client: IpAddr = std::net::Ipv6Addr::new(0x2001, 0xdb8, site, network, 0, 0, 0, 1).into();
        (0..9).filter(|_| login(&throttle, client, at(0)).is_ok()).count()
    };
    // Refused attempts of one network use up nothing of its site.
    assert_eq!((0..10).map(|network| from_network(1, network)).collect::<Vec<_>>(), [5; 10]);
    assert_eq!((10..1_000).map(|network| from_network(1, network)).sum::<usize>(), 0);
    assert_eq!(from_network(2, 0), 5);
    let refused = login(&throttle, address("2001:db8:1:ffff::1"), at(20)).map(|_| ()).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(40));
}

#[test]
fn clients_without_an_address_are_counted_together() {
    let throttle = throttle();
    assert_eq!((0..50).filter(|_| by_address(&throttle, Scope::Login, None, at(0)).is_ok()).count(), 5);
}

/// Seen: one session changed its password in a loop, and its name 134,000 times in half a minute.
#[test]
fn what_a_session_can_repeat_is_limited_by_account_also_when_it_succeeds() {
    let throttle = throttle();
    for (scope, count) in [(Scope::Reauthenticate, 10), (Scope::Profile, 60), (Scope::Export, 10)] {
        let mut refunded = 0;
        for _ in 0..200 {
            let Ok(Reservation(slots)) = in_session(&throttle, scope, [1; 16], at(0)) else { continue };
            // As a success does.
            slots.iter().filter(|slot| slot.counter().counts_failures_alone()).for_each(Slot::refund);
            refunded += 1;
        }
        // From one address no more than logins.
        assert_eq!(refunded, if scope == Scope::Reauthenticate { 5 } else { count }, "{scope:?}");
    }
}

#[test]
fn a_client_that_presents_forged_tokens_waits_before_any_is_looked_at() {
    let throttle = throttle();
    for _ in 0..100 {
        throttle.note_forgery(Some(address("203.0.113.7")), at(0));
    }
    assert!(throttle.may_present(Some(address("203.0.113.7")), at(1)).is_err());
    assert!(throttle.may_present(Some(address("203.0.113.8")), at(1)).is_ok());
    assert!(throttle.may_present(Some(address("203.0.113.7")), at(60)).is_ok());
    // A site of many networks has ten times as much, and no more.
    let mut refused = 0;
    for network in 0..2_000u16 {
        let client = Some(std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, network, 0, 0, 0, 1).into());
        match throttle.may_present(client, at(0)) {
            Ok(()) => throttle.note_forgery(client, at(0)),
            Err(_) => refused += 1,
        }
    }
    assert_eq!(refused, 2_000 - 600);
}

#[test]
fn logins_and_registrations_are_counted_apart() {
    let throttle = throttle();
    let register = || by_address(&throttle, Scope::Register, Some(address("203.0.113.7")), at(0)).is_ok();
    assert_eq!((0..50).filter(|_| register()).count(), 5);
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 50, at(0)), 5);
}

#[test]
fn refreshes_are_counted_by_session() {
    let throttle = throttle();
    let refresh = |session| throttle.refresh(SessionId([session; 16]), at(0)).is_ok();
    assert_eq!((0..100).filter(|_| refresh(1)).count(), 60);
    assert_eq!((0..100).filter(|_| refresh(2)).count(), 60);
}

#[test]
fn a_refund_gives_back_the_own_places_alone() {
    let throttle = throttle();
    let client = address("2001:db8:1:1::1");
    let mine = login(&throttle, client, at(0)).unwrap();
    assert_eq!(admitted(&throttle, &["2001:db8:1:1::1"], 50, at(1)), 4);
    mine.refund();
    assert_eq!(admitted(&throttle, &["2001:db8:1:1::1"], 50, at(2)), 1);
    // The site's place came back too: 5 of this network and 45 of nine others.
    let others = (2..50u16).map(|network| format!("2001:db8:1:{network:x}::1"));
    assert_eq!(others.map(|other| admitted(&throttle, &[&other], 50, at(2))).sum::<usize>(), 45);
}

#[test]
fn without_limits_nothing_is_counted() {
    let off = Throttle {
        login: None,
        register: None,
        refresh: None,
        account: None,
        password_change: None,
        profile: None,
        export: None,
        mail: None,
        networks: Vec::new(),
    };
    let throttle = Throttles::new(&off);
    for _ in 0..100 {
        assert!(login(&throttle, address("203.0.113.7"), at(0)).is_ok());
        assert!(by_address(&throttle, Scope::Register, Some(address("203.0.113.7")), at(0)).is_ok());
        assert!(throttle.refresh(SessionId([1; 16]), at(0)).is_ok());
        assert!(on_account(&throttle, [1; 16], Guesser::Stranger, at(0)).is_ok());
        assert!(in_session(&throttle, Scope::Reauthenticate, [1; 16], at(0)).is_ok());
        assert!(in_session(&throttle, Scope::Export, [1; 16], at(0)).is_ok());
    }
    assert_eq!(throttle.live_counters(), 0);
}

/// A stranger tries without pause for an hour; the owner comes by now and then.
#[test]
fn an_attacked_account_stays_open_for_its_owner() {
    let throttle = throttle();
    let (account, laptop) = ([7; 16], Guesser::Device([9; 16]));
    let mut strangers_attempts = 0;
    for second in 0..3_600 {
        strangers_attempts +=
            (0..3).filter(|_| on_account(&throttle, account, Guesser::Stranger, at(second)).is_ok()).count();
        if second % 90 == 45 {
            // From the known browser: at the first try, and the success costs nothing.
            on_account(&throttle, account, laptop, at(second)).unwrap().refund();
        }
    }
    // 20 at once, then one every 30 seconds.
    assert_eq!(strangers_attempts, 20 + 119);
    // The owner's own mistakes count, in the owner's own bucket.
    assert_eq!((0..50).filter(|_| on_account(&throttle, account, laptop, at(3_600)).is_ok()).count(), 20);
    // Nor does another browser that is known suffer from them.
    assert!(on_account(&throttle, account, Guesser::Device([10; 16]), at(3_600)).is_ok());
    // Another account is not concerned.
    assert_eq!((0..50).filter(|_| on_account(&throttle, [8; 16], Guesser::Stranger, at(3_600)).is_ok()).count(), 20);
}

/// So many fresh addresses, while one that is limited keeps trying.
fn spray(addresses: u32, room: usize) {
    let throttle = Throttles::with_room(&config(), room);
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 5, at(0)), 5);
    let mut slipped = 0;
    for number in 0..addresses {
        // Spread over all of IPv4, each address once.
        _ = login(&throttle, IpAddr::V4(number.wrapping_mul(0x9e37_79b1).into()), at(1));
        if number % 100 == 0 {
            slipped += admitted(&throttle, &["203.0.113.7"], 1, at(1));
        }
    }
    assert_eq!(slipped, 0);
    assert_eq!(throttle.live_counters(), room);
}

#[test]
fn a_limited_address_stays_limited_however_many_others_come() {
    spray(50_000, 5_000);
}

#[test]
#[ignore = "as the one above at full size: a quarter of a minute in a development build"]
fn a_limited_address_stays_limited_among_a_million() {
    spray(1_000_000, MAX_KEYS);
}
