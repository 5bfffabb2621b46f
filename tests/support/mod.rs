//! What the test programs share.
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses a part of it")]
#![allow(unreachable_pub, reason = "each test program is a crate of its own")]

pub mod postgres;
