//! The sliding log: so many in any span, wherever it starts.

use std::time::Duration;

/// So many in any span of this length, wherever the span starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many; at least 1.
    pub count: u32,
    /// The span's length; more than zero.
    pub window: Duration,
}

/// Not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct Throttled {
    /// When the next attempt would be admitted, if nobody else comes first.
    pub retry_after: Duration,
}
