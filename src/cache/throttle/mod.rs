//! Who may try again, and when.
//!
//! Every limit is a sliding log (`domain::throttle`), judged by the time that the caller passes. An attempt is reserved before
//! any work is done for it, so that a hundred at once get no more through than a hundred in a row.
//! `docs/design/login-protection.md` says why.

mod by_address;
mod counters;
mod crowd;
mod turns;

use std::net::IpAddr;
use std::time::Duration;

use by_address::ByAddress;
pub use counters::Slot;
use counters::{Counters, MAX_KEYS};
pub use crowd::Crowd;
pub use turns::Turns;

use crate::config::throttle::Throttle;
use crate::domain::session::SessionId;
use crate::domain::throttle::{Counter, Guesser, Key, Limit, Rule, Scope, Throttled};
use crate::domain::timestamp::Timestamp;

/// When an account has had its failures: one attempt in this time.
const ACCOUNT_PACE: Duration = Duration::from_secs(30);

/// So many refresh tokens that are none of ours are looked at.
const FORGERIES: Limit = Limit { count: 60, window: Duration::from_mins(1) };

/// So many refreshes of bound sessions that bring no proof yet are looked up. It is how honest browsers begin one.
const UNPROVED: Limit = Limit { count: 60, window: Duration::from_mins(1) };

/// So many wrong codes of one account are looked at: six digits are few. With [`CODES_OF_DAY`] a guesser
/// who knows the password needs some forty years for an even chance.
const CODES: Limit = Limit { count: 5, window: Duration::from_mins(15) };
/// And so many in a day.
const CODES_OF_DAY: Limit = Limit { count: 20, window: Duration::from_hours(24) };

/// So many records the audit keeps of what an honest client of one session repeats.
const REPEATS: Limit = Limit { count: 10, window: Duration::from_hours(1) };

/// The limits of this process.
pub struct Throttles {
    logins: ByAddress,
    registrations: ByAddress,
    asks: ByAddress,
    proofs: ByAddress,
    forgeries: ByAddress,
    unproved: ByAddress,
    failures: Option<ByKey>,
    proofs_of_account: Option<ByKey>,
    profiles: Option<ByKey>,
    exports: Option<ByKey>,
    mails: Option<ByKey>,
    codes: Option<ByKey>,
    codes_of_day: Option<ByKey>,
    refreshes: Option<ByKey>,
    repeats: ByKey,
}

/// Who makes an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// From where; all without an address are counted together.
    pub address: Option<IpAddr>,
    /// On which account.
    pub account: Option<Account>,
}

/// The account that an attempt is about.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// A keyed hash of the canonical email.
    pub name: [u8; 16],
    /// Who tries.
    pub by: Guesser,
}

