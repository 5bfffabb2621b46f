//! poem and poem-openapi live only here.
