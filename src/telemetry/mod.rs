//! Structured logs.

mod lines;
pub mod logging;
