//! Rotations without a lock.

use std::collections::HashSet;
use std::time::Duration;

use doorward::domain::account::{ExternalId, UserId};
use doorward::domain::session::{AuthMethod, EndReason, Ended, Session, SessionId, SessionSecret};
use doorward::domain::timestamp::Timestamp;
use doorward::platform::clock::Clock;
use doorward::storage::session::{self, Unlocked};
use doorward::storage::{Error, Store};

use crate::common::{START, Test, both};
use crate::sessions::{binding, find, session, store};
use crate::users::register;

/// Ways in which a row may be other than it was looked at.
const OTHER: [fn(&mut Session); 18] = [
    |row| row.user_id = UserId(row.user_id.0 + 1),
    |row| row.secret = SessionSecret([9; 32]),
    |row| row.amr.push(AuthMethod::MultiFactor),
    |row| row.proved_at = None,
    |row| row.generation += 1,
    |row| row.rotated_at = START + Duration::from_micros(1),
    |row| row.confirmed_generation += 1,
    |row| row.lost_replies += 1,
    |row| row.lost_reply_at = Some(START),
    |row| row.lost_replies_total += 1,
    |row| row.created_at = START + Duration::from_micros(1),
    |row| row.last_used_at = START + Duration::from_micros(1),
    |row| row.client_ip = None,
    |row| row.user_agent = Some(String::new()),
    |row| row.idle_expires_at = START,
    |row| row.expires_at = START,
    |row| row.binding = Some(binding(1)),
    |row| row.ended = Some(Ended { at: START, reason: EndReason::Logout }),
];

both! {
    async fn a_rotation_without_a_lock_is_written_only_where_nothing_is_other_than_it_was_looked_at(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let before = session(user.id, 1, START);
        store(&test, &before).await;
        store(&test, &session(user.id, 2, START)).await;
        let later = START + Duration::from_hours(1);
        let after = Session { generation: 2, rotated_at: later, confirmed_generation: 1, user_agent: None, ..before.clone() };
        let rotate = async |looked_at: Session, external_id: Option<&str>| {
            let external_id = external_id.map(|id| ExternalId::parse(id).unwrap());
            let written = rotate_together(&test, vec![(looked_at, external_id, after.clone())], later).await;
            written.map(|written| written.contains(&after.id))
        };
        for (number, other) in OTHER.iter().enumerate() {
            let mut looked_at = before.clone();
            other(&mut looked_at);
            assert!(!rotate(looked_at, None).await.unwrap(), "{number}");
        }
        assert!(!rotate(before.clone(), Some("somebody else")).await.unwrap());
        test.execute("UPDATE users SET is_active = FALSE").await;
        assert!(!rotate(before.clone(), None).await.unwrap());
        assert_eq!(find(&test, before.id).await.unwrap().0, before, "nothing was written");

        test.execute("UPDATE users SET is_active = TRUE").await;
        assert!(rotate(before.clone(), None).await.unwrap());
        assert_eq!(find(&test, before.id).await.unwrap().0, after);
        assert_eq!(find(&test, SessionId([2; 16])).await.unwrap().0, session(user.id, 2, START), "and of no other row");
        assert!(!rotate(before, None).await.unwrap(), "it is another one by now");
    }
}

/// Writes these rotations without a lock, in one statement.
pub async fn rotate_together(
    test: &Test,
    rotations: Vec<(Session, Option<ExternalId>, Session)>,
    now: Timestamp,
) -> Result<HashSet<SessionId>, Error> {
    rotate_on(&test.store, rotations, now).await
}

/// The same on a store of one's own.
pub async fn rotate_on(
    store: &Store,
    rotations: Vec<(Session, Option<ExternalId>, Session)>,
    now: Timestamp,
) -> Result<HashSet<SessionId>, Error> {
    let work = store.write_one(rotations, move |tx, rotations| {
        Box::pin(async move {
            let unlocked: Vec<_> = rotations
                .iter()
                .map(|(before, external_id, after)| Unlocked { before, external_id: external_id.as_ref(), after })
                .collect();
            session::rotate_unchanged(tx, &unlocked, now).await
        })
    });
    work.await
}

both! {
    async fn however_many_rotate_together_each_is_written_as_it_would_be_alone(test) {
        let ada = register(&test, "ada@example.com").await.unwrap();
        let bob = register(&test, "bob@example.com").await.unwrap();
        test.execute("UPDATE users SET external_id = 'bob' WHERE email = 'bob@example.com'").await;
        let later = START + Duration::from_hours(1);
        let mut number = 0;
        assert!(rotate_together(&test, Vec::new(), later).await.unwrap().is_empty());
        // Each of the texts, and most with some that are repeated.
        for together in [1, 2, 3, 4, 5, 7, 9, 11, 14, 20, 31, Unlocked::MOST] {
            let mut rotations = Vec::new();
            for _ in 0..together {
                number += 1;
                let of_bob = number % 2 == 0;
                let before = numbered(if of_bob { bob.id } else { ada.id }, number);
                store(&test, &before).await;
                let after = Session {
                    generation: 2,
                    rotated_at: later,
                    last_used_at: later,
                    user_agent: Some(format!("browser {number}")),
                    ..before.clone()
                };
                let external_id = of_bob.then(|| ExternalId::parse("bob").unwrap());
                rotations.push((before, external_id, after));
            }
            // One of them is not what it was.
            let changed = &mut rotations[together / 2].0;
            changed.confirmed_generation += 1;
            let changed = changed.id;
            let written = rotate_together(&test, rotations.clone(), later).await.unwrap();
            assert_eq!(written.len(), together - 1);
            for (before, _, after) in rotations {
                let is_changed = after.id == changed;
                assert_eq!(written.contains(&after.id), !is_changed);
                let stored = find(&test, after.id).await.unwrap().0;
                assert_eq!(stored, if is_changed { Session { confirmed_generation: 0, ..before } } else { after });
            }
        }
    }
}

#[tokio::test]
async fn a_rotation_by_another_time_than_the_databases_is_not_written() {
    let Some(test) = Test::postgres().await else { return };
    let user = register(&test, "ada@example.com").await.unwrap();
    let before = session(user.id, 1, START);
    store(&test, &before).await;
    let after = Session { generation: 2, ..before.clone() };
    let clock = Clock::system();
    let on_its_clock = Store::open(&test.settings, clock.clone()).await.unwrap();
    let rotate = async |off: Timestamp| {
        let rotation = vec![(before.clone(), None, after.clone())];
        rotate_on(&on_its_clock, rotation, off).await.unwrap().len()
    };
    let minute = Duration::from_mins(1);
    assert_eq!([rotate(clock.now() - minute).await, rotate(clock.now() + minute).await], [0, 0]);
    assert_eq!(find(&test, before.id).await.unwrap().0, before);
    assert_eq!(rotate(clock.now()).await, 1);
    on_its_clock.close().await;
}

/// More than there are with one byte.
fn numbered(user: UserId, number: u16) -> Session {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    Session { id: SessionId(id), ..session(user, 1, START) }
}
