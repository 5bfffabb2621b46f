//! The sessions.
//!
//! Locks are taken in one order: the user's row, then sessions by id. Whatever makes or ends sessions takes the user's row first.
#![expect(clippy::missing_errors_doc, reason = "each fails when the database does, or on a corrupt row: see Error")]

mod expiry;
mod rotate;
mod row;
mod text;

pub use expiry::{note_idle_days, purge};
pub use rotate::{Unlocked, rotate_unchanged};
use row::{FoundRow, LockedRow, SessionRow, session_columns, session_id, stored};
use sqlx::AssertSqlSafe;
use text::{INSERT, ROTATE};

use super::account::{external_id, user_columns};
use super::{Error, Page, Tx, announce_revocation, readable};
use crate::domain::account::{ExternalId, User, UserId};
use crate::domain::session::{AuthMethod, Binding, BindingName, EndReason, Generation, Session, SessionId};
use crate::domain::timestamp::Timestamp;

/// A session whose row nobody else can change until this transaction ends.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The session; it may have ended or expired.
    pub session: Session,
    /// Whether its user may use it.
    pub user_active: bool,
    /// Its user's.
    pub external_id: Option<ExternalId>,
    /// The time after the lock was had.
    pub now: Timestamp,
}

/// Stores a new session. Its user's row must be locked.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<(), Error> {
    // The texts are made of the names of columns.
    let sql = AssertSqlSafe(INSERT.as_str());
    on!(tx, conn => SessionRow::from(session).bind_all(sqlx::query(sql)).execute(conn).await.map(drop))
}

/// Finds a session, live or not, and its user. Locks nothing.
pub async fn find(tx: &mut Tx, id: SessionId) -> Result<Option<(Session, User)>, Error> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        user_columns!("u."),
        " FROM sessions AS s JOIN users AS u ON u.id = s.user_id WHERE s.id = $1"
    );
    let row: Option<FoundRow> = on!(tx, conn => sqlx::query_as(sql).bind(&id.0[..]).fetch_optional(conn).await)?;
    row.map(|row| Ok((row.session.try_into()?, row.user.try_into()?))).transpose()
}

/// Finds a bound session, live or not, by what its browser calls it, and its user. Locks nothing.
pub async fn find_bound(tx: &mut Tx, name: BindingName) -> Result<Option<(Session, User)>, Error> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        user_columns!("u."),
        " FROM sessions AS s JOIN users AS u ON u.id = s.user_id WHERE s.device_session = $1"
    );
    let row: Option<FoundRow> = on!(tx, conn => sqlx::query_as(sql).bind(&name.0[..]).fetch_optional(conn).await)?;
    row.map(|row| Ok((row.session.try_into()?, row.user.try_into()?))).transpose()
}

/// Finds two sessions, live or not, and their users, in one statement.
pub async fn find_two(tx: &mut Tx, [one, other]: [SessionId; 2]) -> Result<Vec<(Session, User)>, Error> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        user_columns!("u."),
        " FROM sessions AS s JOIN users AS u ON u.id = s.user_id WHERE s.id IN ($1, $2)"
    );
    let rows: Vec<FoundRow> =
        on!(tx, conn => sqlx::query_as(sql).bind(&one.0[..]).bind(&other.0[..]).fetch_all(conn).await)?;
    rows.into_iter().map(|row| Ok((row.session.try_into()?, row.user.try_into()?))).collect()
}

/// How many sessions can be used, by their rows alone: a disabled user's count too. Reads the whole table.
pub async fn count_live(tx: &mut Tx, now: Timestamp) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM sessions WHERE ended_at IS NULL AND idle_expires_at > $1";
    let live: i64 = on!(tx, conn => sqlx::query_scalar(sql).bind(now.micros()).fetch_one(conn).await)?;
    Ok(live.cast_unsigned())
}

/// Whose session it is, which never changes.
pub async fn owner(tx: &mut Tx, id: SessionId) -> Result<Option<UserId>, Error> {
    let sql = "SELECT user_id FROM sessions WHERE id = $1";
    let id: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(&id.0[..]).fetch_optional(conn).await)?;
    Ok(id.map(UserId))
}

/// Locks a session's row, live or not, and that row alone: enough for what neither makes nor ends sessions.
pub async fn lock(tx: &mut Tx, id: SessionId) -> Result<Option<Locked>, Error> {
    let sql = tx.pick(
        concat!(
            "SELECT ",
            session_columns!(),
            ", u.is_active AS user_active, u.external_id, $2 AS now FROM sessions AS s JOIN users AS u ON u.id = s.user_id WHERE s.id = $1"
        ),
        concat!(
            "WITH s AS MATERIALIZED (SELECT * FROM sessions WHERE id = $1 FOR UPDATE) SELECT ",
            session_columns!(),
            ", u.is_active AS user_active, u.external_id, coalesce($2, ",
            postgres_clock!(),
            ") AS now FROM s JOIN users AS u ON u.id = s.user_id"
        ),
    );
    let time = tx.given_time();
    let row: Option<LockedRow> =
        on!(tx, conn => sqlx::query_as(sql).bind(&id.0[..]).bind(time).fetch_optional(conn).await)?;
    row.map(|row| {
        Ok(Locked {
            session: row.session.try_into()?,
            user_active: row.user_active,
            external_id: external_id(row.external_id)?,
            now: Timestamp::from_micros(row.now),
        })
    })
    .transpose()
}

/// Locks the session's user, then the session: for what may end it.
pub async fn lock_after_user(tx: &mut Tx, id: SessionId) -> Result<Option<Locked>, Error> {
    // A session's owner never changes, so this may be read without a lock.
    let sql = tx.pick(
        "SELECT id FROM users WHERE id = (SELECT user_id FROM sessions WHERE id = $1)",
        "SELECT id FROM users WHERE id = (SELECT user_id FROM sessions WHERE id = $1) FOR UPDATE",
    );
    let user: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(&id.0[..]).fetch_optional(conn).await)?;
    if user.is_none() {
        return Ok(None);
    }
    lock(tx, id).await
}

