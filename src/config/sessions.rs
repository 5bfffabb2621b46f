//! Lifetimes and refresh rotation, and whether sessions are bound to devices.

use std::time::Duration;

use crate::domain::session::Policy;
use crate::domain::timestamp::Timestamp;

use super::cookies::Cookies;
use super::declarations::{
    ACCESS_TOKEN_TTL, DEVICE_BOUND_SESSIONS, DEVICE_BOUND_TTL, MAX_SESSIONS_PER_USER, REFRESH_GRACE,
    REFRESH_LOST_REPLIES_PER_DAY, REFRESH_TOKEN_TTL, SECOND_FACTOR, SESSION_TTL, SESSIONS_NOT_BEFORE,
};
use super::setting::Reader;

/// Browsers sign only a few times in ten minutes for a site: then they bind no new login either.
const SHORTEST: Duration = Duration::from_mins(10);

/// How long a session may go on unbound where that is required. A browser binds it within a second.
const UNBOUND_FOR: Duration = Duration::from_mins(1);

/// Whether sessions are bound to devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceBound {
    /// They are not.
    Off,
    /// Where the browser can.
    On,
    /// Those that are not are refused.
    Required,
}

/// Whether binding is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// `DEVICE_BOUND_SESSIONS`, or what is right for the other settings.
    pub mode: DeviceBound,
    /// Why it is off, though nobody has said so.
    pub off_because: Option<&'static str>,
}

pub(super) fn read(reader: &mut Reader<'_>, now: Timestamp, cookies: Option<&Cookies>) -> Option<(Policy, Binding)> {
    let access_ttl = reader.get(&ACCESS_TOKEN_TTL);
    let idle_ttl = reader.get(&REFRESH_TOKEN_TTL);
    let absolute_ttl = reader.get(&SESSION_TTL);
    if let (Some(access), Some(idle)) = (access_ttl, idle_ttl)
        && access >= idle
    {
        reader.refuse(&ACCESS_TOKEN_TTL, "must be shorter than REFRESH_TOKEN_TTL");
    }
    if let (Some(idle), Some(absolute)) = (idle_ttl, absolute_ttl)
        && idle > absolute
    {
        reader.refuse(&REFRESH_TOKEN_TTL, "must not be longer than SESSION_TTL");
    }
    let grace = reader.get(&REFRESH_GRACE);
    let lost_replies_per_day = reader.get(&REFRESH_LOST_REPLIES_PER_DAY);
    let not_before = reader.get(&SESSIONS_NOT_BEFORE);
    if not_before.is_some_and(|moment| moment > now) {
        // It may be the clock that is wrong, and be right in a moment: no reason never to start.
        reader.warn(
            &SESSIONS_NOT_BEFORE,
            "lies in the future by this machine's clock: every session would be refused, so the start waits for that moment",
        );
    }
    let max_per_user = reader.get(&MAX_SESSIONS_PER_USER);
    let bound_ttl = reader.get(&DEVICE_BOUND_TTL);
    reader.refuse_in_production(
        bound_ttl.is_some_and(|ttl| ttl < SHORTEST),
        &DEVICE_BOUND_TTL,
        "must be 10m or more in production: browsers sign only a few times in ten minutes",
    );
    let second_factor = reader.get(&SECOND_FACTOR);
    let binding = binding(reader, cookies, access_ttl);
    let policy = Policy {
        access_ttl: access_ttl?,
        idle_ttl: idle_ttl?,
        absolute_ttl: absolute_ttl?,
        grace: grace?,
        lost_replies_per_day: lost_replies_per_day?,
        not_before,
        max_per_user: max_per_user?,
        bound_ttl: bound_ttl?,
        unbound_for: (binding.mode == DeviceBound::Required).then_some(UNBOUND_FOR),
        second_factor: second_factor?,
    };
    Some((policy, binding))
}

fn binding(reader: &mut Reader<'_>, cookies: Option<&Cookies>, access_ttl: Option<Duration>) -> Binding {
    let obstacle = if cookies.is_some_and(|cookies| !cookies.secure) {
        Some("needs SECURE_COOKIES=on: browsers bind sessions over https alone")
    } else if cookies.is_some_and(|cookies| cookies.domain.is_some()) {
        Some("can't be together with COOKIE_DOMAIN: other hosts get the access cookie, and none of them renews it")
    } else if access_ttl.is_some_and(|ttl| ttl < SHORTEST) && reader.production() {
        Some("needs an ACCESS_TOKEN_TTL of 10m or more: browsers sign only a few times in ten minutes")
    } else {
        None
    };
    match (reader.get(&DEVICE_BOUND_SESSIONS), obstacle) {
        (Some(DeviceBound::Off), _) => Binding { mode: DeviceBound::Off, off_because: None },
        (Some(mode), None) => Binding { mode, off_because: None },
        (Some(mode), Some(obstacle)) => {
            reader.refuse(&DEVICE_BOUND_SESSIONS, obstacle);
            Binding { mode, off_because: None }
        }
        (None, None) => Binding { mode: DeviceBound::On, off_because: None },
        (None, Some(obstacle)) => Binding { mode: DeviceBound::Off, off_because: Some(obstacle) },
    }
}
