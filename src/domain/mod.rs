//! Pure data and rules: no async, no IO, no clock. Everything here can be tested by calling it.

pub mod account;
pub mod audit;
pub mod client_ip;
pub mod factor;
pub mod import;
pub mod mail;
pub mod password;
pub mod session;
pub mod throttle;
pub mod timestamp;
