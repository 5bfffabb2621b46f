//! Structured logs.

pub mod logging;
