//! A limit for each address, for each IPv6 site, and for whole networks.

use std::net::IpAddr;

use ipnet::IpNet;

use super::counters::{Counters, Slot};
use crate::config::throttle::Network;
use crate::domain::throttle::{ClientKey, Counter, Key, Limit, Rule, Throttled};
use crate::domain::timestamp::Timestamp;

/// An IPv6 /48 may have this many times the limit of one /64.
const SITE_FACTOR: u32 = 10;

/// One counter by address.
pub(super) struct ByAddress {
    everywhere: Option<Each>,
    /// The most specific first: it is the one that decides.
    networks: Vec<OfNetwork>,
}

/// So much for each address.
struct Each {
    limit: Limit,
    counters: Counters,
}

/// A network with limits of its own.
struct OfNetwork {
    network: IpNet,
    whole: Option<Each>,
    each: Option<Each>,
}

impl ByAddress {
    pub(super) fn new(counter: Counter, limit: Option<Limit>, networks: &[Network], max_keys: usize) -> Self {
        let each = |limit: Limit| Each { limit, counters: Counters::new(counter, limit.window, max_keys) };
        let mut networks: Vec<_> = networks
            .iter()
            .map(|of| OfNetwork { network: of.network, whole: of.whole.map(each), each: of.each.map(each) })
            .collect();
        networks.sort_by_key(|of| std::cmp::Reverse(of.network.prefix_len()));
        Self { everywhere: limit.map(each), networks }
    }

    /// The widest first: otherwise a full one would use up the places of what lies inside. In a network that has a limit as a whole
    /// and none for each address, one address may use all of it.
    pub(super) fn reserve(
        &self,
        address: Option<IpAddr>,
        now: Timestamp,
        slots: &mut Vec<Slot>,
    ) -> Result<(), Throttled> {
        let address = address.map(|address| address.to_canonical());
        match self.network_of(address) {
            Some(of) => {
                if let Some(whole) = &of.whole {
                    slots.push(whole.reserve(Key::Network(of.network), 1, now)?);
                }
                reserve_each(of.each.as_ref(), ClientKey::of(address), now, slots)
            }
            None => reserve_each(self.everywhere.as_ref(), ClientKey::of(address), now, slots),
        }
    }

    /// What an attempt from this address would be answered, as far as the address alone is concerned.
    pub(super) fn peek(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Throttled> {
        let Some(each) = &self.everywhere else { return Ok(()) };
        let client = ClientKey::of(address);
        // A full site has no room for its networks, however many there are.
        if let Some(site) = client.site() {
            each.counters.peek(Key::Client(site), each.rule(SITE_FACTOR), now)?;
        }
        each.counters.peek(Key::Client(client), each.rule(1), now)
    }

    /// Refuses an address that has had its attempts by its own log. Who passes is not admitted yet.
    pub(super) fn peek_own(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Throttled> {
        let address = address.map(|address| address.to_canonical());
        let each = match self.network_of(address) {
            Some(of) => of.each.as_ref(),
            None => self.everywhere.as_ref(),
        };
        each.map_or(Ok(()), |each| each.counters.peek_own(Key::Client(ClientKey::of(address)), each.rule(1), now))
    }

    /// How many attempts an address is allowed in its window. None: as many as it likes.
    pub(super) fn allowance(&self, address: Option<IpAddr>) -> Option<u32> {
        let address = address.map(|address| address.to_canonical());
        let limits = match self.network_of(address) {
            Some(of) => of.each.as_ref().or(of.whole.as_ref()),
            None => self.everywhere.as_ref(),
        };
        limits.map(|each| each.limit.count)
    }

    pub(super) fn live(&self) -> usize {
        let networks = self.networks.iter().flat_map(|of| of.whole.iter().chain(&of.each));
        self.everywhere.iter().chain(networks).map(|each| each.counters.live()).sum()
    }

    fn network_of(&self, address: Option<IpAddr>) -> Option<&OfNetwork> {
        address.and_then(|address| self.networks.iter().find(|of| of.network.contains(&address)))
    }
}

impl Each {
    fn rule(&self, factor: u32) -> Rule {
        Rule { limit: Limit { count: self.limit.count.saturating_mul(factor), ..self.limit }, pace: None }
    }

    fn reserve(&self, key: Key, factor: u32, now: Timestamp) -> Result<Slot, Throttled> {
        self.counters.reserve(key, self.rule(factor), now)
    }
}

fn reserve_each(
    each: Option<&Each>,
    client: ClientKey,
    now: Timestamp,
    slots: &mut Vec<Slot>,
) -> Result<(), Throttled> {
    let Some(each) = each else { return Ok(()) };
    if let Some(site) = client.site() {
        slots.push(each.reserve(Key::Client(site), SITE_FACTOR, now)?);
    }
    slots.push(each.reserve(Key::Client(client), 1, now)?);
    Ok(())
}
