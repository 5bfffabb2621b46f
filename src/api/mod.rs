//! poem and poem-openapi live only here.

pub mod client_address;
pub mod cookies;
pub mod cross_site;
pub mod middleware;
pub mod problem;
pub mod routes;