/// A counter whose keys all have one rule.
struct ByKey {
    rule: Rule,
    counters: Counters,
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
        let by_address = |counter, limit| ByAddress::new(counter, limit, &[], max_keys);
        let in_networks = |counter, limit| ByAddress::new(counter, limit, &config.networks, max_keys);
        let paced = |counter, limit: Option<Limit>, pace| {
            let by_key = |limit: Limit| ByKey {
                rule: Rule { limit, pace },
                counters: Counters::new(counter, limit.window, max_keys),
            };
            limit.map(by_key)
        };
        let by_key = |counter, limit| paced(counter, limit, None);
        Self {
            logins: in_networks(Counter::Logins, config.login),
            registrations: by_address(Counter::Registrations, config.register),
            asks: by_address(Counter::Asks, config.register),
            proofs: in_networks(Counter::Proofs, config.login),
            forgeries: by_address(Counter::Forgeries, Some(FORGERIES)),
            unproved: by_address(Counter::Unproved, Some(UNPROVED)),
            failures: paced(Counter::Failures, config.account, Some(ACCOUNT_PACE)),
            proofs_of_account: by_key(Counter::ProofsOfAccount, config.password_change),
            profiles: by_key(Counter::Profiles, config.profile),
            exports: by_key(Counter::Exports, config.export),
            mails: by_key(Counter::Mails, config.mail),
            codes: by_key(Counter::Codes, Some(CODES)),
            codes_of_day: by_key(Counter::CodesOfDay, Some(CODES_OF_DAY)),
            refreshes: by_key(Counter::Refreshes, config.refresh),
            repeats: ByKey {
                rule: Rule { limit: REPEATS, pace: None },
                counters: Counters::new(Counter::Repeats, REPEATS.window, max_keys),
            },
        }
    }

    /// Takes all places that the scope's row of the table asks for, or none.
    ///
    /// # Errors
    /// When one of them has had its attempts.
    pub fn reserve(&self, scope: Scope, who: &Who, now: Timestamp) -> Result<Reservation, Throttled> {
        let row = scope.row();
        let mut slots = Vec::with_capacity(3);
        let mut reserve = || {
            if let Some(by_address) = row.by_address.and_then(|counter| self.by_address(counter)) {
                by_address.reserve(who.address, now, &mut slots)?;
            }
            let Some(Account { name, by }) = who.account else { return Ok(()) };
            for counter in row.by_account {
                let Some(ByKey { rule, counters }) = self.by_account(*counter) else { continue };
                // Attempts count together, whoever makes them; failures do not.
                let by = if counter.counts_failures_alone() { by } else { Guesser::Session };
                slots.push(counters.reserve(Key::Account { name, by }, *rule, now)?);
            }
            Ok(())
        };
        match reserve() {
            Ok(()) => Ok(Reservation(slots)),
            Err(throttled) => {
                // A refused attempt takes nothing.
                slots.iter().for_each(Slot::refund);
                Err(throttled)
            }
        }
    }

    /// Refuses an address that has had its attempts, without a look at what they are about: of a flood, nearly all. Who passes is not
    /// admitted yet.
    ///
    /// # Errors
    /// As [`Throttles::reserve`] would.
    pub fn may_try(&self, scope: Scope, address: Option<IpAddr>, now: Timestamp) -> Result<(), Throttled> {
        let by_address = scope.row().by_address.and_then(|counter| self.by_address(counter));
        by_address.map_or(Ok(()), |by_address| by_address.peek_own(address, now))
    }

    /// Notes that a refresh token from this address was none of ours.
    pub fn note_forgery(&self, address: Option<IpAddr>, now: Timestamp) {
        note(&self.forgeries, address, now);
    }

    /// Whether refresh tokens from this address are looked at still.
    ///
    /// # Errors
    /// When too many of them were none of ours.
    pub fn may_present(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Throttled> {
        self.forgeries.peek(address, now)
    }

    /// A refresh of a bound session that brings no proof.
    ///
    /// # Errors
    /// When this address has sent so many that no more are looked up.
    pub fn ask_unproved(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Throttled> {
        self.unproved.reserve(address, now, &mut Vec::new())
    }

    /// A refresh of a session. Only for a session that exists: its token has been found authentic.
    ///
    /// # Errors
    /// When the session has had its refreshes.
    pub fn refresh(&self, session: SessionId, now: Timestamp) -> Result<(), Throttled> {
        self.refreshes.as_ref().map_or(Ok(()), |refreshes| refreshes.reserve_session(session, now))
    }

    /// Whether the audit has room for another record of what this session repeats.
    #[must_use]
    pub fn may_record(&self, session: SessionId, now: Timestamp) -> bool {
        let ByKey { rule, counters } = &self.repeats;
        counters.peek(Key::Session(session.0), *rule, now).is_ok()
    }

    /// Notes that one was written.
    pub fn note_record(&self, session: SessionId, now: Timestamp) {
        let _ = self.repeats.reserve_session(session, now);
    }

    /// How many attempts in this scope an address may make in one window. None: as many as it likes.
    #[must_use]
    pub fn allowance(&self, scope: Scope, address: Option<IpAddr>) -> Option<u32> {
        scope.row().by_address.and_then(|counter| self.by_address(counter)?.allowance(address))
    }

    /// Forgives the failures that were counted against an account until then. Not those of browsers that are known: no attack makes
    /// them.
    pub fn unblock(&self, name: [u8; 16], until: Timestamp) {
        for ByKey { counters, .. } in FAILURES.iter().filter_map(|counter| self.by_account(*counter)) {
            for key in keys_of_account(name) {
                counters.forgive(key, until);
            }
        }
    }

    /// What nodes share of these failures, as [`Slot::name`] tells it.
    pub fn names_of_account(name: [u8; 16]) -> impl Iterator<Item = Vec<u8>> {
        FAILURES.into_iter().flat_map(move |counter| keys_of_account(name).map(|key| key.name(counter)))
    }

    /// How many counters there are now, of all kinds.
    #[must_use]
    pub fn live_counters(&self) -> usize {
        let by_address = [&self.logins, &self.registrations, &self.asks, &self.proofs, &self.forgeries, &self.unproved];
        let by_key =
            [&self.failures, &self.proofs_of_account, &self.profiles, &self.exports, &self.mails, &self.refreshes];
        let by_key = by_key
            .into_iter()
            .chain([&self.codes, &self.codes_of_day])
            .flatten()
            .chain([&self.repeats])
            .map(|by_key| by_key.counters.live());
        by_address.into_iter().map(ByAddress::live).chain(by_key).sum()
    }

    fn by_address(&self, counter: Counter) -> Option<&ByAddress> {
        match counter {
            Counter::Logins => Some(&self.logins),
            Counter::Registrations => Some(&self.registrations),
            Counter::Asks => Some(&self.asks),
            Counter::Proofs => Some(&self.proofs),
            _ => None,
        }
    }

    fn by_account(&self, counter: Counter) -> Option<&ByKey> {
        match counter {
            Counter::Failures => self.failures.as_ref(),
            Counter::ProofsOfAccount => self.proofs_of_account.as_ref(),
            Counter::Profiles => self.profiles.as_ref(),
            Counter::Exports => self.exports.as_ref(),
            Counter::Mails => self.mails.as_ref(),
            Counter::Codes => self.codes.as_ref(),
            Counter::CodesOfDay => self.codes_of_day.as_ref(),
            _ => None,
        }
    }
}

impl ByKey {
    fn reserve_session(&self, session: SessionId, now: Timestamp) -> Result<(), Throttled> {
        self.counters.reserve(Key::Session(session.0), self.rule, now).map(drop)
    }
}

/// What counts failures of an account.
const FAILURES: [Counter; 3] = [Counter::Failures, Counter::Codes, Counter::CodesOfDay];

fn keys_of_account(name: [u8; 16]) -> [Key; 2] {
    [Guesser::Stranger, Guesser::Session].map(|by| Key::Account { name, by })
}

/// What is full stays full.
fn note(counted: &ByAddress, address: Option<IpAddr>, now: Timestamp) {
    let _ = counted.reserve(address, now, &mut Vec::new());
}

#[cfg(test)]
mod tests;
