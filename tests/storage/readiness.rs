//! Ready means: can be read and written. The last writes tell; where there are none, a row is written.

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
    test.store.write((), |tx, ()| Box::pin(note(tx, "a write"))).await.unwrap();
    assert_eq!(ask(20).await, 0);
    // A write of somebody's failed for the database's sake: it may be over, and may be not.
    let failed = test.store.write((), |_, ()| Box::pin(async { Err::<(), _>(Error::Unavailable(String::new())) }));
    assert!(failed.await.is_err());
    assert_eq!(ask(20).await, 1);
    // A defect tells nothing of the database.
    let failed = test.store.write((), |_, ()| Box::pin(async { Err::<(), _>(Error::Internal(String::new())) }));
    assert!(failed.await.is_err());
    assert_eq!(ask(20).await, 1);
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
