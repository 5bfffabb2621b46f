//! What becomes of a row, and the account of all.

use std::collections::BTreeMap;

use crate::domain::password::NotTaken;

use super::RowError;

/// What the database knows of a row's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts")]
pub struct Facts {
    /// An import of this source has taken this row before; its account may have been erased since.
    pub present: bool,
    /// Somebody has the address.
    pub email_taken: bool,
    /// Somebody has left the address not long ago: it is kept for them.
    pub email_left: bool,
    /// Somebody has the id.
    pub id_taken: bool,
    /// Somebody has the external id.
    pub external_id_taken: bool,
}

/// Why a row that is in order makes no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// Another row of the source has an address that is the same here: none of them is taken.
    EmailTwice,
    /// Another row of the source has the same id: none of them is taken.
    IdTwice,
    /// An account that this source did not make has the address.
    EmailTaken,
    /// An account has left the address not long ago, and may take it back.
    EmailLeft,
    /// An account that this source did not make has the id.
    IdTaken,
    /// An account that this source did not make has the external id.
    ExternalIdTaken,
}

impl Clash {
    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::EmailTwice => "another row has an address that is the same here: none of them was taken",
            Self::IdTwice => "another row has the same id: none of them was taken",
            Self::EmailTaken => "an account that was not made by this import has the address",
            Self::EmailLeft => "an account has left the address less than 30 days ago, and it is kept for that one",
            Self::IdTaken => "an account that was not made by this import has the id",
            Self::ExternalIdTaken => "an account that was not made by this import has the external id",
        }
    }
}

/// Whether a row's account is to be made. `Err` is what stands in the way; `Ok(false)`, that it was made before.
///
/// # Errors
/// When somebody else has what the row would need.
pub const fn judge(facts: Facts) -> Result<bool, Clash> {
    match facts {
        Facts { present: true, .. } => Ok(false),
        Facts { email_taken: true, .. } => Err(Clash::EmailTaken),
        Facts { email_left: true, .. } => Err(Clash::EmailLeft),
        Facts { id_taken: true, .. } => Err(Clash::IdTaken),
        Facts { external_id_taken: true, .. } => Err(Clash::ExternalIdTaken),
        _ => Ok(true),
    }
}

/// What became of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It logs in.
    Whole,
    /// The account has none, until a reset, for this reason.
    WithoutPassword(NotTaken),
}

/// What an account was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct With {
    /// What it has in the place of a password, described.
    pub scheme: String,
    /// Whether that shows in the time.
    pub costlier: bool,
    /// Whether its address is confirmed.
    pub confirmed: bool,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its account was made; in a dry run, would be.
    Made(Taken),
    /// It was made by an import of this source before.
    Present,
    /// It is no account.
    Refused(RowError),
    /// It was left.
    Clash(Clash),
}

/// A row that deserves a line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Its number in the source, from 1.
    pub row: u64,
    /// Its address, where it has one.
    pub email: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// The account of all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that were read.
    pub rows: u64,
    /// Accounts that were made, or would be.
    pub made: u64,
    /// Rows of which an account was made before.
    pub present: u64,
    /// Rows that are no account.
    pub refused: u64,
    /// Rows that were left.
    pub clashes: u64,
    /// Accounts that were made and have no password, though the source had something there.
    pub without_password: u64,
    /// Accounts that were made with an address that is confirmed.
    pub confirmed: u64,
    /// What was taken, by scheme and cost.
    pub schemes: BTreeMap<String, u64>,
    /// Accounts that take longer for a wrong password than all others, until they have logged in.
    pub costlier: u64,
    /// The first rows that deserve a line.
    pub lines: Vec<Tally>,
}

impl Report {
    /// How many lines are kept.
    pub const MAX_LINES: usize = 1_000;

    /// Counts a row, and what its account was made with.
    pub fn count(&mut self, row: u64, email: Option<&str>, outcome: Outcome, with: Option<With>) {
        self.rows += 1;
        let deserves_a_line = match outcome {
            Outcome::Made(taken) => {
                self.made += 1;
                if let Some(with) = with {
                    *self.schemes.entry(with.scheme).or_default() += 1;
                    self.costlier += u64::from(with.costlier);
                    self.confirmed += u64::from(with.confirmed);
                }
                let without = matches!(taken, Taken::WithoutPassword(_));
                self.without_password += u64::from(without);
                without
            }
            Outcome::Present => {
                self.present += 1;
                false
            }
            Outcome::Refused(_) => {
                self.refused += 1;
                true
            }
            Outcome::Clash(_) => {
                self.clashes += 1;
                true
            }
        };
        if deserves_a_line && self.lines.len() < Self::MAX_LINES {
            self.lines.push(Tally { row, email: email.map(str::to_owned), outcome });
        }
    }

    /// Whether every row has its account now.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.refused == 0 && self.clashes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_before_is_left_whatever_else_is_taken() {
        let taken =
            Facts { present: true, email_taken: true, email_left: true, id_taken: true, external_id_taken: true };
        assert_eq!(judge(taken), Ok(false));
        assert_eq!(judge(Facts { present: false, ..taken }), Err(Clash::EmailTaken));
        assert_eq!(judge(Facts { email_left: true, ..Facts::default() }), Err(Clash::EmailLeft));
        assert_eq!(judge(Facts { id_taken: true, ..Facts::default() }), Err(Clash::IdTaken));
        assert_eq!(judge(Facts { external_id_taken: true, ..Facts::default() }), Err(Clash::ExternalIdTaken));
        assert_eq!(judge(Facts::default()), Ok(true));
    }

    #[test]
    fn the_lines_are_bounded_and_the_counts_are_not() {
        let mut report = Report::default();
        for row in 0..2_000 {
            report.count(row, None, Outcome::Clash(Clash::EmailTwice), None);
        }
        assert_eq!((report.rows, report.clashes, report.lines.len()), (2_000, 2_000, Report::MAX_LINES));
        assert!(!report.is_whole());
    }
}
