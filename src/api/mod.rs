//! poem and poem-openapi live only here.

pub mod problem;
