//! Structured logs, metrics, and traces.

pub mod logging;
pub mod metrics;
mod queue;
pub mod traces;
