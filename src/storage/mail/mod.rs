//! Mails that wait to be sent, and the tokens of links.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

mod outbox;
mod queue;
mod tokens;

pub use outbox::{NewMail, asked_since, forget_user, insert, one_at_a_time, purge, told_since};
pub use queue::{Claimed, Depth, Link, Stored, claim, depth, finish, give_up, is_due, postpone, release, release_all};
pub use tokens::{NewToken, Token, TokenHash, find, live, put, take, void, whose};
