//! Who asks for a hash.

/// What a hash is for: whether it may take the share of the queue that is kept for logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A login: may wait for all of `HASH_QUEUE`.
    Login,
    /// Everything else: registrations, resets, changes of a password, a password asked for again. Waits for half of `HASH_QUEUE` at
    /// most, and gets at most half of the threads' rounds while logins wait.
    Other,
}

/// Whose job it is, and how many of his jobs may wait or run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject(pub(super) Option<([u8; 16], usize)>);

impl Subject {
    /// Nobody in particular: an operator at the command line.
    pub const UNBOUNDED: Self = Self(None);

    /// Whoever has this key: an account, for operations of its sessions; an address, for operations of nobody. Never an email that
    /// was merely typed: a stranger would hold its owner's place. With `most` = 0 everything is refused.
    #[must_use]
    pub fn bounded(key: [u8; 16], most: usize) -> Self {
        Self(Some((key, most)))
    }
}
