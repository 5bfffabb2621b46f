//! SQLite: jobs that wait together share a commit.

use doorward::config::database::Location;
use doorward::storage::Error;
use sqlx::{Connection as _, Executor as _};

use crate::common::{Test, sqlite};
use crate::transactions::{note, notes};

/// A commit that fails: what was written breaks a rule that is looked at only then.
const POISON: &str = "CREATE TABLE child (parent INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED); \
                      CREATE TRIGGER poison AFTER INSERT ON audit WHEN NEW.detail = 'poison' \
                      BEGIN INSERT INTO child VALUES (404); END";

#[tokio::test]
async fn the_failure_of_one_does_not_touch_the_others() {
    let test = Test::sqlite().await;
    // On this runtime's one thread all five are in the queue before the writer runs.
    let (one, two, three, four, five) = tokio::join!(
        test.store.write((), |tx, ()| Box::pin(note(tx, "one"))),
        test.store.write((), |tx, ()| Box::pin(async move {
            note(tx, "two").await?;
            Err::<(), _>(Error::Internal("says the work".to_owned()))
        })),
        test.store.write((), |tx, ()| Box::pin(note(tx, "three"))),
        test.store.write((), |tx, ()| Box::pin(async move {
            note(tx, "four").await?;
            assert_eq!(1, 2, "this panic belongs to the test");
            Ok(())
        })),
        test.store.write((), |tx, ()| Box::pin(note(tx, "five"))),
    );
    assert!(one.is_ok() && two.is_err() && three.is_ok() && four.is_err() && five.is_ok());
    assert_eq!(notes(&test).await, ["one", "three", "five"]);
}

#[tokio::test]
async fn a_failed_commit_is_an_error_for_all_of_it_and_for_nobody_later() {
    let test = Test::sqlite().await;
    test.execute(POISON).await;
    let (one, two, three) = tokio::join!(
        test.store.write((), |tx, ()| Box::pin(note(tx, "one"))),
        test.store.write((), |tx, ()| Box::pin(note(tx, "poison"))),
        test.store.write((), |tx, ()| Box::pin(note(tx, "three"))),
    );
    assert!(one.is_err() && two.is_err() && three.is_err());
    assert!(notes(&test).await.is_empty());

    test.store.write((), |tx, ()| Box::pin(note(tx, "later"))).await.unwrap();
    assert_eq!(notes(&test).await, ["later"]);
}

#[tokio::test]
async fn a_batch_has_an_end() {
    let test = Test::sqlite().await;
    test.execute(POISON).await;
    // The poison is in the first batch, the last job in another.
    let poison = test.store.write((), |tx, ()| Box::pin(note(tx, "poison")));
    let crowd = (0..200).map(|_| test.store.write((), |tx, ()| Box::pin(note(tx, "crowd"))));
    let (poison, crowd) = tokio::join!(poison, futures_util::future::join_all(crowd));
    assert!(poison.is_err());
    let kept = crowd.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(kept, 200 - 127);
    assert_eq!(notes(&test).await.len(), kept);
}

#[tokio::test]
async fn readers_do_not_wait_for_the_writer() {
    let test = Test::sqlite().await;
    let Location::Sqlite(path) = &test.settings.location else { unreachable!() };
    let mut other = sqlite(path).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    other.execute("INSERT INTO audit (at, event, detail) VALUES (1, 'registered', 'unfinished')").await.unwrap();

    // The write waits for the other process; the read does not.
    let write = tokio::spawn({
        let store = test.store.clone();
        async move { store.write((), |tx, ()| Box::pin(note(tx, "second"))).await }
    });
    test.store.ping().await.unwrap();
    assert!(notes(&test).await.is_empty());
    assert!(!write.is_finished());
    other.execute("COMMIT").await.unwrap();
    write.await.unwrap().unwrap();
    other.close().await.unwrap();
    assert_eq!(notes(&test).await, ["unfinished", "second"]);
}
