//! Mail: what is told to whom, how often, and which links it holds.

mod budget;
mod delivery;
mod facts;
mod kind;
mod link_token;

pub use budget::Budget;
pub use delivery::{GIVE_UP_AFTER, Outcome, retry_after};
pub use facts::{Facts, presentable};
pub use kind::{Kind, Purpose};
pub use link_token::LinkToken;
