//! What sessions that are bound to a device stand on: challenges, and whether binding is offered.

use std::time::Duration;

use crate::domain::session::{BindingName, Challenge, ChallengeFor, Generation, Session, SessionId};
use crate::domain::timestamp::Timestamp;
use crate::platform::device_proof::DeviceProofs;
use crate::service::App;

/// A browser registers some 10 ms after the login's answer.
const REGISTRATION_LIFE: Duration = Duration::from_mins(1);

/// How much longer than an access token its session's next challenge can be signed.
const CHALLENGE_SPARE: Duration = Duration::from_mins(5);

/// What the binding of sessions stands on.
pub struct DeviceBinding {
    /// Challenges, and what was signed.
    pub proofs: DeviceProofs,
    /// Whether it is offered: `DEVICE_BOUND_SESSIONS`. What is bound stays so in any case.
    pub offered: bool,
}

/// What the device of a bound session may sign next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextChallenge {
    /// Of which session.
    pub name: BindingName,
    /// To be signed as it is.
    pub challenge: String,
}

/// The challenge by which a session that has just begun can be bound.
pub(super) fn registration(app: &App, id: SessionId, now: Timestamp) -> String {
    let purpose = ChallengeFor::Registration(id);
    app.session.device.proofs.write(&Challenge { purpose, generation: 1, expires: now + REGISTRATION_LIFE })
}

/// The next challenge of a session. None: it is not bound.
#[must_use]
pub fn next_challenge(app: &App, session: &Session, now: Timestamp) -> Option<NextChallenge> {
    session.binding.as_ref().map(|binding| challenge(app, binding.name, session.generation, now))
}

/// A challenge of the bound session of this name. Generation 0: its row was not looked at.
pub(super) fn challenge(app: &App, name: BindingName, generation: Generation, now: Timestamp) -> NextChallenge {
    let expires = now + app.session.policy.bound_ttl() + CHALLENGE_SPARE;
    let challenge = Challenge { purpose: ChallengeFor::Refresh(name), generation, expires };
    NextChallenge { name, challenge: app.session.device.proofs.write(&challenge) }
}
