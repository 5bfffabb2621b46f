//! Accounts from elsewhere: what their rows mean, and what becomes of each.

mod candidate;
mod column;
mod outcome;
mod preset;
mod value;

pub use candidate::{Candidate, Confirmed, Mapping, RowError, SourceKey};
pub use column::{Column, ColumnError, Field, Record};
pub use outcome::{Clash, Facts, Outcome, Report, Taken, Tally, With, judge};
pub use preset::{HashForm, PRESETS, Preset};
