//! The world outside the rules: time, chance, bcrypt, signatures.

pub mod clock;
pub mod random;
