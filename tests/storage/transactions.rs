//! What holds of every transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use doorward::domain::account::Email;
use doorward::domain::account::UserId;
use doorward::domain::audit::{Event, Record};
use doorward::platform::clock::Clock;
use doorward::storage::account::NewUser;
use doorward::storage::{Error, Store, Tx, account, audit};
use tokio::sync::{Barrier, Semaphore};

use crate::common::{START, Test, both};
use crate::support::postgres;
use crate::users::{hash, register};

/// Appends a line to the audit that tells which test wrote it.
pub async fn note(tx: &mut Tx, detail: &str) -> Result<(), Error> {
    let record = Record { detail: Some(detail.to_owned()), ..Record::of(Event::LoginFailed) };
    audit::append(tx, &record, START).await
}

pub async fn notes(test: &Test) -> Vec<String> {
    test.texts("SELECT detail FROM audit ORDER BY id").await
}

both! {
    async fn the_value_comes_after_the_commit(test) {
        let write = test.store.write((), |tx, ()| Box::pin(async move { note(tx, "kept").await.map(|()| 7) }));
        assert_eq!(write.await.unwrap(), 7);
        assert_eq!(notes(&test).await, ["kept"]);
    }
}

both! {
    async fn an_error_undoes_what_was_written(test) {
        let write = test.store.write((), |tx, ()| Box::pin(async move {
            note(tx, "undone").await?;
            Err::<(), _>(Error::Unavailable("says the work".to_owned()))
        }));
        assert_eq!(write.await.unwrap_err().to_string(), "the database is not available: says the work");
        assert!(notes(&test).await.is_empty());
    }
}

both! {
    async fn a_panic_undoes_what_was_written_and_harms_nobody_else(test) {
        let write = test.store.write((), |tx, ()| Box::pin(async move {
            note(tx, "undone").await?;
            assert_eq!(1, 2, "this panic belongs to the test");
            Ok(())
        }));
        assert!(matches!(write.await, Err(Error::Internal(_))));
        test.store.write((), |tx, ()| Box::pin(note(tx, "after"))).await.unwrap();
        assert_eq!(notes(&test).await, ["after"]);
    }
}

both! {
    async fn work_that_passes_over_a_failed_statement_is_not_kept(test) {
        let write = test.store.write((), |tx, ()| Box::pin(async move {
            note(tx, "undone").await?;
            let user_id = UserId(404);
            let orphan = crate::sessions::session(user_id, 1, START);
            let failed = doorward::storage::session::insert(tx, &orphan).await;
            assert!(failed.is_err());
            Ok(())
        }));
        assert!(matches!(write.await, Err(Error::Internal(_))));
        assert!(notes(&test).await.is_empty());
    }
}

both! {
    async fn work_goes_on_when_nobody_waits_for_it(test) {
        let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (inside, store) = ((Arc::clone(&begun), Arc::clone(&go_on)), test.store.clone());
        let request = tokio::spawn(async move {
            store.write((), move |tx, ()| {
                let (begun, go_on) = inside.clone();
                Box::pin(async move {
                    begun.add_permits(1);
                    drop(go_on.acquire().await);
                    note(tx, "finished").await
                })
            }).await
        });
        drop(begun.acquire().await);
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        go_on.add_permits(1);
        // Waits for what has begun.
        test.store.close().await;
        assert_eq!(notes(&test).await, ["finished"]);
    }
}

both! {
    async fn a_reader_sees_one_state(test) {
        let mut tx = test.store.read().await.unwrap();
        assert!(account::by_id(&mut tx, UserId(1)).await.unwrap().is_none());
        let user = register(&test, "ada@example.com").await.unwrap();
        assert_eq!(account::by_id(&mut tx, user.id).await.unwrap(), None);
        let mut later = test.store.read().await.unwrap();
        assert_eq!(account::by_id(&mut later, user.id).await.unwrap(), Some(user));
    }
}

both! {
    async fn a_closed_store_is_unavailable(test) {
        test.store.ping().await.unwrap();
        test.store.close().await;
        assert!(test.store.ping().await.unwrap_err().is_unavailable());
        let write = test.store.write((), |tx, ()| Box::pin(note(tx, "never"))).await;
        assert!(write.unwrap_err().is_unavailable());
    }
}

