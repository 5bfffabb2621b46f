//! Rate limits.

use ipnet::IpNet;

use crate::domain::throttle::Limit;

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
