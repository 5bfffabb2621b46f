//! What is said of factors: bodies and answers.

use poem_openapi::Object;
use poem_openapi::types::{Example, Password as PasswordText};

use crate::api::body::{Body, Fields};
use crate::api::types::{Moment, SESSION_ID};
use crate::domain::factor::{Code, EnrolmentCode, RecoveryCode};
use crate::domain::timestamp::Timestamp;
use crate::service::App;
use crate::service::factor::{self, Confirmation, FactorOf, Listed, PasskeyOf};

/// What an account has beside its password.
#[derive(Debug, Object)]
#[oai(example)]
pub struct FactorList {
    /// Its authenticator app; null where it has none.
    totp: Option<TotpFactor>,
    /// Its recovery codes; null where it has none.
    recovery_codes: Option<RecoveryCodesLeft>,
    /// Its passkeys, the oldest first.
    passkeys: Vec<PasskeyFactor>,
}

/// A passkey.
#[derive(Debug, Object)]
pub(super) struct PasskeyFactor {
    /// Identifies it here: 22 characters. Not the id that authenticators know it by.
    id: String,
    /// What the person calls it.
    name: String,
    /// Whether it may be copied to other devices of the person, such as by a password manager.
    synced: bool,
    /// When it was added.
    since: Moment,
    /// When it was used last; null: never.
    last_used_at: Option<Moment>,
}

impl From<PasskeyOf> for PasskeyFactor {
    fn from(passkey: PasskeyOf) -> Self {
        Self {
            id: passkey.id.to_string(),
            name: passkey.name.as_str().to_owned(),
            synced: passkey.is_synced,
            since: Moment(passkey.since),
            last_used_at: passkey.last_used_at.map(Moment),
        }
    }
}

impl PasskeyFactor {
    /// For the spec.
    pub(super) fn example_at(since: Timestamp) -> Self {
        Self {
            id: SESSION_ID.into(),
            name: "My phone".into(),
            synced: true,
            since: Moment(since),
            last_used_at: Some(Moment(since)),
        }
    }
}

/// An authenticator app.
#[derive(Debug, Object)]
pub(super) struct TotpFactor {
    /// When it was set up.
    since: Moment,
    /// When a code of it was used last.
    last_used_at: Moment,
}

/// The recovery codes of an account.
#[derive(Debug, Object)]
pub(super) struct RecoveryCodesLeft {
    /// When they were made.
    made_at: Moment,
    /// How many of them are good still.
    left: u32,
}

impl From<Listed> for FactorList {
    fn from(listed: Listed) -> Self {
        let totp =
            |FactorOf { since, last_used_at }| TotpFactor { since: Moment(since), last_used_at: Moment(last_used_at) };
        let codes = |(made_at, left)| RecoveryCodesLeft { made_at: Moment(made_at), left };
        Self {
            totp: listed.totp.map(totp),
            recovery_codes: listed.recovery_codes.map(codes),
            passkeys: listed.passkeys.into_iter().map(PasskeyFactor::from).collect(),
        }
    }
}

impl Example for FactorList {
    fn example() -> Self {
        let since = Timestamp::from_seconds(1_767_052_800);
        let totp = Some(FactorOf { since, last_used_at: since });
        let listed = Self::from(Listed { totp, recovery_codes: Some((since, 10)), passkeys: Vec::new() });
        Self { passkeys: vec![PasskeyFactor::example_at(since)], ..listed }
    }
}

/// What an authenticator app needs. It is shown once.
#[derive(Debug, Object)]
#[oai(example)]
pub(in crate::api) struct TotpEnrolment {
    /// The address that the symbol says; a link to it opens the app on a phone.
    otpauth_url: String,
    /// The secret, to be typed into an app that reads no symbol.
    secret: String,
    /// The symbol: a `data:` address of an SVG image, for the `src` of an `img` of 200 pixels or more. Dark on light in every theme.
    qr_code: String,
    /// Whether it is confirmed by an enrolment code too, being the account's first factor: the one that was mailed just now to the
    /// address of the account, or, where no mail is sent, the one that an operator has given.
    wants_enrolment_code: bool,
}

impl From<factor::Enrolment> for TotpEnrolment {
    fn from(enrolment: factor::Enrolment) -> Self {
        Self {
            otpauth_url: enrolment.uri,
            secret: enrolment.secret,
            qr_code: enrolment.qr_code,
            wants_enrolment_code: enrolment.wants_code,
        }
    }
}

impl Example for TotpEnrolment {
    fn example() -> Self {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        Self {
            otpauth_url: format!("otpauth://totp/Doorward:user%40example.com?secret={secret}&issuer=Doorward"),
            secret: secret.into(),
            qr_code: "data:image/svg+xml;base64,PHN2Zy8+".into(),
            wants_enrolment_code: true,
        }
    }
}

/// A code of the app.
#[derive(Object)]
#[oai(example)]
pub(in crate::api) struct TotpCode {
    /// Six digits, as the app shows them. Spaces are nothing.
    code: PasswordText,
    /// Where `wants_enrolment_code` is true: the code that was mailed, or that an operator has given. Spaces, hyphens and capitals are
    /// nothing.
    enrolment_code: Option<PasswordText>,
}

impl Example for TotpCode {
    fn example() -> Self {
        Self { code: PasswordText("287082".into()), enrolment_code: Some(PasswordText("7k3m-p2xd".into())) }
    }
}

impl Body for TotpCode {
    type Value = Confirmation;

    fn read(fields: &mut Fields, _: &App) -> Option<Confirmation> {
        let (code, enrolment_code) = (fields.required::<String>("code"), fields.optional::<String>("enrolment_code"));
        let enrolment_code = enrolment_code?.map(|text| EnrolmentCode::parse(&text));
        Some(Confirmation { code: Code::parse(&code?), enrolment_code })
    }
}

/// What came with the app.
#[derive(Debug, Object)]
#[oai(example)]
pub(in crate::api) struct ConfirmedFactor {
    /// The recovery codes, with the account's first factor; null where it had one, and keeps its codes.
    pub(in crate::api) recovery_codes: Option<Vec<String>>,
}

impl Example for ConfirmedFactor {
    fn example() -> Self {
        Self { recovery_codes: Some(vec!["0rgv-7n3k-p2xd-8c5q".into()]) }
    }
}

/// Recovery codes. They are shown once.
#[derive(Debug, Object)]
#[oai(example)]
pub(in crate::api) struct RecoveryCodes {
    /// Each good once.
    pub(super) recovery_codes: Vec<String>,
}

impl Example for RecoveryCodes {
    fn example() -> Self {
        Self { recovery_codes: vec!["0rgv-7n3k-p2xd-8c5q".into()] }
    }
}

/// As they are shown.
pub(in crate::api) fn revealed(codes: &[RecoveryCode]) -> Vec<String> {
    codes.iter().map(RecoveryCode::reveal).collect()
}
