//! Mails that wait to be sent, and the tokens of links.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

mod of_user;
mod outbox;
mod queue;
mod tokens;

pub use of_user::{LinkOf, MailOf, links_of, mails_of};
pub use outbox::{NewMail, asked_since, forget_user, insert, one_at_a_time, purge, told_since};
pub use queue::{
    Claimed, Depth, Link, Stored, claim, depth, finish, give_up, is_due, postpone, release, release_all, troubles,
};
pub use tokens::{
    NewToken, Token, TokenHash, are_before, find, first_sent_to, good_until, live, put, seeds, take, void, void_before,
    void_since, whose,
};
