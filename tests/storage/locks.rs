//! PostgreSQL: what is decided under a lock is decided by what is true after the wait for it.

use doorward::config::database::Location;
use doorward::domain::account::UserId;
use doorward::domain::session::{EndReason, Session, SessionId};
use doorward::domain::timestamp::Timestamp;
use doorward::platform::clock::Clock;
use doorward::storage::session::{self, Unlocked};
use doorward::storage::{BoxFuture, Error, Store, Tx, account};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use crate::common::{START, Test, postgres};
use crate::sessions::{session, store};
use crate::users::{hash, register};

const DATABASE_CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// A store on the database's own clock, a user with a session, and a transaction of somebody else that holds a lock.
struct Contest {
    test: Test,
    store: Store,
    holder: PgConnection,
}

impl Contest {
    async fn start(hold: &str) -> Option<Self> {
        let test = Test::postgres().await?;
        let user = register(&test, "ada@example.com").await.unwrap();
        store(&test, &session(user.id, 1, START)).await;
        let Location::Postgres(url) = &test.settings.location else { unreachable!() };
        let mut holder = postgres(url).await;
        holder.execute("BEGIN").await.unwrap();
        holder.execute(AssertSqlSafe(hold)).await.unwrap();
        let store = Store::open(&test.settings, Clock::system()).await.unwrap();
        Some(Self { test, store, holder })
    }

    /// Runs the work; once it waits for the lock, runs `then` and commits. Returns the work's value and the time of the commit.
    async fn run<T, F>(mut self, work: F, then: &str) -> (T, Timestamp)
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let store = self.store.clone();
        let waiting = tokio::spawn(async move { store.write((), move |tx, ()| work(tx)).await });
        let waits = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        while self.test.texts(waits).await != ["1"] {
            assert!(!waiting.is_finished(), "the work must wait for the lock");
        }
        if !then.is_empty() {
            self.holder.execute(AssertSqlSafe(then)).await.unwrap();
        }
        let released = sqlx::query_scalar(DATABASE_CLOCK).fetch_one(&mut self.holder).await.unwrap();
        self.holder.execute("COMMIT").await.unwrap();
        (waiting.await.unwrap().unwrap(), Timestamp::from_micros(released))
    }
}

const ID: SessionId = SessionId([1; 16]);
const USER: UserId = UserId(1);

#[tokio::test]
async fn the_time_is_taken_after_a_session_is_locked() {
    let Some(contest) = Contest::start("SELECT FROM sessions FOR UPDATE").await else { return };
    let (locked, released) = contest.run(|tx| Box::pin(session::lock(tx, ID)), "").await;
    assert!(locked.unwrap().now >= released);
}

#[tokio::test]
async fn the_time_is_taken_after_a_user_is_locked() {
    let Some(contest) = Contest::start("SELECT FROM users FOR UPDATE").await else { return };
    let (locked, released) = contest.run(|tx| Box::pin(account::lock(tx, USER)), "").await;
    assert!(locked.unwrap().now >= released);

    let Some(contest) = Contest::start("SELECT FROM users FOR UPDATE").await else { return };
    let (locked, released) = contest.run(|tx| Box::pin(session::lock_after_user(tx, ID)), "").await;
    assert!(locked.unwrap().now >= released);
}

#[tokio::test]
async fn the_time_of_a_login_is_taken_after_the_lock() {
    // Only locked, and changed as well: PostgreSQL goes two ways there.
    for then in ["", "UPDATE users SET full_name = NULL"] {
        let Some(contest) = Contest::start("SELECT FROM users FOR UPDATE").await else { return };
        let login =
            contest.run(|tx| Box::pin(async move { account::record_login(tx, USER, (&hash("first"), 1)).await }), then);
        let (recorded, released) = login.await;
        let (user, now) = recorded.unwrap();
        assert!(now >= released);
        assert_eq!(user.last_login, Some(now));
        assert_eq!(user.full_name.is_some(), then.is_empty());
    }
}

#[tokio::test]
async fn a_login_that_raced_a_password_change_fails() {
    let Some(contest) = Contest::start("UPDATE users SET password_hash = 'second'").await else { return };
    let login =
        contest.run(|tx| Box::pin(async move { account::record_login(tx, USER, (&hash("first"), 1)).await }), "");
    assert!(login.await.0.is_none());
}

