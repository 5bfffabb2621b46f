//! Who may try again, and when.
//!
//! Every limit is a sliding log (`domain::throttle`), judged by the time that the caller passes. An attempt is reserved before
//! any work is done for it, so that a hundred at once get no more through than a hundred in a row.
//! `docs/design/login-protection.md` says why.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::throttle::{self, Throttle};
use crate::domain::client_key::ClientKey;
use crate::domain::session::SessionId;
use crate::domain::throttle::{Limit, Rule, Throttled};
use crate::domain::timestamp::Timestamp;

pub use super::counters::Slot;
use super::counters::{Counters, Key, Kind, MAX_KEYS};

/// When an account has had its failures: one attempt in this time.
const ACCOUNT_PACE: Duration = Duration::from_secs(30);

/// Strangers, and browsers and networks that are known, are counted apart.
const ACCOUNT_KEYS: [bool; 2] = [false, true];

/// An IPv6 /48 may have this many times the limit of one /64.
const SITE_FACTOR: u32 = 10;

/// The limits of this process.
pub struct Throttles {
    login: Option<ByClient>,
    /// The most specific first: it is the one that decides.
    networks: Vec<NetworkLimits>,
    register: Option<ByClient>,
    refresh: Option<(Rule, Counters)>,
    account: Option<(Rule, Counters)>,
}

/// An admitted attempt: the places that it has taken. Dropping it changes nothing: an attempt counts, whatever became of it.
#[must_use = "refund it when the attempt must not count"]
#[derive(Default)]
pub struct Reservation(pub Vec<Slot>);

impl Reservation {
    /// Gives back exactly what this attempt has taken.
    pub fn refund(self) {
        self.0.iter().for_each(Slot::refund);
    }
}

impl Throttles {
    /// Counters for these limits.
    #[must_use]
    pub fn new(config: &Throttle) -> Self {
        Self::with_room(config, MAX_KEYS)
    }

    fn with_room(config: &Throttle, max_keys: usize) -> Self {
        let by_client =
            |kind| move |limit: Limit| ByClient { limit, counters: Counters::new(kind, limit.window, max_keys) };
        let counted =
            |kind, pace| move |limit: Limit| (Rule { limit, pace }, Counters::new(kind, limit.window, max_keys));
        let network = |&throttle::Network { network, whole, each }: &throttle::Network| NetworkLimits {
            network,
            whole: whole.map(counted(Kind::Login, None)),
            each: each.map(by_client(Kind::Login)),
        };
        let mut networks: Vec<_> = config.networks.iter().map(network).collect();
        networks.sort_by_key(|limits| std::cmp::Reverse(limits.network.prefix_len()));
        Self {
            login: config.login.map(by_client(Kind::Login)),
            networks,
            register: config.register.map(by_client(Kind::Register)),
            refresh: config.refresh.map(counted(Kind::Refresh, None)),
            account: config.account.map(counted(Kind::Account, Some(ACCOUNT_PACE))),
        }
    }

    /// An attempt to log in from `address`; all without an address are counted together. Where the address lies in networks with
    /// limits of their own, those of the most specific one hold instead.
    ///
    /// # Errors
    /// When the address, its IPv6 site or its network has had its attempts.
    pub fn login(&self, address: Option<IpAddr>, now: Timestamp) -> Result<Reservation, Throttled> {
        let address = address.map(|address| address.to_canonical());
        let client = ClientKey::of(address);
        match address.and_then(|address| self.networks.iter().find(|limits| limits.network.contains(&address))) {
            Some(limits) => reserve_all(limits.places(client), now),
            None => reserve_all(self.login.iter().flat_map(|limits| limits.places(client)), now),
        }
    }

    /// An attempt to register from `address`.
    ///
    /// # Errors
    /// When the address, or its IPv6 site, has had its attempts.
    pub fn register(&self, address: Option<IpAddr>, now: Timestamp) -> Result<Reservation, Throttled> {
        let client = ClientKey::of(address);
        reserve_all(self.register.iter().flat_map(|limits| limits.places(client)), now)
    }

