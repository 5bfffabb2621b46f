use super::*;
use crate::config::throttle::Network;

fn network(text: &str, whole: Option<Limit>, each: Option<Limit>) -> Network {
    Network { network: text.parse().unwrap(), whole, each }
}

fn with_networks(networks: Vec<Network>) -> Throttles {
    Throttles::new(&Throttle { networks, ..config() })
}

#[test]
fn a_network_shares_its_limit() {
    let throttle = with_networks(vec![
        network("203.0.113.0/24", Some(limit(10, 1)), None),
        network("2001:db8:1::/48", Some(limit(7, 1)), None),
    ]);
    // One address may use all of it.
    assert_eq!(admitted(&throttle, &["203.0.113.7", "::ffff:203.0.113.7"], 8, at(0)), 8);
    let everybody: Vec<String> = (0..200).map(|host| format!("203.0.113.{host}")).collect();
    let everybody: Vec<&str> = everybody.iter().map(String::as_str).collect();
    assert_eq!(admitted(&throttle, &everybody, 1_000, at(1)), 2);
    let refused = login(&throttle, address("203.0.113.99"), at(13)).map(|_| ()).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(47));
    assert_eq!(admitted(&throttle, &everybody, 1_000, at(60)), 8);
    // The networks within an IPv6 site share it, too.
    assert_eq!(admitted(&throttle, &["2001:db8:1::1", "2001:db8:1:2::1"], 50, at(0)), 7);
    // Its neighbours have the limit of everybody.
    assert_eq!(admitted(&throttle, &["203.0.114.7"], 50, at(0)), 5);
    // It is for logins.
    let registrations =
        (0..50).filter(|_| by_address(&throttle, Scope::Register, Some(address("203.0.113.7")), at(0)).is_ok());
    assert_eq!(registrations.count(), 5);
}

#[test]
fn each_address_of_a_network_may_have_a_limit() {
    let throttle = with_networks(vec![
        network("203.0.113.0/24", None, Some(limit(10, 1))),
        network("2001:db8:1::/48", None, Some(limit(7, 1))),
    ]);
    assert_eq!(admitted(&throttle, &["203.0.113.7", "::ffff:203.0.113.7"], 50, at(0)), 10);
    assert_eq!(admitted(&throttle, &["203.0.113.8"], 50, at(0)), 10);
    assert_eq!(admitted(&throttle, &["2001:db8:1::1", "2001:db8:1::2"], 50, at(0)), 7);
    // A site has ten times as much, as anywhere.
    let others: Vec<String> = (1..50).map(|network| format!("2001:db8:1:{network:x}::1")).collect();
    assert_eq!(others.iter().map(|other| admitted(&throttle, &[other], 9, at(0))).sum::<usize>(), 63);
}

#[test]
fn a_network_may_have_both_limits() {
    let throttle = with_networks(vec![network("203.0.113.0/24", Some(limit(12, 1)), Some(limit(5, 2)))]);
    // What an address is refused costs the network nothing.
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 50, at(0)), 5);
    assert_eq!(admitted(&throttle, &["203.0.113.8"], 50, at(0)), 5);
    assert_eq!(admitted(&throttle, &["203.0.113.9"], 50, at(0)), 2);
    // What the network is refused costs the address nothing.
    assert_eq!(admitted(&throttle, &["203.0.113.9"], 50, at(60)), 3);
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 50, at(60)), 0);
    let mine = login(&throttle, address("203.0.113.10"), at(60)).unwrap();
    assert_eq!(admitted(&throttle, &["203.0.113.11", "203.0.113.12"], 50, at(60)), 8);
    // A refund gives back both places.
    mine.refund();
    assert_eq!(admitted(&throttle, &["203.0.113.10"], 50, at(60)), 1);
}

#[test]
fn the_most_specific_network_decides_alone() {
    let throttle = with_networks(vec![
        network("203.0.113.0/24", Some(limit(20, 1)), None),
        network("203.0.113.128/25", None, Some(limit(3, 2))),
        network("203.0.113.192/26", Some(limit(30, 1)), None),
    ]);
    assert_eq!(admitted(&throttle, &["203.0.113.130"], 50, at(0)), 3);
    assert_eq!(admitted(&throttle, &["203.0.113.130"], 50, at(60)), 0);
    assert_eq!(admitted(&throttle, &["203.0.113.200", "203.0.113.201"], 50, at(0)), 30);
    // Neither has cost the wider network anything.
    assert_eq!(admitted(&throttle, &["203.0.113.1"], 50, at(0)), 20);
}

#[test]
fn a_network_may_be_limited_while_the_rest_is_not() {
    let networks = vec![network("203.0.113.0/24", Some(limit(2, 1)), None)];
    let throttle = Throttles::new(&Throttle { login: None, networks, ..config() });
    assert_eq!(admitted(&throttle, &["203.0.113.7"], 50, at(0)), 2);
    assert_eq!(admitted(&throttle, &["198.51.100.7"], 50, at(0)), 50);
}
