//! Rate limits.

use ipnet::IpNet;

use crate::domain::throttle::Limit;

use super::declarations::{
    ACCOUNT_RATE_LIMIT, LOGIN_RATE_LIMIT, LOGIN_RATE_LIMIT_NETWORKS, REFRESH_RATE_LIMIT, REGISTER_RATE_LIMIT,
};
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
    /// `LOGIN_RATE_LIMIT_NETWORKS`: offices and schools with a limit of their own.
    pub networks: Vec<(IpNet, Limit)>,
}

impl Throttle {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut limit = |setting: &Setting<Option<Limit>>| {
            let limit = reader.get(setting);
            let off = limit == Some(None);
            reader.refuse_in_production(
                off,
                setting,
                "must not be off in production: nothing would slow down guessing",
            );
            limit
        };
        let (login, register) = (limit(&LOGIN_RATE_LIMIT), limit(&REGISTER_RATE_LIMIT));
        let (refresh, account) = (limit(&REFRESH_RATE_LIMIT), limit(&ACCOUNT_RATE_LIMIT));
        let networks = reader.get(&LOGIN_RATE_LIMIT_NETWORKS).unwrap_or_default();
        Some(Self { login: login?, register: register?, refresh: refresh?, account: account?, networks })
    }
}
