//! Pure data and rules: no async, no IO, no clock. Everything here can be tested by calling it.

pub mod audit;
pub mod claims;
pub mod client_ip;
pub mod client_key;
pub mod device;
pub mod email;
pub mod password;
pub mod password_policy;
pub mod refresh_token;
pub mod reset_token;
pub mod session;
pub mod throttle;
pub mod timestamp;
pub mod user;
