//! sqlx lives only here.
