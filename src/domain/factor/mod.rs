//! More than a password: what an account has, what was proved of it, and what is still wanted.
//!
//! `docs/design/factors.md` says why each rule is as it is.

mod answer;
mod ceremony;
mod decide;
mod first;
mod passkey;
mod recent;
mod recovery;
mod ticket;
mod totp;
mod wait;

pub use answer::{Assertion, Attestation};
pub use ceremony::{Ceremony, CeremonyFor};
pub use decide::{Decision, Enrolled, Method, Proof, Requirement, SignedIn, decide};
pub use first::EnrolmentCode;
pub use passkey::{Credential, CredentialId, MAX_PASSKEYS, Passkey, PasskeyId, PasskeyName, UserHandle, has_gone_back};
pub use recent::RecentProof;
pub use recovery::{RECOVERY_CODES, RecoveryCode};
pub use ticket::{Ticket, TicketFor};
pub use totp::{Code, DIGITS, PERIOD, SecretKey, Step, Steps, steps, uri};
pub use wait::Recovery;