both! {
    async fn transactions_that_read_before_they_write_wait_for_each_other(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let tasks: Vec<_> = (0..16).map(|_| tokio::spawn(count_to_ten(test.store.clone(), user.id))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut tx = test.store.read().await.unwrap();
        let email = Email::parse("ada@example.com").unwrap();
        assert_eq!(account::credentials(&mut tx, &email).await.unwrap().unwrap().password_hash, hash("160"));
    }
}

/// Reads a number from the user's hash and writes the next one, ten times.
async fn count_to_ten(store: Store, user: UserId) {
    for _ in 0..10 {
        let increment = store.write((), move |tx, ()| {
            Box::pin(async move {
                let locked = account::lock(tx, user).await?.unwrap();
                let number: u32 = locked.password_hash.as_str().parse().unwrap_or(0);
                let next = hash(&(number + 1).to_string());
                account::replace_hash(tx, user, &locked.password_hash, &next).await
            })
        });
        assert!(increment.await.unwrap());
    }
}

both! {
    async fn an_address_registered_by_many_at_once_has_one_account(test) {
        let new = NewUser { email: Email::parse("ada@example.com").unwrap(), full_name: None, password_hash: hash("first") };
        let tasks: Vec<_> = (0..8).map(|_| {
            let (store, new) = (test.store.clone(), new.clone());
            tokio::spawn(async move {
                store.write((), move |tx, ()| {
                    let new = new.clone();
                    Box::pin(async move { account::insert(tx, &new, START).await })
                }).await
            })
        }).collect();
        let mut made = 0;
        for task in tasks {
            made += u32::from(task.await.unwrap().unwrap().is_some());
        }
        assert_eq!(made, 1);
    }
}

#[tokio::test]
async fn a_deadlock_is_run_again() {
    let Some(test) = Test::postgres().await else { return };
    let ada = register(&test, "ada@example.com").await.unwrap().id;
    let bob = register(&test, "bob@example.com").await.unwrap().id;
    let (runs, both_hold_one) = (Arc::new(AtomicU32::new(0)), Arc::new(Barrier::new(2)));
    let tasks = [(ada, bob), (bob, ada)].map(|(first, second)| {
        let (store, runs, both_hold_one) = (test.store.clone(), Arc::clone(&runs), Arc::clone(&both_hold_one));
        tokio::spawn(async move {
            let write = store.write((), move |tx, ()| {
                let (runs, both_hold_one) = (Arc::clone(&runs), Arc::clone(&both_hold_one));
                Box::pin(async move {
                    let run = runs.fetch_add(1, Ordering::SeqCst);
                    note(tx, "once").await?;
                    account::lock(tx, first).await?;
                    if run < 2 {
                        both_hold_one.wait().await;
                    }
                    account::lock(tx, second).await?;
                    Ok(())
                })
            });
            write.await
        })
    });
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    // Once more at least: the one that lost may take its row again before the other is awake, and they are in each other's way anew.
    let runs = runs.load(Ordering::SeqCst);
    assert!(runs >= 3, "{runs} runs");
    assert_eq!(notes(&test).await, ["once", "once"]);
}

#[tokio::test]
async fn a_transaction_that_is_always_in_the_way_is_given_up() {
    let Some(test) = Test::postgres().await else { return };
    test.execute(
        "CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '40001'; END $$; \
         CREATE TRIGGER clash BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION clash()",
    )
    .await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let write = test.store.write((), move |tx, ()| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(note(tx, "never"))
    });
    assert!(write.await.unwrap_err().is_unavailable());
    assert_eq!(runs.load(Ordering::SeqCst), 5);
}

both! {
    async fn a_reader_that_is_dropped_while_it_begins_leaves_nothing_behind(test) {
        for patience in 0..200 {
            // A caller that hangs up, at whatever moment of the beginning.
            tokio::select! {
                biased;
                tx = test.store.read() => drop(tx),
                () = async { for _ in 0..patience % 40 { tokio::task::yield_now().await } } => {}
            }
            let write = test.store.write((), |tx, ()| {
                let record = Record { user_id: Some(UserId(1)), ..Record::of(Event::LoginFailed) };
                Box::pin(async move { audit::append(tx, &record, START).await })
            });
            write.await.unwrap();
            // A reader sees that, and not a state from before.
            let mut tx = test.store.read().await.unwrap();
            assert_eq!(audit::page_of_user(&mut tx, UserId(1), None, 1_000).await.unwrap().items.len(), patience + 1);
        }
    }
}

#[tokio::test]
async fn no_statement_of_the_pool_runs_for_ever_or_by_another_isolation_than_ours() {
    let Some(test) = Test::postgres().await else { return };
    test.execute(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.detail := concat_ws(' ', \
         current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'), \
         current_setting('application_name'), current_setting('transaction_isolation')); RETURN NEW; END $$; \
         CREATE TRIGGER tell BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION tell(); \
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', \
         current_database()); END $$",
    )
    .await;
    let store = Store::open(&test.settings, Clock::system()).await.unwrap();
    store.write((), |tx, ()| Box::pin(note(tx, "?"))).await.unwrap();
    store.write_one((), |tx, ()| Box::pin(note(tx, "?"))).await.unwrap();
    assert_eq!(notes(&test).await, ["3s 4s doorward read committed"; 2]);
    store.close().await;
}

#[tokio::test]
async fn a_server_that_went_away_is_unavailable() {
    let Some(programs) = postgres::programs() else { return };
    let cluster = postgres::Cluster::start(&programs, &["fsync=off"]);
    let settings = crate::common::postgres_settings(&cluster.create_database("").await);
    let test = Test::open(settings, None).await;
    let user = register(&test, "ada@example.com").await.unwrap();
    let mut tx = test.store.read().await.unwrap();
    drop(cluster);

    assert!(account::by_id(&mut tx, user.id).await.unwrap_err().is_unavailable());
    assert!(test.store.ping().await.unwrap_err().is_unavailable());
    assert!(test.store.write((), |tx, ()| Box::pin(note(tx, "never"))).await.unwrap_err().is_unavailable());
}
