//! What the audit keeps.

mod actor;

pub use actor::Actor;

use std::net::IpAddr;

use super::account::UserId;
use super::session::SessionId;
use super::timestamp::Timestamp;

/// What happened. A new one is a decision, and who reads the audit can rely on the list; but another version of Doorward on the same
/// database may have a longer one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An account was made.
    Registered,
    /// Somebody logged in; the session is the new one.
    LoginSucceeded,
    /// A login was refused after its password was looked at.
    LoginFailed,
    /// A wrong password was given in a session, for something that asks for it again.
    ReauthenticationFailed,
    /// A session ended because its owner said so.
    LoggedOut,
    /// A session ended for any other reason; the detail is the reason.
    SessionEnded,
    /// The previous refresh token came again within the grace window.
    RefreshReplayed,
    /// A lost reply was forgiven: the newest refresh token was given out again.
    RefreshReissued,
    /// A refresh token was used again by somebody who may be a thief: the session ended.
    RefreshReused,
    /// A refresh token was newer than the row: the database has lost writes.
    GenerationAhead,
    /// The session was bound to a device.
    DeviceBound,
    /// A refresh token of a session that is bound to a device came without a proof of that device: somebody may have copied it.
    DeviceProofMissing,
    /// The password was changed or reset.
    PasswordChanged,
    /// An operator disabled the account.
    UserDisabled,
    /// An operator enabled the account.
    UserEnabled,
    /// An operator forgave the failures that were counted against the account.
    UserUnblocked,
    /// The account was erased.
    UserDeleted,
    /// An operator made the account a superuser.
    SuperuserMade,
    /// Somebody asked for a link that resets the password, or an operator made one.
    ResetRequested,
    /// The person changed their name.
    ProfileChanged,
    /// Everything stored about the person was handed out.
    DataExported,
    /// Somebody who got a notice says that it was not them: all sessions ended.
    NotMe,
    /// The person has shown that they read the mail of their address, or an operator says so.
    EmailVerified,
    /// The person asked for another address.
    EmailChangeAsked,
    /// The account has another address.
    EmailChanged,
    /// The reader of the address that the account had has taken it back.
    EmailRestored,
    /// The person deleted the account, which is kept while it may be taken back.
    DeletionPlanned,
    /// A wrong code was given, after a right password or in a session.
    SecondFactorFailed,
    /// The person has proved once more, in a session, who they are; the detail is by what beside the password.
    Reauthenticated,
    /// The account has a factor beside its password; the detail is which.
    FactorAdded,
    /// It has it no more; the detail is which.
    FactorRemoved,
    /// The wait for the removal of lost factors began.
    FactorRecoveryStarted,
    /// It was stopped: by a link, or by somebody who has a factor.
    FactorRecoveryCancelled,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// The account has new recovery codes, and none of the old ones is good.
    RecoveryCodesMade,
    /// A passkey counts as if it had been used before: somebody may have a copy of it.
    PasskeyCounterBack,
    /// Another version of Doorward wrote down what this one has no word for.
    Other(String),
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub record: Record,
}

impl Event {
    /// All that this version knows.
    pub const ALL: [Self; 36] = [
        Self::Registered,
        Self::LoginSucceeded,
        Self::LoginFailed,
        Self::ReauthenticationFailed,
        Self::LoggedOut,
        Self::SessionEnded,
        Self::RefreshReplayed,
        Self::RefreshReissued,
        Self::RefreshReused,
        Self::GenerationAhead,
        Self::DeviceBound,
        Self::DeviceProofMissing,
        Self::PasswordChanged,
        Self::UserDisabled,
        Self::UserEnabled,
        Self::UserUnblocked,
        Self::UserDeleted,
        Self::SuperuserMade,
        Self::ResetRequested,
        Self::ProfileChanged,
        Self::DataExported,
        Self::NotMe,
        Self::EmailVerified,
        Self::EmailChangeAsked,
        Self::EmailChanged,
        Self::EmailRestored,
        Self::DeletionPlanned,
        Self::SecondFactorFailed,
        Self::Reauthenticated,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::FactorRecoveryStarted,
        Self::FactorRecoveryCancelled,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesMade,
        Self::PasskeyCounterBack,
    ];

    /// The stored form.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match self {
            Self::Registered => "registered",
            Self::LoginSucceeded => "login_succeeded",
            Self::LoginFailed => "login_failed",
            Self::ReauthenticationFailed => "reauthentication_failed",
            Self::LoggedOut => "logged_out",
            Self::SessionEnded => "session_ended",
            Self::RefreshReplayed => "refresh_replayed",
            Self::RefreshReissued => "refresh_reissued",
            Self::RefreshReused => "refresh_reused",
            Self::GenerationAhead => "generation_ahead",
            Self::DeviceBound => "device_bound",
            Self::DeviceProofMissing => "device_proof_missing",
            Self::PasswordChanged => "password_changed",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::UserUnblocked => "user_unblocked",
            Self::UserDeleted => "user_deleted",
            Self::SuperuserMade => "superuser_made",
            Self::ResetRequested => "reset_requested",
            Self::ProfileChanged => "profile_changed",
            Self::DataExported => "data_exported",
            Self::NotMe => "not_me",
            Self::EmailVerified => "email_verified",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::EmailRestored => "email_restored",
            Self::DeletionPlanned => "deletion_planned",
            Self::SecondFactorFailed => "second_factor_failed",
            Self::Reauthenticated => "reauthenticated",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::FactorRecoveryStarted => "factor_recovery_started",
            Self::FactorRecoveryCancelled => "factor_recovery_cancelled",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::PasskeyCounterBack => "passkey_counter_back",
            Self::Other(text) => text.as_str(),
        }
    }

    /// Reads the stored form.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::ALL.into_iter().find(|event| event.as_str() == text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

/// One line of the audit. Never holds an email address, a password or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What happened.
    pub event: Event,
    /// Who did it.
    pub actor: Actor,
    /// To whom; none when nobody is known by the name that was given.
    pub user_id: Option<UserId>,
    /// To which session.
    pub session_id: Option<SessionId>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// By which client.
    pub user_agent: Option<String>,
    /// More, if there is more to say.
    pub detail: Option<String>,
}

impl Record {
    /// A record of this event, by the person, and nothing more: fill in the rest with `Record { user_id: .., ..Record::of(event) }`.
    #[must_use]
    pub const fn of(event: Event) -> Self {
        Self { event, actor: Actor::Person, user_id: None, session_id: None, ip: None, user_agent: None, detail: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_read_back_from_its_stored_form() {
        for event in Event::ALL {
            assert_eq!(Event::read(event.as_str()), event);
        }
        let unknown = Event::read("Registered");
        assert_eq!((unknown.as_str(), &unknown), ("Registered", &Event::Other("Registered".to_owned())));
    }
}
