//! Ready means: can be read and written. The last writes tell; where there are none, a row is written.

use std::time::Instant;

use doorward::config::database::Location;
use doorward::storage::Error;
use sqlx::{Connection as _, Executor as _};

use crate::common::{Test, sqlite};
use crate::transactions::note;

#[tokio::test]
async fn where_nothing_was_written_a_row_is() {
    for test in [Some(Test::sqlite().await), Test::postgres().await].into_iter().flatten() {
        test.store.check().await.unwrap();
        assert_ne!(test.texts("SELECT CAST(at AS TEXT) FROM heartbeat").await, ["0"]);
    }
}

#[tokio::test]
async fn writes_tell_and_one_row_a_second_serves_all_who_ask() {
    let test = Test::sqlite().await;
    test.execute("CREATE TABLE beats (at INTEGER)").await;
    test.execute("CREATE TRIGGER beat AFTER UPDATE ON heartbeat BEGIN INSERT INTO beats VALUES (NEW.at); END").await;
    let ask = async |times: usize| {
        let all = futures_util::future::join_all((0..times).map(|_| test.store.check())).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        test.texts("SELECT 'beat' FROM beats").await.len()
    };
    // A write tells for two seconds, and then a row does for one; a busy machine may take longer than that for these lines.
    let begun = Instant::now();
    let in_vain = |beats: usize| beats as u64 <= begun.elapsed().as_secs();
    test.store.write((), |tx, ()| Box::pin(note(tx, "a write"))).await.unwrap();
    let beats = ask(20).await;
    assert!(in_vain(beats), "{beats}");
    // A write of somebody's failed for the database's sake: it may be over, and may be not.
    let failed = test.store.write((), |_, ()| Box::pin(async { Err::<(), _>(Error::Unavailable(String::new())) }));
    assert!(failed.await.is_err());
    let after_failure = ask(20).await;
    assert!(after_failure > beats && in_vain(after_failure - 1), "{after_failure}");
    // A defect tells nothing of the database.
    let failed = test.store.write((), |_, ()| Box::pin(async { Err::<(), _>(Error::Internal(String::new())) }));
    assert!(failed.await.is_err());
    let after_defect = ask(20).await;
    assert!(in_vain(after_defect - 1), "{after_defect}");
}

/// Seen with a disk that was full: logins failed, and the row of readiness was written all the same, in the room that its table has.
#[tokio::test]
async fn a_disk_that_is_full_is_not_ready_though_rows_can_be_written_in_the_room_that_tables_have() {
    let Some(test) = Test::postgres().await else { return };
    test.execute(
        "CREATE FUNCTION full_disk() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$",
    )
    .await;
    test.execute("CREATE EVENT TRIGGER full_disk ON ddl_command_start EXECUTE FUNCTION full_disk()").await;
    let failed = test.store.write((), |_, ()| Box::pin(async { Err::<(), _>(Error::Full(String::new())) }));
    assert!(failed.await.is_err());
    // Writes that need no room tell nothing, and neither does another failure.
    for outcome in [Ok(()), Err(Error::Unavailable(String::new()))] {
        let write =
            test.store.write(outcome, |_, outcome: &Result<(), Error>| Box::pin(std::future::ready(outcome.clone())));
        drop(write.await);
        assert!(matches!(test.store.check().await, Err(Error::Full(_))));
    }
    test.execute("ALTER EVENT TRIGGER full_disk DISABLE").await;
    while test.store.check().await.is_err() {}
    assert_eq!(test.texts("SELECT relname::text FROM pg_class WHERE relname = 'room'").await, [""; 0]);
}

/// What can't be found out is no reason to turn everybody away.
#[tokio::test]
async fn who_may_make_no_temporary_table_is_ready_when_a_row_can_be_written() {
    let Some(test) = Test::postgres().await else { return };
    test.execute("CREATE FUNCTION denied() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE insufficient_privilege; END $$").await;
    test.execute("CREATE EVENT TRIGGER denied ON ddl_command_start EXECUTE FUNCTION denied()").await;
    let failed = test.store.write((), |_, ()| Box::pin(async { Err::<(), _>(Error::Full(String::new())) }));
    assert!(failed.await.is_err());
    test.store.check().await.unwrap();
}

#[tokio::test]
async fn a_file_that_somebody_holds_is_not_ready_and_that_is_told_before_a_write_gives_up() {
    let test = Test::sqlite().await;
    let Location::Sqlite(path) = &test.settings.location else { unreachable!() };
    let mut holder = sqlite(path).await;
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    tokio::select! {
        checked = test.store.check() => assert!(checked.unwrap_err().is_unavailable()),
        _ = test.store.write((), |tx, ()| Box::pin(note(tx, "waits"))) => panic!("readiness waited for a write"),
    }
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await.unwrap();
    while test.store.check().await.is_err() {}
}
