//! Structured logs.

pub mod logging;
mod queue;
