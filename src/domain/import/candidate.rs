//! A row as the account that it is to be.

use std::collections::BTreeMap;

use serde_json::Value;

use super::column::{Column, Field, Record};
use super::preset::{HashForm, Preset};
use super::value::{confirmed, is_on, moment, text};
use crate::domain::account::{Email, ExternalId, FullName, UserId};
use crate::domain::password::{NotTaken, Stored, Wrapping, firebase, keycloak, recognise};
use crate::domain::timestamp::Timestamp;

/// How the rows of a source are read.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Where each value stands.
    pub columns: BTreeMap<Field, Column>,
    /// How a hash is written.
    pub hash: HashForm,
    /// What a bcrypt without a mark is of.
    pub bare: Wrapping,
    /// Stands before ids that are not the whole of the id: what the application beside knows.
    pub id_prefix: &'static str,
    /// Whether superusers stay such.
    pub superusers: bool,
    /// Firebase's: scrypt's N is 2^this, and its block size.
    pub firebase: Option<(u8, u32)>,
}

/// How a source names a row: its id, else its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey(pub String);

/// Whether it was shown, in the source, that the person reads the mail of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It was not, or the source does not tell.
    No,
    /// It does not tell when.
    Yes,
    /// Then.
    At(Timestamp),
}

/// A row that is in order.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// How the source names it.
    pub key: SourceKey,
    /// Where it names it by a number.
    pub id: Option<UserId>,
    /// Where it names it by something else.
    pub external_id: Option<ExternalId>,
    /// In canonical form.
    pub email: Email,
    /// Whether the address is theirs.
    pub confirmed: Confirmed,
    /// Without what a name can't have.
    pub full_name: Option<FullName>,
    /// What stands in the place of a password.
    pub stored: Stored,
    /// Why that is nothing, though the source has something.
    pub not_taken: Option<NotTaken>,
    /// Whether the person may log in.
    pub is_active: bool,
    /// Whether the application gives the person all rights.
    pub is_superuser: bool,
    /// When the account was made; none where the source does not tell.
    pub created_at: Option<Timestamp>,
    /// The last login.
    pub last_login: Option<Timestamp>,
}

/// Why a row is no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowError {
    /// There is none.
    NoEmail,
    /// The address is not one that an account can have.
    Email,
    /// There is none, where other rows have one.
    NoId,
    /// Less than 1, or more than a number of JavaScript can be.
    IdOutOfRange,
    /// Longer than 255 characters, or with control characters.
    ExternalId,
}

impl RowError {
    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NoEmail => "there is no email address",
            Self::Email => "this is not an email address that an account can have",
            Self::NoId => "there is no id",
            Self::IdOutOfRange => "the id is not a number from 1 to 2^53 - 1",
            Self::ExternalId => "the id has more than 255 characters, or control characters",
        }
    }
}

