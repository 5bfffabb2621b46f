//! Removing the factors of somebody who has lost them, without an operator: after a wait, in which whoever holds one can stop it.

use std::time::Duration;

use crate::domain::timestamp::Timestamp;

/// A removal that is under way. Somebody has proved the password, and that they read the mail of the account's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// `users.credentials_version` when it began: it is void once the account has other credentials.
    pub version: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// Before this nothing is removed.
    pub due_at: Timestamp,
}

impl Recovery {
    /// One that begins now.
    #[must_use]
    pub fn begin(wait: Duration, version: i64, now: Timestamp) -> Self {
        Self { version, started_at: now, due_at: now + wait }
    }

    /// Whether it goes on, for an account with these credentials. Who can do what a superuser does asks an operator.
    #[must_use]
    pub const fn stands(&self, version: i64, is_superuser: bool) -> bool {
        self.version == version && !is_superuser
    }

    /// Whether a link that was made then removes the factors now.
    #[must_use]
    pub fn removes(&self, link_made_at: Timestamp, version: i64, is_superuser: bool, now: Timestamp) -> bool {
        self.stands(version, is_superuser) && link_made_at >= self.due_at && now >= self.due_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_after_the_wait_by_a_later_link_for_these_credentials() {
        let (now, wait, second) =
            (Timestamp::from_seconds(1_800_000_000), Duration::from_hours(72), Duration::from_secs(1));
        let recovery = Recovery::begin(wait, 7, now);
        let due = now + wait;
        assert!(recovery.removes(due, 7, false, due) && recovery.removes(due, 7, false, due + wait));
        assert!(!recovery.removes(due - second, 7, false, due));
        assert!(!recovery.removes(due, 7, false, due - second));
        assert!(!recovery.removes(due, 8, false, due) && !recovery.removes(due, 6, false, due));
        assert!(!recovery.removes(due, 7, true, due));
    }
}
