//! How often something may be tried, and whose tries are counted together.

mod client_key;
mod device_cookie;
mod scope;
mod sliding_log;

pub use client_key::ClientKey;
pub use device_cookie::DeviceCookie;
pub use scope::{Counter, Guesser, Key, Row, Scope};
pub use sliding_log::{Limit, Log, Rule, Throttled, reserve, reserve_paced};
