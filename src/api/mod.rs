//! poem and poem-openapi live only here.

pub mod cookies;
pub mod cross_site;
pub mod problem;
pub mod routes;
