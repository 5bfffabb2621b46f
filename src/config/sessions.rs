//! Lifetimes and refresh rotation.

use crate::domain::session::Policy;
use crate::domain::timestamp::Timestamp;

use super::declarations::{
    ACCESS_TOKEN_TTL, MAX_SESSIONS_PER_USER, REFRESH_GRACE, REFRESH_LOST_REPLIES_PER_DAY, REFRESH_TOKEN_TTL,
    SESSION_TTL, SESSIONS_NOT_BEFORE,
};
use super::setting::Reader;

pub(super) fn read(reader: &mut Reader<'_>, now: Timestamp) -> Option<Policy> {
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
    Some(Policy {
        access_ttl: access_ttl?,
        idle_ttl: idle_ttl?,
        absolute_ttl: absolute_ttl?,
        grace: grace?,
        lost_replies_per_day: lost_replies_per_day?,
        not_before,
        max_per_user: max_per_user?,
    })
}
