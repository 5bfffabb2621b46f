//! The accept loop and the middleware around a small endpoint, over real TCP.

#![expect(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "all of it is a test")]

mod bodies;
mod browsers;
mod connections;
mod floods;
mod logs;
mod program;
mod refusals;
mod shutdown;
mod support;
mod unread_log;
mod unreadable;