impl Mapping {
    /// That of a preset, with some columns elsewhere.
    ///
    /// # Errors
    /// The preset's name, when what a bare bcrypt is of must be told and is not.
    pub fn of(preset: &Preset, elsewhere: &[(Field, Column)], bare: Option<Wrapping>) -> Result<Self, &'static str> {
        let mut columns = preset.columns();
        columns.extend(elsewhere.iter().cloned());
        Ok(Self {
            columns,
            hash: preset.hash,
            bare: bare.or(preset.bare).ok_or(preset.name)?,
            id_prefix: preset.id_prefix,
            superusers: false,
            firebase: None,
        })
    }

    /// The value of a field. None: null, or not there.
    fn value(&self, field: Field, record: &Record) -> Option<Value> {
        self.columns.get(&field)?.of(record)
    }

    fn text(&self, field: Field, record: &Record) -> Option<String> {
        text(&self.value(field, record)?)
    }

    fn moment(&self, field: Field, record: &Record) -> Option<Timestamp> {
        moment(&self.value(field, record)?)
    }

    /// Of a switch that is not told: `default`.
    fn switch(&self, field: Field, record: &Record, default: bool) -> bool {
        let Some(column) = self.columns.get(&field) else { return default };
        match column.of(record) {
            Some(value) => is_on(&value) != column.is_negated(),
            None if column.is_negated() => true,
            None => default,
        }
    }

    fn confirmed(&self, record: &Record) -> Confirmed {
        let Some(column) = self.columns.get(&Field::EmailVerified) else { return Confirmed::No };
        match column.of(record) {
            Some(value) if column.is_negated() => {
                if is_on(&value) {
                    Confirmed::No
                } else {
                    Confirmed::Yes
                }
            }
            Some(value) => confirmed(&value),
            None if column.is_negated() && column.is_in(record) => Confirmed::Yes,
            None => Confirmed::No,
        }
    }

    /// The id as the source has it.
    #[must_use]
    pub fn id(&self, record: &Record) -> Option<String> {
        self.text(Field::Id, record)
    }

    /// Reads a row. `numbered`: whether the ids of the source are numbers, and kept.
    ///
    /// # Errors
    /// When it is no account. The address, where there is something, is for the report.
    pub fn read(&self, record: &Record, numbered: bool) -> Result<Candidate, (Option<String>, RowError)> {
        let given = self.text(Field::Email, record).ok_or((None, RowError::NoEmail))?;
        let email = Email::parse(&given).map_err(|_| (Some(shown(&given)), RowError::Email))?;
        let refused = |error| (Some(email.as_str().to_owned()), error);
        let (mut id, mut external_id) = (None, None);
        let key = match self.id(record) {
            Some(text) if numbered => {
                id = Some(number(&text).ok_or_else(|| refused(RowError::IdOutOfRange))?);
                text
            }
            Some(text) => {
                let prefix = if text.contains('|') { "" } else { self.id_prefix };
                let text = format!("{prefix}{text}");
                external_id = Some(ExternalId::parse(&text).ok_or_else(|| refused(RowError::ExternalId))?);
                text
            }
            None if self.has_ids(record) => return Err(refused(RowError::NoId)),
            None => email.as_str().to_owned(),
        };
        let (stored, not_taken) = match self.hash(record) {
            Ok(stored) => (stored, None),
            Err(reason) => (Stored::Nothing, Some(reason)),
        };
        Ok(Candidate {
            key: SourceKey(key),
            id,
            external_id,
            confirmed: self.confirmed(record),
            full_name: self.text(Field::FullName, record).and_then(|text| name(&text)),
            stored,
            not_taken,
            is_active: self.switch(Field::IsActive, record, true),
            is_superuser: self.superusers && self.switch(Field::IsSuperuser, record, false),
            created_at: self.moment(Field::CreatedAt, record),
            last_login: self.moment(Field::LastLogin, record),
            email,
        })
    }

    fn has_ids(&self, record: &Record) -> bool {
        self.columns.get(&Field::Id).is_some_and(|column| column.is_in(record))
    }

    /// What the source has of a password, read.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn hash(&self, record: &Record) -> Result<Stored, NotTaken> {
        self.hash_as(record, self.bare)
    }

    /// As [`Mapping::hash`], with a bare bcrypt taken for something else.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn hash_as(&self, record: &Record, bare: Wrapping) -> Result<Stored, NotTaken> {
        let field = |field| self.text(field, record);
        match self.hash {
            HashForm::Text => field(Field::Hash).map_or(Ok(Stored::Nothing), |text| recognise(&text, bare)),
            HashForm::Firebase => {
                let Some((hash, salt)) = field(Field::Hash).zip(field(Field::Salt)) else { return Ok(Stored::Nothing) };
                let (log_n, r) = self.firebase.ok_or(NotTaken("IMPORT_FIREBASE is not set"))?;
                firebase(&hash, &salt, log_n, r)
            }
            HashForm::Keycloak => {
                let fields = field(Field::CredentialData).zip(field(Field::SecretData));
                fields.map_or(Ok(Stored::Nothing), |(parameters, secret)| from_keycloak(&parameters, &secret))
            }
        }
    }
}

fn from_keycloak(parameters: &str, secret: &str) -> Result<Stored, NotTaken> {
    let read = || {
        let (parameters, secret): (Value, Value) =
            (serde_json::from_str(parameters).ok()?, serde_json::from_str(secret).ok()?);
        let algorithm = parameters["algorithm"].as_str()?.to_owned();
        let iterations = u32::try_from(parameters["hashIterations"].as_i64()?).ok()?;
        let additional = |name: &str| parameters["additionalParameters"][name][0].as_str();
        let number = |name: &str| additional(name)?.parse::<u32>().ok();
        // The other kinds of Argon2 are told apart by these, and not taken.
        let plain = [("type", "id"), ("version", "1.3")]
            .iter()
            .all(|(name, taken)| algorithm != "argon2" || additional(name).is_none_or(|value| value == *taken));
        let argon2 = (number("memory").unwrap_or(0), number("parallelism").unwrap_or(0));
        let (salt, value) = (secret["salt"].as_str()?.to_owned(), secret["value"].as_str()?.to_owned());
        plain.then_some((algorithm, iterations, argon2, salt, value))
    };
    let (algorithm, iterations, argon2, salt, value) = read().ok_or(NotTaken("damaged, or of no known form"))?;
    keycloak(&algorithm, iterations, argon2, &salt, &value)
}

/// The largest number that is the same in JavaScript.
const MAX_ID: i64 = 9_007_199_254_740_991;

fn number(text: &str) -> Option<UserId> {
    text.parse().ok().filter(|id| (1..=MAX_ID).contains(id)).map(UserId)
}

/// Without control characters, and cut.
fn name(text: &str) -> Option<FullName> {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(FullName::MAX_CHARS).collect();
    FullName::parse(&clean).ok().flatten()
}

/// What was given in place of an address, for a line of the report.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
#[path = "candidate_tests.rs"]
mod tests;