macro_rules! live_sessions {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions AS s WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.idle_expires_at > $2 ORDER BY s.id",
            $lock
        )
    };
}

/// The live sessions of a user, without a lock: for their own list.
pub async fn list_of_user(tx: &mut Tx, user_id: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
    Ok(readable(select_live(tx, live_sessions!(""), user_id, now).await?.into_iter().map(Session::try_from)))
}

/// Sessions of a user that are still stored, the oldest first, from after one of them.
pub async fn page_of_user(
    tx: &mut Tx,
    user_id: UserId,
    after: Option<(Timestamp, SessionId)>,
    limit: u32,
) -> Result<Page<Session, (Timestamp, SessionId)>, Error> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions AS s WHERE s.user_id = $1 AND (s.created_at, s.id) > ($2, $3) ORDER BY s.created_at, s.id LIMIT $4"
    );
    let (at, id) = after.as_ref().map_or((i64::MIN, &[][..]), |(at, id)| (at.micros(), &id.0[..]));
    let rows: Vec<SessionRow> = on!(tx, conn => sqlx::query_as(sql)
        .bind(user_id.0)
        .bind(at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await)?;
    let last = rows.last().map(SessionRow::key).transpose()?;
    Ok(Page { items: readable(rows.into_iter().map(Session::try_from)), last })
}

/// Locks the live sessions of a user, in the order of their ids. The user's row must be locked.
pub async fn live_of_user(tx: &mut Tx, user_id: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
    let sql = tx.pick(live_sessions!(""), live_sessions!(" FOR UPDATE"));
    // One that can't be read fails the whole: left out, it would outlive what ends all the others.
    select_live(tx, sql, user_id, now).await?.into_iter().map(Session::try_from).collect()
}

async fn select_live(
    tx: &mut Tx,
    sql: &'static str,
    user_id: UserId,
    now: Timestamp,
) -> Result<Vec<SessionRow>, Error> {
    on!(tx, conn => sqlx::query_as(sql).bind(user_id.0).bind(now.micros()).fetch_all(conn).await)
}

/// Writes what rotation changes: generation and confirmation, lost replies, use, client, idle expiry. The row must be locked and
/// not ended.
pub async fn update(tx: &mut Tx, session: &Session) -> Result<(), Error> {
    let sql = AssertSqlSafe(ROTATE.as_str());
    let changed = on!(tx, conn => SessionRow::from(session)
        .bind_rotated(sqlx::query(sql))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    if changed == 0 {
        return Err(Error::Internal("a session that is gone or has ended can't be rotated".to_owned()));
    }
    Ok(())
}

/// Binds a session to a device, if it is not bound, was never refreshed, and has not ended. False: nothing was changed.
pub async fn bind(tx: &mut Tx, session: &Session, binding: &Binding) -> Result<bool, Error> {
    let sql = "UPDATE sessions SET device_key = $2, device_session = $3, secret = $4 \
               WHERE id = $1 AND device_key IS NULL AND generation = 1 AND ended_at IS NULL";
    let bound = on!(tx, conn => sqlx::query(sql)
        .bind(&session.id.0[..])
        .bind(&binding.key.0[..])
        .bind(&binding.name.0[..])
        .bind(&stored(&session.secret, true)[..])
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(bound > 0)
}

/// Writes down by what and when somebody has proved once more who they are. False: the session has ended, or there is none.
pub async fn prove(tx: &mut Tx, id: SessionId, amr: &[AuthMethod], now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE sessions SET amr = $2, proved_at = $3 WHERE id = $1 AND ended_at IS NULL";
    let proved = on!(tx, conn => sqlx::query(sql)
        .bind(&id.0[..])
        .bind(AuthMethod::join(amr))
        .bind(now.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(proved > 0)
}

/// Ends a session. False: it had ended, or there is none; when and why it ended is set once.
pub async fn end(tx: &mut Tx, id: SessionId, reason: &EndReason, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
    let ended = on!(tx, conn => sqlx::query(sql)
        .bind(&id.0[..])
        .bind(now.micros())
        .bind(reason.as_str())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    if ended > 0 {
        announce_revocation(tx).await?;
    }
    Ok(ended > 0)
}

/// Writes down that the client holds this generation, if it is still the newest one, not confirmed yet, and was made, or last
/// issued again, at or before `rotated_by`. False: nothing was changed.
pub async fn confirm(tx: &mut Tx, id: SessionId, generation: Generation, rotated_by: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE sessions SET confirmed_generation = $2 WHERE id = $1 AND generation = $2 \
               AND confirmed_generation < $2 AND rotated_at <= $3 AND ended_at IS NULL";
    let confirmed = on!(tx, conn => sqlx::query(sql)
        .bind(&id.0[..])
        .bind(i64::from(generation))
        .bind(rotated_by.micros())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(confirmed > 0)
}

/// The sessions that ended at or after a time, and why. Ask with some overlap: a transaction may commit later than its time.
pub async fn ended_since(tx: &mut Tx, since: Timestamp) -> Result<Vec<(SessionId, EndReason)>, Error> {
    let sql = "SELECT id, end_reason FROM sessions WHERE ended_at >= $1 ORDER BY ended_at";
    let rows: Vec<(Vec<u8>, String)> = on!(tx, conn => sqlx::query_as(sql).bind(since.micros()).fetch_all(conn).await)?;
    Ok(readable(rows.into_iter().map(|(id, reason)| Ok((session_id(id)?, EndReason::read(&reason))))))
}
