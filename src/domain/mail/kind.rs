//! The kinds of mails, as one closed table.

use std::time::Duration;

/// What a mail is about. The words are names of templates, and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody asked for a new password: the link sets one.
    Reset,
    /// The password was changed by somebody who knew it.
    PasswordChanged,
    /// The password was set by a reset link, or by an operator.
    PasswordReset,
    /// Somebody logged in with a browser that has not been there before.
    NewDevice,
    /// A session was ended because its refresh token was used twice.
    SessionReuse,
    /// The account was erased.
    AccountDeleted,
    /// The account will be erased, unless whoever had its address before takes it back.
    DeletionPlanned,
    /// The link confirms the address of an account.
    Verify,
    /// The link makes an account.
    Registration,
    /// Somebody wanted to have this address, which an account has.
    AddressTaken,
    /// Somebody asked for a new password with an address that an account has left.
    AddressLeft,
    /// The link gives an account this address.
    EmailChange,
    /// Somebody asked for another address: told at the one that is.
    EmailChanging,
    /// The account has another address: told at the one that was. The link takes it back.
    EmailChanged,
    /// The code without which an account gets no first factor.
    EnrolmentCode,
    /// The account has a factor beside its password.
    FactorAdded,
    /// It has one no more.
    FactorRemoved,
    /// Somebody who knows the password has lost their factors: the link begins the wait for their removal.
    FactorRecovery,
    /// The wait goes on. The link stops it.
    FactorRecoveryStarted,
    /// The wait is over. The link removes the factors.
    FactorRecoveryReady,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// There are new recovery codes.
    RecoveryCodesMade,
    /// A wrong code was given after the right password.
    WrongCode,
    /// Nothing: an operator looks whether mail arrives.
    Test,
}

