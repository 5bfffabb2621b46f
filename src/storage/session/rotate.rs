//! Rotations without a lock, several at a time.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::{Row as _, SqlStr};

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
    /// How far the time by which they were decided may be from the database's.
    pub const NEAR: Duration = Duration::from_secs(1);
}

/// Writes what rotation changes of each of these, [`Unlocked::MOST`] different ones at most, of which nothing in the row is other than
/// `before`, and whose user is active and has this external id: then it was as if the row had been locked since. Tells which those are.
/// None is where the database's clock is not [near](Unlocked::NEAR) `now`. In one statement, which waits for nobody: a row that somebody has
/// locked is not had.
///
/// # Errors
/// When the database fails; then none was written.
pub async fn rotate_unchanged(
    tx: &mut Tx,
    rotations: &[Unlocked<'_>],
    now: Timestamp,
) -> Result<HashSet<SessionId>, Error> {
    let Some(last) = rotations.last() else { return Ok(HashSet::new()) };
    let (size, sql) = text::rotate_unchanged(rotations.len(), tx.is_postgres());
    let repeated = std::iter::repeat_n(last, size.saturating_sub(rotations.len()));
    let now = tx.given_time().is_none().then(|| now.micros());
    let near = i64::try_from(Unlocked::NEAR.as_micros()).unwrap_or(i64::MAX);
    let session = tx.session();
    let written: Vec<Vec<u8>> = on!(tx, conn => {
        let mut query = sqlx::query(SqlStr::from_static(sql));
        for Unlocked { before, external_id, after } in rotations.iter().chain(repeated) {
            query = SessionRow::from(*after).bind_rotated(query);
            query = SessionRow::from(*before).bind_rest(query).bind(external_id.map(ExternalId::as_str));
        }
        if let Some(session) = session {
            query = query.bind(now).bind(near).bind(session);
        }
        query.fetch_all(conn).await.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect())
    })?;
    written.into_iter().map(session_id).collect()
}
