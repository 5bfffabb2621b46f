//! Rotations without a lock, several at a time.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, Row as _};

use super::row::{SessionRow, session_id};
use super::text;
use crate::domain::account::ExternalId;
use crate::domain::session::{Session, SessionId};
use crate::domain::timestamp::Timestamp;
use crate::storage::{Error, Tx};

/// A rotation of a session that was looked at without a lock.
#[derive(Clone, Copy, Debug)]
pub struct Unlocked<'t> {
    /// As it was looked at.
    pub before: &'t Session,
    /// Its user's, then.
    pub external_id: Option<&'t ExternalId>,
    /// As it is to be.
    pub after: &'t Session,
}

impl Unlocked<'_> {
    /// How many are written together at most.
    pub const MOST: usize = text::MOST_ROTATIONS;
}

/// Writes what rotation changes of each of these, [`Unlocked::MOST`] different ones at most, of which nothing in the row is other than
/// `before`, and whose user is active and has this external id: then it was as if the row had been locked since. Tells which those are,
/// and the time at which the row was had, `now` where this program has the clock. In one statement, which waits for nobody: a row that
/// somebody has locked is not had.
///
/// # Errors
/// When the database fails; then none was written.
pub async fn rotate_unchanged(
    tx: &mut Tx,
    rotations: &[Unlocked<'_>],
    now: Timestamp,
) -> Result<HashMap<SessionId, Timestamp>, Error> {
    let Some(last) = rotations.last() else { return Ok(HashMap::new()) };
    let (size, sql) = text::rotate_unchanged(rotations.len(), tx.is_postgres());
    let repeated = std::iter::repeat_n(last, size.saturating_sub(rotations.len()));
    let given = tx.given_time().map(|_| now.micros());
    let written = on!(tx, conn => {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for Unlocked { before, external_id, after } in rotations.iter().chain(repeated) {
            query = SessionRow::from(*after).bind_rotated(query);
            query = SessionRow::from(*before).bind_rest(query).bind(external_id.map(ExternalId::as_str));
        }
        let rows = query.bind(given).fetch_all(conn).await;
        rows.and_then(|rows| rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<Vec<_>, _>>())
    })?;
    written.into_iter().map(|(id, at)| Ok((session_id(id)?, Timestamp::from_micros(at)))).collect()
}
