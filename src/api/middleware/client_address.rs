//! The client's address of a request, and the warning when a proxy seems to be missing from the settings.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use poem::http::{HeaderMap, HeaderValue};

use crate::domain::client_ip::{client_ip, is_trusted, shape};

/// A peer is warned about at most once in this time.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// How much of a header's shape is told.
const MAX_HOPS_TOLD: usize = 16;

/// How many peers are remembered for that; further ones are not warned about.
const MAX_PEERS: usize = 64;

/// Finds clients behind the proxies of `TRUSTED_PROXIES`. Clients of `X-Real-IP` and `Forwarded` are not believed.
#[derive(Debug)]
pub(super) struct ClientAddress {
    trusted: Vec<IpNet>,
    warned: Mutex<Warned>,
    warned_of_ends: Mutex<Warned>,
}

impl ClientAddress {
    /// With the networks of `TRUSTED_PROXIES`.
    #[must_use]
    pub(super) fn new(trusted: Vec<IpNet>) -> Self {
        Self { trusted, warned: Mutex::default(), warned_of_ends: Mutex::default() }
    }

    /// Whether the peer's forwarding headers are believed.
    #[must_use]
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        is_trusted(peer, &self.trusted)
    }

    /// The client's address of a request from this peer.
    pub(super) fn of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
        if !lines.is_empty() && !self.trusts(peer) {
            let peer = peer.to_canonical();
            if self.warned.lock().unwrap_or_else(PoisonError::into_inner).is_due(peer, Instant::now()) {
                tracing::warn!(
                    "X-Forwarded-For from {peer} is ignored, as TRUSTED_PROXIES does not hold that address. All clients \
                     behind it share one address, and so one rate limit. If it is your proxy, set TRUSTED_PROXIES={peer}"
                );
            }
        }
        let client = client_ip(peer, lines.iter().copied(), &self.trusted);
        if !lines.is_empty() && self.trusts(client) {
            self.warn_of_end(client, &lines);
        }
        client
    }

    /// A visitor with a trusted address is a proxy that another one, which is not trusted, stands in front of; or somebody on the
    /// inside.
    fn warn_of_end(&self, client: IpAddr, lines: &[&[u8]]) {
        if !self.warned_of_ends.lock().unwrap_or_else(PoisonError::into_inner).is_due(client, Instant::now()) {
            return;
        }
        let mut shape = shape(lines.iter().copied(), &self.trusted);
        let hops = shape.len();
        shape.truncate(MAX_HOPS_TOLD);
        tracing::warn!(
            ?shape,
            hops,
            "X-Forwarded-For leads to {client} and no further, an address that TRUSTED_PROXIES holds. If that is a proxy, all clients \
             behind it share its address, and so one rate limit: it must append the address that it sees, readably. If clients of \
             your own network come from there, make TRUSTED_PROXIES narrower"
        );
    }
}

/// When peers were last warned about.
#[derive(Debug, Default)]
struct Warned(HashMap<IpAddr, Instant>);

impl Warned {
    fn is_due(&mut self, peer: IpAddr, now: Instant) -> bool {
        let fresh = |last: &Instant| now.saturating_duration_since(*last) < WARNING_INTERVAL;
        if self.0.get(&peer).is_some_and(fresh) {
            return false;
        }
        if self.0.len() >= MAX_PEERS {
            self.0.retain(|_, last| fresh(last));
        }
        let has_room = self.0.len() < MAX_PEERS;
        if has_room {
            self.0.insert(peer, now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_are_joined() {
        let address = ClientAddress::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "192.0.2.1".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.2".parse().unwrap());
        headers.append("x-real-ip", "192.0.2.66".parse().unwrap());
        headers.append("forwarded", "for=192.0.2.67".parse().unwrap());
        assert_eq!(address.of([10, 0, 0, 1].into(), &headers), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(address.of([203, 0, 113, 1].into(), &headers), IpAddr::from([203, 0, 113, 1]));
    }

    #[test]
    fn a_peer_is_warned_about_once_a_minute() {
        let (mut warned, start) = (Warned::default(), Instant::now());
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(warned.is_due(one, at(0)));
        assert!(!warned.is_due(one, at(59)));
        assert!(warned.is_due(two, at(59)));
        assert!(warned.is_due(one, at(60)));
    }

    #[test]
    fn a_flood_of_peers_is_bounded() {
        let (mut warned, start) = (Warned::default(), Instant::now());
        let due = (0..10_000_u32).filter(|peer| warned.is_due(IpAddr::from(peer.to_be_bytes()), start)).count();
        assert_eq!((due, warned.0.len()), (MAX_PEERS, MAX_PEERS));
        assert!(warned.is_due([192, 0, 2, 1].into(), start + WARNING_INTERVAL));
        assert_eq!(warned.0.len(), 1);
    }
}