/// What the token of a link is good for. The words are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Sets a new password.
    Reset,
    /// Says that what a notice tells of was somebody else.
    NotMe,
    /// Confirms an address.
    Verify,
    /// Makes an account.
    Register,
    /// Gives an account another address.
    EmailChange,
    /// Gives it back the one that it had.
    WayBack,
    /// Lets an account have its first factor. It is mailed as a code to be typed in, and leads nowhere.
    Enrol,
    /// Begins the wait for the removal of factors.
    RecoveryStart,
    /// Stops it.
    RecoveryCancel,
    /// Removes them.
    RecoveryFinish,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Reset,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::NewDevice,
        Self::SessionReuse,
        Self::AccountDeleted,
        Self::DeletionPlanned,
        Self::Verify,
        Self::Registration,
        Self::AddressTaken,
        Self::AddressLeft,
        Self::EmailChange,
        Self::EmailChanging,
        Self::EmailChanged,
        Self::EnrolmentCode,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::FactorRecovery,
        Self::FactorRecoveryStarted,
        Self::FactorRecoveryReady,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesMade,
        Self::WrongCode,
        Self::Test,
    ];

    /// The stored form, and the template's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::NewDevice => "new_device",
            Self::SessionReuse => "session_reuse",
            Self::AccountDeleted => "account_deleted",
            Self::DeletionPlanned => "deletion_planned",
            Self::Verify => "verify",
            Self::Registration => "registration",
            Self::AddressTaken => "address_taken",
            Self::AddressLeft => "address_left",
            Self::EmailChange => "email_change",
            Self::EmailChanging => "email_changing",
            Self::EmailChanged => "email_changed",
            Self::EnrolmentCode => "enrolment_code",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::FactorRecovery => "factor_recovery",
            Self::FactorRecoveryStarted => "factor_recovery_started",
            Self::FactorRecoveryReady => "factor_recovery_ready",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::WrongCode => "wrong_code",
            Self::Test => "test",
        }
    }

    /// Reads the stored form. None: another version of Doorward knows this word.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What its link is good for, where it may have one.
    #[must_use]
    pub const fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Reset => Some(Purpose::Reset),
            Self::PasswordChanged
            | Self::PasswordReset
            | Self::NewDevice
            | Self::SessionReuse
            | Self::EmailChanging
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::RecoveryCodeUsed
            | Self::RecoveryCodesMade
            | Self::WrongCode => Some(Purpose::NotMe),
            Self::Verify => Some(Purpose::Verify),
            Self::Registration => Some(Purpose::Register),
            Self::EmailChange => Some(Purpose::EmailChange),
            Self::EmailChanged => Some(Purpose::WayBack),
            Self::EnrolmentCode => Some(Purpose::Enrol),
            Self::FactorRecovery => Some(Purpose::RecoveryStart),
            Self::FactorRecoveryStarted => Some(Purpose::RecoveryCancel),
            Self::FactorRecoveryReady => Some(Purpose::RecoveryFinish),
            Self::AccountDeleted | Self::DeletionPlanned | Self::AddressTaken | Self::AddressLeft | Self::Test => None,
        }
    }

    /// Whether the mail is nothing without its link, or its code.
    #[must_use]
    pub const fn needs_link(self) -> bool {
        matches!(
            self,
            Self::Reset
                | Self::Verify
                | Self::Registration
                | Self::EmailChange
                | Self::EnrolmentCode
                | Self::FactorRecovery
                | Self::FactorRecoveryStarted
                | Self::FactorRecoveryReady
        )
    }

    /// Whether its link dies when the account has another address.
    #[must_use]
    pub const fn dies_with_address(self) -> bool {
        matches!(self, Self::Reset | Self::FactorRecovery | Self::FactorRecoveryReady)
    }

    /// Whether its link dies when the account has another password.
    #[must_use]
    pub const fn dies_with_password(self) -> bool {
        matches!(self, Self::Reset | Self::EmailChange | Self::FactorRecovery | Self::FactorRecoveryReady)
    }

    /// How many notices of this kind a person gets in a day. None: as many as there are, but those of one hour are one.
    #[must_use]
    pub const fn notices_a_day(self) -> Option<u32> {
        match self {
            Self::NewDevice | Self::SessionReuse | Self::RecoveryCodeUsed => Some(5),
            Self::WrongCode => Some(1),
            // What changes a factor is told each time: the one that follows within the hour may be a thief's. Nobody makes more of them.
            Self::FactorAdded
            | Self::FactorRemoved
            | Self::RecoveryCodesMade
            | Self::FactorRecoveryStarted
            | Self::FactorRecoveryReady => Some(20),
            _ => None,
        }
    }
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Reset,
        Self::NotMe,
        Self::Verify,
        Self::Register,
        Self::EmailChange,
        Self::WayBack,
        Self::Enrol,
        Self::RecoveryStart,
        Self::RecoveryCancel,
        Self::RecoveryFinish,
    ];

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::NotMe => "not_me",
            Self::Verify => "verify",
            Self::Register => "register",
            Self::EmailChange => "email_change",
            Self::WayBack => "way_back",
            Self::Enrol => "enrol",
            Self::RecoveryStart => "recovery_start",
            Self::RecoveryCancel => "recovery_cancel",
            Self::RecoveryFinish => "recovery_finish",
        }
    }

    /// Whether its tokens are mailed as codes to be typed in, and not as links.
    #[must_use]
    pub const fn is_code(self) -> bool {
        matches!(self, Self::Enrol)
    }

    /// How long its tokens are good, from what they are about.
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Reset => Duration::from_mins(30),
            Self::Enrol | Self::RecoveryStart => Duration::from_hours(1),
            Self::Verify | Self::Register | Self::EmailChange | Self::RecoveryFinish => Duration::from_hours(24),
            Self::NotMe | Self::WayBack | Self::RecoveryCancel => Duration::from_hours(7 * 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_and_purpose_has_a_word_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::read(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::read("Reset"), None);
        let purposes: HashSet<_> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
        assert_eq!(purposes.len(), Purpose::ALL.len());
    }
}
