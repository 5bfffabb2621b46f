//! What is limited, as one closed table. To limit another operation, add a row.

use super::ClientKey;

/// An operation that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Logging in, with an email that was typed.
    Login,
    /// Making an account.
    Register,
    /// Setting a password with the token of a reset.
    Reset,
    /// Proving one's password in a session: to change it, to leave.
    Reauthenticate,
    /// Changing what is told of oneself.
    Profile,
    /// Taking out one's data.
    Export,
    /// Asking for a mail, with an address that was typed.
    Ask,
    /// Asking for a mail in a session.
    Mail,
    /// Asking, in a session and with one's password, for another address.
    EmailChange,
    /// Whatever looks at a code: of an authenticator app, or a recovery code.
    SecondFactor,
    /// Whatever looks at a passkey: nobody guesses one, but each look costs.
    Passkey,
}

/// What is counted, each by a log of its own. The numbers are part of the names under which nodes share their counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Counter {
    /// Attempts to log in, or to reset, by address: `LOGIN_RATE_LIMIT`.
    Logins = 0,
    /// Attempts to register, by address: `REGISTER_RATE_LIMIT`.
    Registrations = 1,
    /// Refreshes, by session: `REFRESH_RATE_LIMIT`.
    Refreshes = 2,
    /// Wrong passwords, by account and by who guesses: `ACCOUNT_RATE_LIMIT`.
    Failures = 3,
    /// Attempts to prove a password in a session, by address: `LOGIN_RATE_LIMIT` too.
    Proofs = 4,
    /// The same by account, right or wrong: `PASSWORD_CHANGE_RATE_LIMIT`.
    ProofsOfAccount = 5,
    /// Changes of a profile, by account: `PROFILE_RATE_LIMIT`.
    Profiles = 6,
    /// Exports, by account: `EXPORT_RATE_LIMIT`.
    Exports = 7,
    /// Presented refresh tokens that are none of ours, by address. Each node's own.
    Forgeries = 9,
    /// Audit records of what honest clients repeat, by session. Each node's own.
    Repeats = 10,
    /// Refreshes of bound sessions that bring no proof, by address. Each node's own.
    Unproved = 11,
    /// Asking for mails, by address: `REGISTER_RATE_LIMIT` too.
    Asks = 20,
    /// Asking for mails in a session, by account: `MAIL_RATE_LIMIT`.
    Mails = 21,
    /// Wrong codes, by account and by who guesses: a few in a quarter of an hour.
    Codes = 30,
    /// The same: some more in a day.
    CodesOfDay = 31,
}

/// What an attempt in a scope takes a place of, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// By the client's address.
    pub by_address: Option<Counter>,
    /// By the account.
    pub by_account: &'static [Counter],
}

impl Scope {
    /// All.
    pub const ALL: [Self; 11] = [
        Self::Login,
        Self::Register,
        Self::Reset,
        Self::Reauthenticate,
        Self::Profile,
        Self::Export,
        Self::Ask,
        Self::Mail,
        Self::EmailChange,
        Self::SecondFactor,
        Self::Passkey,
    ];

    /// A word for it, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Register => "register",
            Self::Reset => "reset",
            Self::Reauthenticate => "reauthenticate",
            Self::Profile => "profile",
            Self::Export => "export",
            Self::Ask => "ask",
            Self::Mail => "mail",
            Self::EmailChange => "email_change",
            Self::SecondFactor => "second_factor",
            Self::Passkey => "passkey",
        }
    }

    /// The scope's row of the table.
    #[must_use]
    pub const fn row(self) -> Row {
        use Counter::{
            Asks, Codes, CodesOfDay, Exports, Failures, Logins, Mails, Profiles, Proofs, ProofsOfAccount, Registrations,
        };
        let (by_address, by_account): (_, &[Counter]) = match self {
            Self::Login => (Some(Logins), &[Failures]),
            Self::Register => (Some(Registrations), &[]),
            Self::Reset | Self::Passkey => (Some(Logins), &[]),
            Self::Reauthenticate => (Some(Proofs), &[ProofsOfAccount, Failures]),
            Self::Profile => (None, &[Profiles]),
            Self::Export => (None, &[Exports]),
            Self::Ask => (Some(Asks), &[]),
            Self::Mail => (None, &[Mails]),
            Self::EmailChange => (Some(Proofs), &[Mails, ProofsOfAccount, Failures]),
            Self::SecondFactor => (None, &[Codes, CodesOfDay]),
        };
        Row { by_address, by_account }
    }
}

