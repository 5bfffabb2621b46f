//! Spans, as stories say them.

use std::time::Duration;

/// A second less.
pub(crate) const fn just_before(span: Duration) -> Duration {
    span.saturating_sub(seconds(1))
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub(crate) const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}

pub(crate) const fn days(count: u64) -> Duration {
    hours(count * 24)
}
