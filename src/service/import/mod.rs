//! Taking accounts over from other software.
//!
//! The rows are read twice. The first time tells what kind of ids there are and which rows are in each other's way; the second makes the
//! accounts, some hundred in a transaction. Whoever runs it again goes on where it was ended: rows that were taken are known.

mod check;
mod survey;
mod take;

pub use check::{Checked, check};

use std::sync::Arc;

use survey::{Survey, survey};
use take::{Batch, judge_batch, take_batch};

use super::Failure;
use crate::domain::account::UserId;
use crate::domain::import::{Clash, Confirmed, Mapping, Outcome, Report, Taken, Tally, With};
use crate::domain::password::{Bcrypt, NotTaken, Stored};
use crate::storage::Store;
use crate::storage::import::{Place, SourceError, has_imported, is_empty, open, reserve_ids};

/// What is to be taken over, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the import is called: rows that an import of this name has taken are known by the next.
    pub name: String,
    /// Where the rows are.
    pub place: Place,
    /// In which table of a database: the first that is there.
    pub tables: Vec<String>,
    /// How they are read.
    pub mapping: Mapping,
    /// Ids of accounts that are here already are none of the source's: checked.
    pub ids_disjoint: bool,
    /// Write nothing.
    pub dry_run: bool,
    /// The configured cost: what is costlier shows in the time.
    pub cost: u32,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many rows have been looked at.
    Looked(u64),
    /// So many of all have been gone through.
    Done(u64, u64),
}

/// Why nothing more is taken. What was taken stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The rows have no such column.
    #[error("no row has an email address; the columns are {0}. --column email=.. names another")]
    NoEmails(String),
    /// Numbers would be kept, and people have some already.
    #[error(
        "there are accounts already, and the ids of this source are numbers that are to be kept: whoever registered here may have the number \
         of somebody there. Import into an empty database, or say --ids-disjoint where no id is in both: that is checked"
    )]
    NotEmpty,
    /// It is not as was said.
    #[error("an id of this source belongs to another account here (row {row}): nothing was made")]
    NotDisjoint {
        /// The first such row.
        row: u64,
    },
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<crate::storage::Error> for ImportError {
    fn from(error: crate::storage::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// So many accounts are made in one transaction.
const BATCH: usize = 500;

/// Makes an account of each row that none has been made of yet. `told` hears how far it is.
///
/// # Errors
/// See [`ImportError`].
pub async fn import(
    store: &Store,
    plan: &Plan,
    told: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, ImportError> {
    let survey = survey(plan, told).await?;
    let (first, empty) = {
        let mut tx = store.read().await?;
        (!has_imported(&mut tx, &plan.name).await?, is_empty(&mut tx).await?)
    };
    if survey.numbered && first && !empty {
        if !plan.ids_disjoint {
            return Err(ImportError::NotEmpty);
        }
        let report = go_through(store, plan, &survey, false, told).await?;
        let taken = |line: &&Tally| line.outcome == Outcome::Clash(Clash::IdTaken);
        if let Some(line) = report.lines.iter().find(taken) {
            return Err(ImportError::NotDisjoint { row: line.row });
        }
    }
    if survey.numbered && !plan.dry_run {
        // Before the first is made: whoever registers meanwhile gets a higher one.
        reserve(store, survey.highest).await?;
    }
    go_through(store, plan, &survey, !plan.dry_run, told).await
}

/// Gives no id up to this one to accounts that are made from now on. Returns the highest that is kept free.
///
/// # Errors
/// When the database can't be asked.
pub async fn reserve(store: &Store, up_to: UserId) -> Result<UserId, Failure> {
    Ok(store.write(up_to, |tx, up_to| Box::pin(reserve_ids(tx, *up_to))).await?)
}

async fn go_through(
    store: &Store,
    plan: &Plan,
    survey: &Survey,
    write: bool,
    told: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, ImportError> {
    let mut records = open(&plan.place, &plan.tables).await?;
    let mut report = Report::default();
    let name: Arc<str> = plan.name.as_str().into();
    loop {
        let rows = records.next(BATCH).await?;
        if rows.is_empty() {
            return Ok(report);
        }
        let first_row = report.rows + 1;
        let mut batch = Batch::default();
        for (row, record) in (first_row..).zip(&rows) {
            match plan.mapping.read(record, survey.numbered) {
                Err((email, error)) => batch.leave(row, email, Outcome::Refused(error)),
                Ok(candidate) => match survey.clash(&candidate) {
                    Some(clash) => batch.leave(row, Some(candidate.email.as_str().to_owned()), Outcome::Clash(clash)),
                    None => batch.add(row, candidate),
                },
            }
        }
        let batch =
            if write { take_batch(store, &name, batch).await? } else { judge_batch(store, &name, batch).await? };
        for line in batch.lines {
            let with = line.made_with.map(|(stored, confirmed)| With {
                scheme: stored.describe(),
                costlier: is_costlier(&stored, plan.cost),
                confirmed: confirmed != Confirmed::No,
            });
            report.count(line.row, line.email.as_deref(), line.outcome, with);
        }
        told(Progress::Done(report.rows, survey.rows));
    }
}

/// Whether a wrong password takes longer than an unknown person's.
fn is_costlier(stored: &Stored, cost: u32) -> bool {
    match stored {
        Stored::Nothing => false,
        Stored::Bcrypt(Bcrypt { cost: stored, .. }) => *stored > cost,
        Stored::Kdf(kdf) => kdf.rounds() > 1 << cost,
    }
}

/// What an account was made with.
const fn taken(not_taken: Option<NotTaken>) -> Taken {
    match not_taken {
        Some(reason) => Taken::WithoutPassword(reason),
        None => Taken::Whole,
    }
}