impl Counter {
    /// Whether an attempt that succeeded gives its place back: only failures count. All others count attempts, since a success
    /// costs as much.
    #[must_use]
    pub const fn counts_failures_alone(self) -> bool {
        matches!(self, Self::Failures | Self::Codes | Self::CodesOfDay)
    }
}

/// Whose attempts on an account are counted together. A stranger who guesses without pause must not keep the owner out, so that
/// whoever shows that they have been here before is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guesser {
    /// Anybody.
    Stranger,
    /// Somebody with a session of the account.
    Session,
    /// A browser with a device cookie of the account.
    Device([u8; 16]),
}

/// The key of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Of one client.
    Client(ClientKey),
    /// Of all clients in a network that has a limit of its own.
    Network(ipnet::IpNet),
    /// Of an account, whether there is one or not: a keyed hash of its email, and who tries.
    Account {
        /// The keyed hash.
        name: [u8; 16],
        /// Who tries.
        by: Guesser,
    },
    /// Of one session.
    Session([u8; 16]),
}

impl Key {
    /// Bytes that no other counter or key has.
    #[must_use]
    pub fn name(self, counter: Counter) -> Vec<u8> {
        let (variant, bytes) = match self {
            Self::Client(ClientKey::V4(address)) => (4, address.to_be_bytes().to_vec()),
            Self::Client(ClientKey::V6(network)) => (6, network.to_be_bytes().to_vec()),
            Self::Client(ClientKey::V6Site(site)) => (7, site.to_be_bytes().to_vec()),
            Self::Client(ClientKey::Unknown) => (0, Vec::new()),
            Self::Network(network) => (8, network.to_string().into_bytes()),
            Self::Account { name, by: Guesser::Stranger } => (0, name.to_vec()),
            Self::Account { name, by: Guesser::Session } => (1, name.to_vec()),
            Self::Account { name, by: Guesser::Device(device) } => (2, [name, device].concat()),
            Self::Session(id) => (0, id.to_vec()),
        };
        [&[counter as u8, variant], &bytes[..]].concat()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const COUNTERS: [Counter; 15] = [
        Counter::Logins,
        Counter::Registrations,
        Counter::Refreshes,
        Counter::Failures,
        Counter::Proofs,
        Counter::ProofsOfAccount,
        Counter::Profiles,
        Counter::Exports,
        Counter::Forgeries,
        Counter::Repeats,
        Counter::Unproved,
        Counter::Asks,
        Counter::Mails,
        Counter::Codes,
        Counter::CodesOfDay,
    ];

    #[test]
    fn no_two_logs_have_one_name() {
        let (name, device) = ([7; 16], [9; 16]);
        let keys = [
            Key::Client(ClientKey::V4(1)),
            Key::Client(ClientKey::V6(1)),
            Key::Client(ClientKey::V6Site(1 << 16)),
            Key::Client(ClientKey::Unknown),
            Key::Network("10.0.0.0/8".parse().unwrap()),
            Key::Network("10.0.0.0/9".parse().unwrap()),
            Key::Account { name, by: Guesser::Stranger },
            Key::Account { name, by: Guesser::Session },
            Key::Account { name, by: Guesser::Device(device) },
            Key::Account { name: device, by: Guesser::Device(name) },
        ];
        let names: HashSet<_> = COUNTERS.iter().flat_map(|counter| keys.map(|key| key.name(*counter))).collect();
        assert_eq!(names.len(), COUNTERS.len() * keys.len());
    }

    /// Whatever costs a hash is limited by address, and by account where there is one; whatever a session can repeat, by account.
    #[test]
    fn every_row_limits_what_its_operation_costs() {
        for scope in [Scope::Login, Scope::Register, Scope::Reset, Scope::Reauthenticate, Scope::EmailChange] {
            assert!(scope.row().by_address.is_some(), "{scope:?}");
        }
        for scope in [Scope::Reauthenticate, Scope::Profile, Scope::Export, Scope::Mail] {
            let attempts = scope.row().by_account.iter().filter(|counter| !counter.counts_failures_alone());
            assert_eq!(attempts.count(), 1, "{scope:?}");
        }
    }
}
