//! The day by which an expired session is found: rows of the version before get theirs, and rotations leave the indexes alone.

use std::time::Duration;

use doorward::domain::account::UserId;
use doorward::domain::session::{Session, SessionId};
use doorward::domain::timestamp::Timestamp;
use doorward::storage::{PURGE_BATCH, session};

use crate::common::{START, Test, both};
use crate::rotations::rotate_together;
use crate::sessions::{find, session, store};
use crate::users::register;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// As it is after a rotation at a time.
fn rotated(before: &Session, at: Timestamp) -> Session {
    Session {
        generation: before.generation + 1,
        rotated_at: at,
        last_used_at: at,
        idle_expires_at: before.idle_expires_at + at.since(before.last_used_at),
        ..before.clone()
    }
}

/// Writes these rotations without a lock. How many were had.
async fn rotate_unlocked(test: &Test, rotations: &[(Session, Session)], now: Timestamp) -> usize {
    let rotations = rotations.iter().map(|(before, after)| (before.clone(), None, after.clone())).collect();
    rotate_together(test, rotations, now).await.unwrap().len()
}

/// Writes a rotation under the lock.
async fn rotate_locked(test: &Test, after: &Session) {
    let write = test.store.write(after.clone(), |tx, after| {
        Box::pin(async move {
            session::lock(tx, after.id).await?;
            session::update(tx, after).await
        })
    });
    write.await.unwrap();
}

async fn note_days(test: &Test) -> u64 {
    test.store.write((), |tx, ()| Box::pin(session::note_idle_days(tx))).await.unwrap()
}

fn numbered(user: UserId, number: u64) -> Session {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Session { id: SessionId(id), ..session(user, 0, START) }
}

/// So many sessions of one person, numbered from 1 on.
async fn store_many(test: &Test, user: UserId, count: u64, idle_expires_at: Timestamp) {
    let fill = test.store.write((), move |tx, ()| {
        Box::pin(async move {
            for number in 1..=count {
                session::insert(tx, &Session { idle_expires_at, ..numbered(user, number) }).await?;
            }
            Ok(())
        })
    });
    fill.await.unwrap();
}

both! {
    async fn a_row_without_its_day_is_not_had_without_a_lock_and_gets_it_under_the_lock(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let mut before = session(user.id, 1, START);
        store(&test, &before).await;
        let mut now = START;
        // Made by the version before, and rotated by it since.
        for day in ["NULL", "idle_day - 1"] {
            test.execute(&format!("UPDATE sessions SET idle_day = {day}")).await;
            now = now + DAY;
            let after = rotated(&before, now);
            assert_eq!(rotate_unlocked(&test, &[(before.clone(), after.clone())], now).await, 0, "{day}");
            assert_eq!(find(&test, before.id).await.unwrap().0, before, "nothing was written");
            rotate_locked(&test, &after).await;
            assert_eq!(find(&test, after.id).await.unwrap().0, after);

            now = now + DAY;
            before = rotated(&after, now);
            assert_eq!(rotate_unlocked(&test, &[(after, before.clone())], now).await, 1, "{day}");
            assert_eq!(find(&test, before.id).await.unwrap().0, before);
        }
        let day = before.idle_expires_at.seconds() / 86_400;
        assert_eq!(test.texts("SELECT CAST(idle_day AS TEXT) FROM sessions").await, [day.to_string()]);
    }
}

both! {
    async fn rows_of_the_version_before_get_their_day_and_are_purged_by_it(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let before = START + HOUR;
        let just_before = Timestamp::from_micros(before.micros() - 1);
        let last = Timestamp::from_micros((START + DAY).micros() - 1);
        let rows = [(1, START), (2, just_before), (3, before), (4, last), (5, START + DAY), (6, START + 7 * DAY)];
        let rows = rows.map(|(id, idle_expires_at)| Session { idle_expires_at, ..session(user.id, id, START) });
        for row in &rows {
            store(&test, row).await;
        }
        let purge = || test.store.write((), move |tx, ()| Box::pin(session::purge(tx, before)));
        test.execute("UPDATE sessions SET idle_day = NULL").await;
        assert_eq!(purge().await.unwrap(), 0);
        assert_eq!([note_days(&test).await, note_days(&test).await], [6, 0]);
        assert_eq!(purge().await.unwrap(), 2);
        for row in &rows[..2] {
            assert_eq!(find(&test, row.id).await, None);
        }
        // The others are as they were, and have the day that a rotation looks for.
        for row in &rows[2..] {
            assert_eq!(find(&test, row.id).await.unwrap().0, *row);
            assert_eq!(rotate_unlocked(&test, &[(row.clone(), rotated(row, START + HOUR))], START + HOUR).await, 1);
        }

        store_many(&test, user.id, PURGE_BATCH + 1, START).await;
        test.execute("UPDATE sessions SET idle_day = NULL WHERE generation = 1").await;
        assert_eq!([note_days(&test).await, note_days(&test).await, note_days(&test).await], [PURGE_BATCH, 1, 0]);
        assert_eq!([purge().await.unwrap(), purge().await.unwrap(), purge().await.unwrap()], [PURGE_BATCH, 1, 0]);
    }
}

/// What PostgreSQL calls a HOT update. Those that rotate are on the first of several pages, which is as full as inserts make it.
#[tokio::test]
async fn a_rotation_on_postgres_updates_the_row_on_its_page_and_touches_no_index() {
    let Some(test) = Test::postgres().await else { return };
    let user = register(&test, "ada@example.com").await.unwrap();
    store_many(&test, user.id, 60, START + 7 * DAY).await;
    // The counters can be asked without delay where they are counted. Statistics are sent later.
    test.execute(
        "CREATE TABLE seen (updated BIGINT, hot BIGINT); \
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen SELECT \
         pg_stat_get_xact_tuples_updated(TG_RELID), pg_stat_get_xact_tuples_hot_updated(TG_RELID); RETURN NULL; END $$; \
         CREATE TRIGGER see AFTER UPDATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION see()",
    )
    .await;
    let now = START + HOUR;
    let rotations = [1, 2, 3, 4].map(|number| {
        let before = numbered(user.id, number);
        let after = rotated(&before, now);
        (before, after)
    });
    assert_eq!(rotate_unlocked(&test, &rotations[..2], now).await, 2);
    assert_eq!(rotate_unlocked(&test, &rotations[2..3], now).await, 1);
    rotate_locked(&test, &rotations[3].1).await;
    // Of a connection that has written before, what that was is counted with it.
    let seen = test.texts("SELECT updated || ' updated, in place ' || hot FROM seen").await;
    assert_eq!(seen.len(), 3);
    let elsewhere = test.texts("SELECT 'elsewhere' FROM seen WHERE hot <> updated OR updated = 0").await;
    assert_eq!(elsewhere, [""; 0], "{seen:?}");
}
