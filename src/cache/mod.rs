//! What a node keeps in memory. moka lives only here.

mod counters;
pub mod sessions;
pub mod throttle;
