//! Poolers before PostgreSQL: each works, or is refused at start with the remedy. A wrong answer is never possible.

use std::time::Duration;

use doorward::domain::account::{User, UserId};
use doorward::domain::session::Session;
use doorward::domain::timestamp::Timestamp;
use doorward::platform::clock::Clock;
use doorward::storage::{Error, StartError, StartProblem, Store, account};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::common::{START, Test, postgres_settings};
use crate::rotations::rotate_on;
use crate::sessions::{find, session, store};
use crate::support::pooler::{Pooler, RunningPooler};
use crate::support::postgres;
use crate::transactions::note;
use crate::users::register;

/// A database with a few users, and a pooler before it.
async fn behind(pooler: Pooler) -> Option<(RunningPooler, Test, String)> {
    let cluster = postgres::shared()?;
    let running = pooler.start(cluster)?;
    let test = Test::postgres().await?;
    let database = test.texts("SELECT current_database()::text").await.remove(0);
    Some((running, test, database))
}

async fn open(pooler: &RunningPooler, database: &str) -> Result<Store, StartError> {
    Store::open(&postgres_settings(&pooler.url(database)), Clock::system()).await
}

#[tokio::test]
async fn sessions_that_are_lent_by_the_transaction_or_the_statement_are_refused_with_the_remedy() {
    for mode in ["transaction", "statement"] {
        let Some((pooler, _test, database)) = behind(Pooler::PgBouncer(mode)).await else { return };
        let Err(error) = open(&pooler, &database).await else { panic!("{mode} can't be used") };
        assert_eq!(error.problem(), StartProblem::Pooler, "{error}");
        assert!(error.to_string().contains("Set pool_mode = session"), "{error}");
    }
}

#[tokio::test]
async fn a_session_for_each_client_is_as_good_as_none_between() {
    for pooler in [Pooler::PgBouncer("session"), Pooler::Pgpool] {
        let Some((pooler, test, database)) = behind(pooler).await else { continue };
        let store = open(&pooler, &database).await.unwrap();
        assert!(store.pending().await.unwrap().is_empty());
        let user = register(&test, "ada@example.com").await.unwrap();
        assert_eq!(by_id(&store, user.id).await.unwrap(), Some(user));
        store.write((), |tx, ()| Box::pin(note(tx, "written"))).await.unwrap();
        store.check().await.unwrap();
        // A message comes through.
        let mut revocations = store.revocations().await.unwrap();
        test.execute("SELECT pg_notify('doorward_revocation', '')").await;
        let heard = revocations.wait(Duration::from_hours(1));
        timeout(Duration::from_secs(40), heard).await.expect("a message").unwrap();
        assert!(revocations.changed().await.unwrap().is_some());
        store.close().await;
    }
}

async fn by_id(store: &Store, id: UserId) -> Result<Option<User>, Error> {
    let mut tx = store.read().await?;
    account::by_id(&mut tx, id).await
}

/// Takes one number, as [`by_id`] does: a server that confuses the two has nothing to complain of.
async fn count(store: &Store) -> Result<usize, Error> {
    let mut tx = store.read().await?;
    Ok(account::changed_since(&mut tx, Timestamp::EPOCH).await?.len())
}

/// Seen: two thirds of all requests failed, and right passwords were wrong, because connections ran each other's statements.
#[tokio::test]
async fn a_mode_that_is_changed_while_the_service_runs_gives_no_wrong_answer() {
    let Some((pooler, test, database)) = behind(Pooler::PgBouncer("session")).await else { return };
    let mut users = Vec::new();
    for number in 0..5 {
        users.push(register(&test, &format!("ann{number}@example.com")).await.unwrap());
    }
    let (one, other) = (open(&pooler, &database).await.unwrap(), open(&pooler, &database).await.unwrap());
    let (mut right, mut refused) = (0, 0);
    for round in 0..40 {
        if round == 5 {
            pooler.set_mode("transaction");
        }
        let asked = join_all((0..12).map(async |number| {
            let store = if number % 2 == 0 { &one } else { &other };
            // Each connection prepares its statements in another order.
            if (number + round) % 3 == 0 {
                return count(store).await.map(|count| assert_eq!(count, users.len()));
            }
            let user = &users[(number * 7 + round) % users.len()];
            by_id(store, user.id).await.map(|found| assert_eq!(found.as_ref(), Some(user)))
        }));
        for outcome in asked.await {
            match outcome {
                Ok(()) => right += 1,
                Err(error) => {
                    assert!(error.is_unavailable(), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(right >= 60, "{right} right, {refused} refused");
    assert!(refused > 0, "nothing was exchanged: the test shows nothing");
}

/// The same of statements that commit themselves, without a transaction around them that knows whose session it is in.
#[tokio::test]
async fn a_mode_that_is_changed_while_sessions_rotate_mixes_nothing_up() {
    let Some((pooler, test, database)) = behind(Pooler::PgBouncer("session")).await else { return };
    let user = register(&test, "ada@example.com").await.unwrap();
    let mut sessions: Vec<Session> = (0..12).map(|id| session(user.id, id, START)).collect();
    for session in &sessions {
        store(&test, session).await;
    }
    let (one, other) = (open(&pooler, &database).await.unwrap(), open(&pooler, &database).await.unwrap());
    let (mut right, mut refused, mut lent) = (0, 0, 0);
    for round in 0..40 {
        if round == 5 {
            pooler.set_mode("transaction");
        }
        // One to four together: as many different statements.
        let asked = join_all(sessions.chunks(1 + round % 4).enumerate().map(async |(number, chunk)| {
            let store = if number % 2 == 0 { &one } else { &other };
            let pairs: Vec<_> = chunk.iter().map(|before| (before.clone(), None, rotated(before))).collect();
            let done = rotate_on(store, pairs, Clock::system().now()).await;
            if (number + round) % 3 == 0 {
                drop(count(store).await);
            }
            done.map(|done| assert_eq!(done.len(), chunk.len(), "nobody else changes them"))
        }));
        let outcomes = asked.await;
        for (chunk, outcome) in sessions.chunks_mut(1 + round % 4).zip(outcomes) {
            match &outcome {
                Ok(()) => right += 1,
                Err(error) => {
                    assert!(error.is_unavailable(), "{error}");
                    refused += 1;
                    lent += u32::from(error.to_string().contains("22012"));
                }
            }
            for before in chunk {
                let (after, found) = (rotated(before), find(&test, before.id).await.unwrap().0);
                assert!(found == after || outcome.is_err() && found == *before, "{found:?}");
                *before = found;
            }
        }
    }
    assert!(right >= 30, "{right} right, {refused} refused");
    assert!(lent > 0, "no statement has found that its session is another one, of {refused} that were refused");
}

fn rotated(before: &Session) -> Session {
    Session { generation: before.generation + 1, ..before.clone() }
}
