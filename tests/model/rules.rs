//! The service's rule, and deliberately wrong ones beside it. A wrong rule is the real decision with one thing changed, so that
//! what the model finds is owed to that one thing.

use std::time::Duration;

use doorward::domain::session::{Generation, Policy, Presented, Refusal, Session, Verdict};
use doorward::domain::timestamp::Timestamp;

/// Which decision the modelled service makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// [`Session::judge`], [`Session::apply`] and [`Session::is_confirmed_by`], nothing else.
    Real,
    /// Each token once, no window, no allowance: the strict reading of RFC 9700.
    StrictOneTime,
    /// A replay inside the window gets a successor of its own, which lives on beside the first.
    ForkingGrace,
    /// A replay inside the window rotates once more; so does the newest token.
    ReRotatingGrace,
    /// Lost replies are forgiven without a limit.
    UnboundedAllowance,
    /// The newest cookie counts as kept when it is first seen, not a minute later.
    ConfirmationAtOnce,
    /// The newest token rotates as soon as the window has closed, though requests that were sent in it may be under way still.
    RotationAtWindowsEnd,
    /// A minute after the rotation the newest cookie counts as kept, though it may have been handed out later.
    ConfirmationFromRotation,
    /// A forgiven lost reply does not open the window again.
    AllowanceKeepsWindowShut,
    /// A token that is ahead of the row is a forgery.
    AheadIsReuse,
    /// The end of a session is looked at last.
    EndIsForgotten,
    /// Each rotation moves the absolute expiry too.
    SlidingAbsoluteExpiry,
    /// An old token ends the session even when it has expired.
    ExpiredTokenPunished,
    /// A rotation from the future, which a clock that stepped back shows, counts as long ago.
    FutureIsLongAgo,
    /// A reuse is judged, and recorded, again when the session has ended for it.
    ReuseJudgedTwice,
}

impl Rule {
    pub(crate) fn judge(self, session: &Session, presented: Presented, policy: &Policy, now: Timestamp) -> Verdict {
        let real = |session: &Session| session.judge(true, presented, policy, now);
        let unended = || Session { ended: None, ..session.clone() };
        match self {
            Self::StrictOneTime => {
                let policy = Policy { grace: Duration::ZERO, lost_replies_per_day: 0, ..policy.clone() };
                session.judge(true, presented, &policy, now)
            }
            Self::ReRotatingGrace => match real(session) {
                Verdict::Same | Verdict::Successor => Verdict::Rotate { ahead: false },
                verdict => verdict,
            },
            Self::RotationAtWindowsEnd => match real(session) {
                Verdict::Same if now >= session.rotated_at + policy.grace => Verdict::Rotate { ahead: false },
                verdict => verdict,
            },
            Self::UnboundedAllowance => real(&Session { lost_replies: 0, lost_replies_total: 0, ..session.clone() }),
            Self::AheadIsReuse => match real(session) {
                Verdict::Rotate { ahead: true } => Verdict::Reuse,
                verdict => verdict,
            },
            Self::EndIsForgotten => real(&unended()),
            Self::ExpiredTokenPunished => match real(session) {
                Verdict::Refuse(Refusal::Expired) if presented.generation < session.generation => Verdict::Reuse,
                verdict => verdict,
            },
            Self::FutureIsLongAgo if now < session.rotated_at => {
                real(&Session { rotated_at: now - policy.grace, ..session.clone() })
            }
            Self::ReuseJudgedTwice if real(&unended()) == Verdict::Reuse => Verdict::Reuse,
            _ => real(session),
        }
    }

    pub(crate) fn apply(
        self,
        session: &mut Session,
        verdict: &Verdict,
        presented: Presented,
        policy: &Policy,
        now: Timestamp,
    ) {
        let rotated_at = session.rotated_at;
        let presented = match self {
            Self::ReRotatingGrace => {
                Presented { generation: presented.generation.max(session.generation), ..presented }
            }
            _ => presented,
        };
        session.apply(verdict, presented, policy, now);
        match (self, verdict) {
            (Self::AllowanceKeepsWindowShut, Verdict::Reissue) => session.rotated_at = rotated_at,
            (Self::SlidingAbsoluteExpiry, Verdict::Rotate { .. }) => session.expires_at = now + policy.absolute_ttl,
            _ => {}
        }
    }

    /// Whether a request with this generation's cookie is written down as a proof that the client holds it.
    pub(crate) fn is_confirmed_by(
        self,
        session: &Session,
        generation: Generation,
        policy: &Policy,
        now: Timestamp,
    ) -> bool {
        let at_once = || generation == session.generation && session.confirmed_generation < generation;
        session.ended.is_none()
            && match self {
                Self::ConfirmationAtOnce => at_once(),
                Self::ConfirmationFromRotation => session.is_confirmed_by(generation, policy, now + policy.grace),
                _ => session.is_confirmed_by(generation, policy, now),
            }
    }

    pub(crate) fn forks(self, verdict: &Verdict) -> bool {
        self == Self::ForkingGrace && *verdict == Verdict::Successor
    }
}
