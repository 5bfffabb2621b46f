//! What becomes of a mail, and when it is tried again.

use std::time::Duration;

/// A mail that could not be delivered for so long is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// What became of a mail, once nothing more is done about it. The words are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A mail server has taken it.
    Sent,
    /// By the time it could be sent its link was void.
    Dropped,
    /// No mail server takes it.
    Dead,
    /// The person has had enough of them.
    OverBudget,
    /// There is nobody to send it to: asked for by somebody who typed an address that no account has.
    Nobody,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sent, Self::Dropped, Self::Dead, Self::OverBudget, Self::Nobody];

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Dead => "dead",
            Self::OverBudget => "over_budget",
            Self::Nobody => "nobody",
        }
    }
}

/// How long after an attempt that failed the next is made: half a minute, then twice as long each time, an hour at most.
#[must_use]
pub fn retry_after(attempts: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(30);
    const MOST: Duration = Duration::from_hours(1);
    FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_tried_again_ever_more_seldom_and_some_thirty_times_in_a_day() {
        let waits: Vec<u64> = (1..=9).map(|attempts| retry_after(attempts).as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(retry_after(u32::MAX), Duration::from_hours(1));
        let mut spent = Duration::ZERO;
        let attempts = (1..).take_while(|attempts| {
            spent += retry_after(*attempts);
            spent <= GIVE_UP_AFTER
        });
        assert!((25..=35).contains(&attempts.count()));
    }
}
