//! How often something may be tried, and whose tries are counted together.

mod client_key;
mod sliding_log;

pub use client_key::{ClientKey, is_same_network};
pub use sliding_log::{Limit, Log, Rule, Throttled, reserve, reserve_paced};
