//! What a node keeps in memory. moka lives only here.

pub mod access_tokens;
pub mod sessions;
pub mod throttle;
