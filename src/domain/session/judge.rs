//! The decision what a presented, authentic refresh token means. Pure: the row is locked while it is made, or written only where it is
//! unchanged since it was read.

use std::time::Duration;

use super::{EndReason, Generation, Policy, Session};
use crate::domain::timestamp::Timestamp;

/// How many lost replies a session may have in its life.
pub const LIFETIME_LOST_REPLIES: u32 = 8;

/// After this long without a lost reply the daily allowance starts again.
const ALLOWANCE_SPAN: Duration = Duration::from_hours(24);

/// How long a browser may take to write a cookie to its disk (Chromium: every 30 s), and something to spare: one that is killed
/// earlier comes back with the cookie before.
const DISK_DELAY: Duration = Duration::from_mins(1);

/// What an authentic refresh token, or a challenge that was signed, says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Which of the session's tokens it is.
    pub generation: Generation,
    /// The session's idle expiry when this token was made; of a proof, until when the challenge could be signed.
    pub expires: Timestamp,
    /// What it is.
    pub by: Means,
}

/// What a session's generation is presented by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A refresh token: whoever has copied it has it, too.
    Token,
    /// The signature of a challenge, by the device that the session is bound to. It expires with the challenge.
    Proof,
}

/// What becomes of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new generation. `ahead`: the token is newer than the row, because the database lost writes.
    Rotate {
        /// To be recorded in the audit, and alerted.
        ahead: bool,
    },
    /// The newest token again, while the answers that brought it may be under way still: the same refresh token, a new access
    /// token. Nothing changes.
    Same,
    /// The previous token inside the grace window: its successor, the newest, once more. Nothing changes.
    Successor,
    /// The previous token outside the window, and nobody has proved to hold its successor: the reply was lost. The successor
    /// once more; one of the allowance is used and the window opens again, so that simultaneous retries cost one.
    Reissue,
    /// A token was used again: somebody else may hold it. The session ends.
    Reuse,
    /// Nothing changes.
    Refuse(Refusal),
}

/// Why a session can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The idle or the absolute expiry has passed, of the token or of the session.
    Expired,
    /// The session was ended, or its user is disabled, or all sessions of its age were revoked.
    Ended(EndReason),
    /// The session is bound to a device, and nothing fresh proves that this is it.
    DeviceProof,
    /// The session was to be bound to a device by now, and is not.
    Unbound,
}

impl Session {
    /// Decides. `user_is_active`: of the session's user, read under the same lock.
    #[must_use]
    pub fn judge(&self, user_is_active: bool, presented: Presented, policy: &Policy, now: Timestamp) -> Verdict {
        let stale = now >= presented.expires;
        // First: an old leak must not be usable to log people out.
        if stale && presented.by == Means::Token {
            return Verdict::Refuse(Refusal::Expired);
        }
        if let Some(refusal) = self.refusal(user_is_active, policy, now) {
            return Verdict::Refuse(refusal);
        }
        let is_bound = self.binding.is_some();
        if is_bound != (presented.by == Means::Proof) || stale {
            return Verdict::Refuse(Refusal::DeviceProof);
        }
        let inside = self.is_inside_window(policy, now);
        if presented.generation > self.generation {
            Verdict::Rotate { ahead: true }
        } else if presented.generation == self.generation {
            let settled = policy.grace.is_zero() || now >= self.settled_at(policy);
            if self.generation == 1 || settled { Verdict::Rotate { ahead: false } } else { Verdict::Same }
        } else if presented.generation.checked_add(1) == Some(self.generation) && inside {
            Verdict::Successor
        } else if is_bound {
            // Only the device can have signed it: there is nobody to be afraid of. It is asked to sign again.
            Verdict::Refuse(Refusal::DeviceProof)
        } else if presented.generation.checked_add(1) != Some(self.generation) {
            Verdict::Reuse
        } else if self.confirmed_generation < self.generation && self.allowance_left(policy, now) {
            Verdict::Reissue
        } else {
            Verdict::Reuse
        }
    }

    /// The row after a verdict that isn't the end of the session. Verdicts that change nothing leave it as it is.
    pub fn apply(&mut self, verdict: &Verdict, presented: Presented, policy: &Policy, now: Timestamp) {
        match verdict {
            Verdict::Rotate { .. } => {
                self.confirmed_generation = presented.generation;
                self.generation = presented.generation.saturating_add(1);
                self.rotated_at = now;
                // A clock that stepped back takes nothing from anybody.
                self.last_used_at = self.last_used_at.max(now);
                self.idle_expires_at = (self.last_used_at + policy.idle_ttl).min(self.expires_at);
            }
            Verdict::Reissue => {
                self.lost_replies = self.lost_replies_lately(now).saturating_add(1);
                self.lost_replies_total = self.lost_replies_total.saturating_add(1);
                self.lost_reply_at = Some(now);
                self.rotated_at = now;
            }
            Verdict::Same | Verdict::Successor | Verdict::Reuse | Verdict::Refuse(_) => {}
        }
    }

    /// Whether a request that carries this generation's refresh cookie proves that the client has kept it.
    #[must_use]
    pub fn is_confirmed_by(&self, generation: Generation, policy: &Policy, now: Timestamp) -> bool {
        generation == self.generation && self.confirmed_generation < generation && now >= self.settled_at(policy)
    }

    /// From when on an honest client does not come with the token before the newest one, except after a lost reply. Until the
    /// window closes the newest may be handed out for it; what was sent with it may be under way for another window; and for as
    /// long a killed browser may come back with it. Where sessions live for minutes, half their idle time must do: who uses a
    /// session keeps it.
    fn settled_at(&self, policy: &Policy) -> Timestamp {
        let span = policy.grace + policy.grace.max(DISK_DELAY);
        self.rotated_at + span.min(policy.idle_ttl / 2)
    }

    /// A clock that stepped back counts as inside; a window of zero is never inside.
    fn is_inside_window(&self, policy: &Policy, now: Timestamp) -> bool {
        !policy.grace.is_zero() && now < self.rotated_at + policy.grace
    }

    fn allowance_left(&self, policy: &Policy, now: Timestamp) -> bool {
        self.lost_replies_lately(now) < policy.lost_replies_per_day && self.lost_replies_total < LIFETIME_LOST_REPLIES
    }

    fn lost_replies_lately(&self, now: Timestamp) -> u32 {
        match self.lost_reply_at {
            Some(last) if now < last + ALLOWANCE_SPAN => self.lost_replies,
            _ => 0,
        }
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
pub(super) mod tests;
