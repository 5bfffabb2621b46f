//! Reading many rows: one that can't be read is left out and reported, for the others are none the worse for it. Another version of
//! Doorward may have written it.

use super::Error;

/// A part of a list that is read page by page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, K> {
    /// What could be read.
    pub items: Vec<T>,
    /// The key of the last row, read or not: the next page begins after it. None: there are no more rows.
    pub last: Option<K>,
}

/// The rows that could be read. One line of the log tells how many could not, and why the first of them.
pub(super) fn readable<T>(rows: impl IntoIterator<Item = Result<T, Error>>) -> Vec<T> {
    let (mut read, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Ok(row) => read.push(row),
            Err(error) => unreadable.push(error),
        }
    }
    if let Some(error) = unreadable.first() {
        tracing::error!(%error, rows = unreadable.len(), "rows that can't be read were left out");
    }
    read
}