    /// A refresh of a session. Only for a session that exists: its token has been found authentic.
    ///
    /// # Errors
    /// When the session has had its refreshes.
    pub fn refresh(&self, session: SessionId, now: Timestamp) -> Result<(), Throttled> {
        let Some((rule, counters)) = &self.refresh else { return Ok(()) };
        counters.reserve(Key::Session(session), *rule, now).map(|_| ())
    }

    /// An attempt on an account, whether there is one or not; to be refunded when it succeeds, so that failures alone count.
    /// After the limit one attempt is admitted every 30 seconds.
    ///
    /// `name` is a keyed hash of the canonical email. `known` says that the attempt comes from a browser or a network from which
    /// the account has been used before: those are counted apart, so that a stranger who guesses without pause does not keep
    /// the owner out.
    ///
    /// # Errors
    /// When the account has had its failures, and the last attempt is less than 30 seconds ago.
    pub fn account(&self, name: [u8; 16], known: bool, now: Timestamp) -> Result<Reservation, Throttled> {
        let Some((rule, counters)) = &self.account else { return Ok(Reservation::default()) };
        Ok(Reservation(vec![counters.reserve(Key::Account { name, known }, *rule, now)?]))
    }

    /// Forgives the failures that were counted against an account until then.
    pub fn unblock(&self, name: [u8; 16], until: Timestamp) {
        if let Some((_, counters)) = &self.account {
            for known in ACCOUNT_KEYS {
                counters.forgive(Key::Account { name, known }, until);
            }
        }
    }

    /// What is counted of an account, as [`Slot::name`] tells it.
    #[must_use]
    pub fn names_of_account(name: [u8; 16]) -> [Vec<u8>; 2] {
        ACCOUNT_KEYS.map(|known| Key::Account { name, known }.name(Kind::Account))
    }

    /// How many counters there are now, of all kinds.
    #[must_use]
    pub fn live_counters(&self) -> usize {
        let each = self.networks.iter().filter_map(|limits| limits.each.as_ref());
        let by_client = self.login.iter().chain(&self.register).chain(each);
        let whole = self.networks.iter().filter_map(|limits| limits.whole.as_ref());
        let others = self.refresh.iter().chain(&self.account).chain(whole);
        by_client.map(|limits| limits.counters.live()).chain(others.map(|(_, counters)| counters.live())).sum()
    }
}

/// A place that an attempt needs.
type Place<'a> = (&'a Counters, Key, Rule);

/// Takes these places in their order, or none of them: what is refused takes nothing.
fn reserve_all<'a>(places: impl IntoIterator<Item = Place<'a>>, now: Timestamp) -> Result<Reservation, Throttled> {
    let mut taken = Reservation::default();
    for (counters, key, rule) in places {
        match counters.reserve(key, rule, now) {
            Ok(slot) => taken.0.push(slot),
            Err(throttled) => {
                taken.refund();
                return Err(throttled);
            }
        }
    }
    Ok(taken)
}

/// A limit for each address.
struct ByClient {
    limit: Limit,
    counters: Counters,
}

impl ByClient {
    /// The site first: otherwise a full site would use up the places of its networks.
    fn places(&self, client: ClientKey) -> impl Iterator<Item = Place<'_>> {
        let rule = |limit| Rule { limit, pace: None };
        let site_limit = Limit { count: self.limit.count.saturating_mul(SITE_FACTOR), ..self.limit };
        let site = client.site().map(|site| (Key::Client(site), rule(site_limit)));
        let own = (Key::Client(client), rule(self.limit));
        site.into_iter().chain([own]).map(|(key, rule)| (&self.counters, key, rule))
    }
}

/// A network's limits: of all of it together, and of each of its addresses.
struct NetworkLimits {
    network: IpNet,
    whole: Option<(Rule, Counters)>,
    each: Option<ByClient>,
}

impl NetworkLimits {
    /// The whole first, as with sites.
    fn places(&self, client: ClientKey) -> impl Iterator<Item = Place<'_>> {
        let whole = self.whole.iter().map(|(rule, counters)| (counters, Key::Network(self.network), *rule));
        whole.chain(self.each.iter().flat_map(move |limits| limits.places(client)))
    }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