#[tokio::test]
async fn a_refresh_that_raced_the_end_sees_it() {
    let Some(contest) = Contest::start("UPDATE sessions SET ended_at = 1, end_reason = 'logout'").await else { return };
    let (locked, _) = contest.run(|tx| Box::pin(session::lock(tx, ID)), "").await;
    assert!(locked.unwrap().session.ended.is_some());

    let Some(contest) = Contest::start("DELETE FROM sessions").await else { return };
    assert!(contest.run(|tx| Box::pin(session::lock(tx, ID)), "").await.0.is_none());
}

#[tokio::test]
async fn an_end_that_raced_another_is_the_second() {
    let Some(contest) = Contest::start("UPDATE sessions SET ended_at = 1, end_reason = 'logout'").await else { return };
    let end = contest.run(|tx| Box::pin(session::end(tx, ID, &EndReason::Reuse, START)), "");
    assert!(!end.await.0);
}

#[tokio::test]
async fn the_purge_leaves_out_what_is_locked() {
    let Some(mut contest) = Contest::start("SELECT FROM sessions WHERE generation = 1 FOR UPDATE").await else {
        return;
    };
    let other = Session { generation: 2, ..session(USER, 2, START) };
    store(&contest.test, &other).await;
    let late = START + std::time::Duration::from_hours(24 * 365);
    let purge = || contest.store.write((), move |tx, ()| Box::pin(session::purge(tx, late)));
    assert_eq!(purge().await.unwrap(), 1);
    contest.holder.execute("COMMIT").await.unwrap();
    assert_eq!(purge().await.unwrap(), 1);
}

#[tokio::test]
async fn days_are_given_to_what_nobody_holds() {
    let hold = "UPDATE sessions SET idle_day = NULL; COMMIT; BEGIN; SELECT FROM sessions FOR UPDATE";
    let Some(mut contest) = Contest::start(hold).await else { return };
    let other = Session { generation: 2, ..session(USER, 2, START) };
    store(&contest.test, &other).await;
    contest.test.execute("UPDATE sessions SET idle_day = NULL WHERE generation = 2").await;
    let note = || contest.store.write((), |tx, ()| Box::pin(session::note_idle_days(tx)));
    assert_eq!([note().await.unwrap(), note().await.unwrap()], [1, 0]);
    contest.holder.execute("COMMIT").await.unwrap();
    assert_eq!(note().await.unwrap(), 1);
}

#[tokio::test]
async fn all_nodes_tell_the_time_of_the_database() {
    let Some(mut contest) = Contest::start("SELECT 1").await else { return };
    let before: i64 = sqlx::query_scalar(DATABASE_CLOCK).fetch_one(&mut contest.holder).await.unwrap();
    let mut tx = contest.store.read().await.unwrap();
    let (first, second) = (tx.now().await.unwrap(), tx.now().await.unwrap());
    let after: i64 = sqlx::query_scalar(DATABASE_CLOCK).fetch_one(&mut contest.holder).await.unwrap();
    // Not the time at which the transaction began: it goes on.
    assert!(before <= first.micros() && first < second && second.micros() <= after);
}

#[tokio::test]
async fn a_rotation_without_a_lock_waits_for_nobody() {
    for hold in ["SELECT FROM sessions FOR UPDATE", "UPDATE sessions SET generation = 2"] {
        let Some(Contest { test, store, mut holder }) = Contest::start(hold).await else { return };
        let rotate = || {
            let before = session(USER, 1, START);
            let after = Session { generation: 2, ..before.clone() };
            store.write_one((before, after), |tx, (before, after)| {
                Box::pin(async move {
                    let now = tx.about_now();
                    session::rotate_unchanged(tx, &[Unlocked { before, external_id: None, after }], now).await
                })
            })
        };
        assert!(rotate().await.unwrap().is_empty(), "a row that is held is not had");
        holder.execute("ROLLBACK").await.unwrap();
        assert_eq!(rotate().await.unwrap().len(), 1);
        drop(test);
    }
}
