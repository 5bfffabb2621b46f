//! Rate limits.

use std::time::Duration;

use ipnet::IpNet;

use crate::domain::throttle::Limit;

use super::declarations::{
    ACCOUNT_RATE_LIMIT, EXPORT_RATE_LIMIT, LOGIN_RATE_LIMIT, LOGIN_RATE_LIMIT_NETWORKS,
    LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS, MAIL_RATE_LIMIT, PASSWORD_CHANGE_RATE_LIMIT, PROFILE_RATE_LIMIT,
    REFRESH_RATE_LIMIT, REGISTER_RATE_LIMIT,
};
use super::networks::hold_strangers;
use super::setting::{Reader, Setting};

/// Settings of the throttles. None: off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// `LOGIN_RATE_LIMIT`: attempts to log in, by address.
    pub login: Option<Limit>,
    /// `REGISTER_RATE_LIMIT`: attempts to register, by address.
    pub register: Option<Limit>,
    /// `REFRESH_RATE_LIMIT`: refreshes, by session.
    pub refresh: Option<Limit>,
    /// `ACCOUNT_RATE_LIMIT`: failed logins, by account.
    pub account: Option<Limit>,
    /// `PASSWORD_CHANGE_RATE_LIMIT`: attempts to prove the password in a session, by account.
    pub password_change: Option<Limit>,
    /// `PROFILE_RATE_LIMIT`: changes of a profile, by account.
    pub profile: Option<Limit>,
    /// `EXPORT_RATE_LIMIT`: exports, by account.
    pub export: Option<Limit>,
    /// `MAIL_RATE_LIMIT`: mails that somebody asks for in a session, by account.
    pub mail: Option<Limit>,
    /// Offices and schools with limits of their own.
    pub networks: Vec<Network>,
}

/// A network with limits of its own for logins, instead of `LOGIN_RATE_LIMIT`. Of all networks that an address lies in, the most
/// specific decides alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Which addresses.
    pub network: IpNet,
    /// `LOGIN_RATE_LIMIT_NETWORKS`: of all of them together. None: they have no limit together.
    pub whole: Option<Limit>,
    /// `LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS`: of each of them. None: one may use all that there is.
    pub each: Option<Limit>,
}

/// The most that an address or a session may be allowed in any hour: thousands of people behind one address log in no more often.
const MOST_AN_HOUR: u32 = 10_000;
/// The most failures of one account in any hour: its owner has none of them, and each is a guess.
const MOST_FAILURES_AN_HOUR: u32 = 600;
/// The most that a whole network may be allowed in any hour: a university in the morning.
const MOST_OF_A_NETWORK_AN_HOUR: u32 = 100_000;

/// As it is declared; what is wrong with `MAIL_RATE_LIMIT` is told where mail is read.
const USUAL_MAILS: Option<Limit> = Some(Limit { count: 5, window: Duration::from_hours(24) });

const NO_LIMIT: &str = "must not allow more than 10000 an hour in production: nothing would slow down guessing";
const NO_LIMIT_OF_AN_ACCOUNT: &str =
    "must not allow more than 600 an hour in production: one session could keep the service busy for everybody else";
const NO_LIMIT_OF_A_NETWORK: &str =
    "must not allow a network more than 100000 an hour in production: nothing would slow down guessing";

impl Throttle {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut limit = |setting: &Setting<Option<Limit>>, most, too_many| {
            let limit = reader.get(setting);
            let off = limit == Some(None);
            reader.refuse_in_production(
                off,
                setting,
                "must not be off in production: nothing would slow down guessing",
            );
            let many = limit.flatten().is_some_and(|limit| in_any_hour(limit) > most);
            reader.refuse_in_production(many, setting, too_many);
            limit
        };
        let login = limit(&LOGIN_RATE_LIMIT, MOST_AN_HOUR, NO_LIMIT);
        let register = limit(&REGISTER_RATE_LIMIT, MOST_AN_HOUR, NO_LIMIT);
        let refresh = limit(&REFRESH_RATE_LIMIT, MOST_AN_HOUR, NO_LIMIT);
        let account = limit(
            &ACCOUNT_RATE_LIMIT,
            MOST_FAILURES_AN_HOUR,
            "must not allow more than 600 an hour in production: each is a guess at the password of one account",
        );
        let password_change = limit(&PASSWORD_CHANGE_RATE_LIMIT, MOST_FAILURES_AN_HOUR, NO_LIMIT_OF_AN_ACCOUNT);
        let profile = limit(&PROFILE_RATE_LIMIT, MOST_FAILURES_AN_HOUR, NO_LIMIT_OF_AN_ACCOUNT);
        let export = limit(&EXPORT_RATE_LIMIT, MOST_FAILURES_AN_HOUR, NO_LIMIT_OF_AN_ACCOUNT);
        let whole = read_networks(reader, &LOGIN_RATE_LIMIT_NETWORKS, MOST_OF_A_NETWORK_AN_HOUR, NO_LIMIT_OF_A_NETWORK);
        let each = read_networks(reader, &LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS, MOST_AN_HOUR, NO_LIMIT);
        let networks = networks(&whole, &each);
        Some(Self {
            login: login?,
            register: register?,
            refresh: refresh?,
            account: account?,
            password_change: password_change?,
            profile: profile?,
            export: export?,
            mail: reader.peek(&MAIL_RATE_LIMIT).unwrap_or(USUAL_MAILS),
            networks,
        })
    }
}

type NetworkLimits = Vec<(IpNet, Limit)>;

fn read_networks(
    reader: &mut Reader<'_>,
    setting: &Setting<NetworkLimits>,
    most: u32,
    too_many: &'static str,
) -> NetworkLimits {
    let limits = reader.get(setting).unwrap_or_default();
    let networks: Vec<IpNet> = limits.iter().map(|(network, _)| *network).collect();
    reader.refuse_in_production_else_warn(
        hold_strangers(&networks),
        setting,
        "must hold offices and schools: more public addresses than an IPv4 /8 or an IPv6 /16 has are the internet, for which \
         LOGIN_RATE_LIMIT is meant",
    );
    let many = limits.iter().any(|(_, limit)| in_any_hour(*limit) > most);
    reader.refuse_in_production(many, setting, too_many);
    limits
}

/// Both limits of each network that has one.
fn networks(whole: &[(IpNet, Limit)], each: &[(IpNet, Limit)]) -> Vec<Network> {
    let of =
        |limits: &[(IpNet, Limit)], network| limits.iter().find(|(net, _)| *net == network).map(|(_, limit)| *limit);
    let mut names: Vec<IpNet> = whole.iter().chain(each).map(|(network, _)| *network).collect();
    names.sort_unstable();
    names.dedup();
    let both = |network| Network { network, whole: of(whole, network), each: of(each, network) };
    names.into_iter().map(both).collect()
}

/// How many a limit admits at most in a span of an hour, wherever it starts.
fn in_any_hour(limit: Limit) -> u32 {
    const HOUR: Duration = Duration::from_hours(1);
    let windows = HOUR.as_secs().div_ceil(limit.window.as_secs().max(1));
    limit.count.saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX))
}
