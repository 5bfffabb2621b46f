//! Notices many accounts behind one private address: a proxy that does not say whose requests it hands on.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::account::UserId;

/// So many accounts in [`SPAN`] are no household.
const MANY: usize = 20;

/// How long is looked back; and how often an address is told at most.
const SPAN: Duration = Duration::from_hours(1);

/// How many addresses are looked after; further ones are not.
const MAX_ADDRESSES: usize = 64;

/// Who has logged in from private addresses lately.
#[derive(Debug)]
pub struct Crowd {
    /// Whether a proxy on this machine is meant to be there: else what comes from it is a developer.
    knows_proxies: bool,
    seen: Mutex<HashMap<IpAddr, Seen>>,
}

#[derive(Debug)]
struct Seen {
    since: Duration,
    accounts: HashSet<UserId>,
}

impl Crowd {
    /// `knows_proxies`: `TRUSTED_PROXIES` holds some.
    #[must_use]
    pub fn new(knows_proxies: bool) -> Self {
        Self { knows_proxies, seen: Mutex::default() }
    }

    /// Remembers a login from this address. True once they are many: it is time to say so. `now` is of the monotonic clock.
    #[must_use]
    pub fn note(&self, address: IpAddr, user: UserId, now: Duration) -> bool {
        let address = address.to_canonical();
        if !self.looks_at(address) {
            return false;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |seen: &Seen| now.saturating_sub(seen.since) < SPAN;
        if !seen.get(&address).is_some_and(is_fresh) {
            seen.retain(|_, seen| is_fresh(seen));
            if seen.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        let here = seen.entry(address).or_insert_with(|| Seen { since: now, accounts: HashSet::new() });
        here.accounts.len() < MANY && here.accounts.insert(user) && here.accounts.len() == MANY
    }

    fn looks_at(&self, address: IpAddr) -> bool {
        let is_private = match address {
            IpAddr::V4(address) => address.is_private() || address.is_link_local(),
            IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
        };
        is_private || self.knows_proxies && address.is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many logins of as many accounts it takes until it is said.
    fn logins(crowd: &Crowd, address: &str, now: Duration) -> Option<i64> {
        (1..=100).find(|user| crowd.note(address.parse().unwrap(), UserId(*user), now))
    }

    #[test]
    fn a_private_address_of_many_is_told_once_an_hour() {
        let crowd = Crowd::new(true);
        for address in ["10.0.0.1", "192.168.1.7", "fd00::1", "::ffff:172.16.0.1", "127.0.0.1", "::1"] {
            assert_eq!(logins(&crowd, address, Duration::ZERO), Some(20), "{address}");
            assert_eq!(logins(&crowd, address, SPAN.saturating_sub(Duration::from_secs(1))), None, "{address}");
            assert_eq!(logins(&crowd, address, SPAN), Some(20), "{address}");
        }
    }

    #[test]
    fn households_strangers_and_developers_are_none() {
        let crowd = Crowd::new(false);
        assert!((0..100).all(|login| !crowd.note([10, 0, 0, 1].into(), UserId(login % 19), Duration::ZERO)));
        for address in ["203.0.113.7", "2001:db8::1", "127.0.0.1", "::1"] {
            assert_eq!(logins(&crowd, address, Duration::ZERO), None, "{address}");
        }
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let crowd = Crowd::new(true);
        for number in 0..10_000_u32 {
            let _ = crowd.note((0x0a00_0000 | number).to_be_bytes().into(), UserId(1), Duration::ZERO);
        }
        assert_eq!(crowd.seen.lock().unwrap().len(), MAX_ADDRESSES);
        assert_eq!(logins(&crowd, "192.168.0.1", Duration::ZERO), None);
        assert_eq!(logins(&crowd, "192.168.0.1", SPAN), Some(20));
    }
}
