//! Sessions.

use std::time::Duration;

use doorward::domain::account::{User, UserId};
use doorward::domain::session::{
    AuthMethod, Binding, BindingName, Delivery, DeviceKey, EndReason, Ended, Session, SessionId, SessionSecret,
};
use doorward::domain::timestamp::Timestamp;
use doorward::storage::{Error, PURGE_BATCH, session};

use crate::common::{START, Test, both};
use crate::users::register;

/// A session of a user, made at a time; its id is sixteen times this byte.
pub fn session(user: UserId, id: u8, at: Timestamp) -> Session {
    Session {
        id: SessionId([id; 16]),
        user_id: user,
        secret: SessionSecret([id; 32]),
        amr: vec![AuthMethod::Password],
        proved_at: Some(at),
        generation: 1,
        rotated_at: at,
        confirmed_generation: 0,
        lost_replies: 0,
        lost_reply_at: None,
        lost_replies_total: 0,
        created_at: at,
        last_used_at: at,
        client_ip: Some("192.0.2.7".parse().unwrap()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        idle_expires_at: at + DAYS_7,
        expires_at: at + DAYS_30,
        binding: None,
        delivery: Delivery::Cookies,
        ended: None,
    }
}

const DAYS_7: Duration = Duration::from_hours(7 * 24);
const DAYS_30: Duration = Duration::from_hours(30 * 24);

pub fn binding(number: u8) -> Binding {
    Binding { key: DeviceKey([number; 65]), name: BindingName([number; 16]) }
}

pub async fn store(test: &Test, session: &Session) {
    let session = session.clone();
    let write = test.store.write((), move |tx, ()| {
        let session = session.clone();
        Box::pin(async move { session::insert(tx, &session).await })
    });
    write.await.unwrap();
}

pub async fn find(test: &Test, id: SessionId) -> Option<(Session, User)> {
    let mut tx = test.store.read().await.unwrap();
    session::find(&mut tx, id).await.unwrap()
}

async fn end(test: &Test, id: SessionId, reason: EndReason, at: Timestamp) -> bool {
    test.store.write(reason, move |tx, reason| Box::pin(session::end(tx, id, reason, at))).await.unwrap()
}

both! {
    async fn a_session_is_found_as_it_was_stored(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        // As one that the version before has made.
        let plain =
            Session { amr: vec![], proved_at: None, client_ip: None, user_agent: None, ..session(user.id, 1, START) };
        let full = Session {
            amr: vec![AuthMethod::Password, AuthMethod::Other("iris".to_owned())],
            proved_at: Some(START + Duration::from_secs(1)),
            generation: u32::MAX,
            confirmed_generation: u32::MAX - 1,
            lost_replies: 2,
            lost_reply_at: Some(START + Duration::from_secs(9)),
            lost_replies_total: 7,
            last_used_at: START + Duration::from_secs(8),
            binding: Some(binding(9)),
            ended: Some(Ended { at: START + Duration::from_secs(10), reason: EndReason::Other("boredom".to_owned()) }),
            ..session(user.id, 2, START)
        };
        let of_an_app = Session { delivery: Delivery::Body, ..session(user.id, 4, START) };
        store(&test, &plain).await;
        store(&test, &full).await;
        store(&test, &of_an_app).await;

        assert_eq!(find(&test, plain.id).await, Some((plain, user.clone())));
        assert_eq!(find(&test, of_an_app.id).await, Some((of_an_app, user.clone())));
        assert_eq!(find(&test, full.id).await, Some((full, user)));
        assert_eq!(find(&test, SessionId([3; 16])).await, None);
    }
}

both! {
    async fn a_lock_tells_the_session_its_user_and_the_time(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let session = session(user.id, 1, START);
        store(&test, &session).await;
        test.clock.advance(Duration::from_secs(5));
        let (id, unknown) = (session.id, SessionId([9; 16]));
        let lock = || test.store.write((), move |tx, ()| Box::pin(async move {
            assert!(session::lock(tx, unknown).await?.is_none());
            assert!(session::lock_after_user(tx, unknown).await?.is_none());
            Ok((session::lock(tx, id).await?.unwrap(), session::lock_after_user(tx, id).await?.unwrap()))
        }));

        for active in [true, false] {
            if !active {
                test.execute("UPDATE users SET is_active = FALSE").await;
            }
            let (alone, after_user) = lock().await.unwrap();
            for locked in [alone, after_user] {
                assert_eq!(locked.session, session);
                assert_eq!(locked.user_active, active);
                assert_eq!(locked.now, START + Duration::from_secs(5));
            }
        }
    }
}

both! {
    async fn rotation_changes_what_it_may_and_nothing_of_an_ended_session(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let before = session(user.id, 1, START);
        store(&test, &before).await;
        let later = START + Duration::from_hours(1);
        let after = Session {
            generation: 2,
            rotated_at: later,
            confirmed_generation: 1,
            lost_replies: 1,
            lost_reply_at: Some(later),
            lost_replies_total: 1,
            last_used_at: later,
            client_ip: Some("198.51.100.1".parse().unwrap()),
            user_agent: None,
            idle_expires_at: later + DAYS_7,
            // These are for ever.
            ..before.clone()
        };
        let update = |session: Session| test.store.write((), move |tx, ()| {
            let session = session.clone();
            Box::pin(async move { session::update(tx, &session).await })
        });
        let more = Session { expires_at: later + DAYS_30, created_at: later, ..after.clone() };
        update(Session { amr: vec![], proved_at: Some(later), ..more }).await.unwrap();
        assert_eq!(find(&test, before.id).await.unwrap().0, after);

        assert!(end(&test, after.id, EndReason::Logout, later).await);
        assert!(matches!(update(Session { generation: 3, ..after }).await, Err(Error::Internal(_))));
        assert_eq!(find(&test, before.id).await.unwrap().0.generation, 2);
    }
}

both! {
    async fn an_end_is_set_once(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let session = session(user.id, 1, START);
        store(&test, &session).await;
        let reasons = EndReason::ALL.into_iter().enumerate();
        for (at, reason) in reasons {
            let at = START + Duration::from_secs(at as u64);
            assert_eq!(end(&test, session.id, reason.clone(), at).await, at == START, "{reason:?}");
        }
        let ended = Some(Ended { at: START, reason: EndReason::Logout });
        assert_eq!(find(&test, session.id).await.unwrap().0.ended, ended);
        assert!(!end(&test, SessionId([9; 16]), EndReason::Logout, START).await);
    }
}

both! {
    async fn the_live_sessions_of_a_user_come_in_the_order_of_their_ids(test) {
        let ada = register(&test, "ada@example.com").await.unwrap();
        let bob = register(&test, "bob@example.com").await.unwrap();
        for id in [0x80, 0x03, 0xff, 0x01] {
            store(&test, &session(ada.id, id, START)).await;
        }
        store(&test, &session(bob.id, 0x02, START)).await;
        let expired = Session { idle_expires_at: START, ..session(ada.id, 0x04, START) };
        store(&test, &expired).await;
        assert!(end(&test, SessionId([0x03; 16]), EndReason::Admin, START).await);

        let live = test.store.write((), move |tx, ()| Box::pin(async move { session::live_of_user(tx, ada.id, START).await }));
        let live: Vec<u8> = live.await.unwrap().iter().map(|session| session.id.0[0]).collect();
        assert_eq!(live, [0x01, 0x80, 0xff]);
    }
}

both! {
    async fn two_sessions_are_found_in_one_statement(test) {
        let ada = register(&test, "ada@example.com").await.unwrap();
        let bob = register(&test, "bob@example.com").await.unwrap();
        for (user, id) in [(ada.id, 1), (ada.id, 2), (bob.id, 3)] {
            store(&test, &session(user, id, START)).await;
        }
        let mut tx = test.store.read().await.unwrap();
        for (asked, expected) in [([1, 3], vec![1, 3]), ([2, 2], vec![2]), ([9, 3], vec![3]), ([8, 9], vec![])] {
            let found = session::find_two(&mut tx, asked.map(|id| SessionId([id; 16]))).await.unwrap();
            let mut found: Vec<u8> = found.iter().map(|(session, _)| session.id.0[0]).collect();
            found.sort_unstable();
            assert_eq!(found, expected);
        }
        assert_eq!(session::owner(&mut tx, SessionId([3; 16])).await.unwrap(), Some(bob.id));
        assert_eq!(session::owner(&mut tx, SessionId([9; 16])).await.unwrap(), None);
    }
}

both! {
    async fn a_generation_is_confirmed_once_while_it_is_the_newest_and_old_enough(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let session = Session { generation: 3, confirmed_generation: 1, ..session(user.id, 1, START) };
        let id = session.id;
        store(&test, &session).await;
        let confirm = |generation, rotated_by| {
            test.store.write((), move |tx, ()| Box::pin(async move { session::confirm(tx, id, generation, rotated_by).await }))
        };
        let just_before = Timestamp::from_micros(START.micros() - 1);

        assert!(!confirm(3, just_before).await.unwrap());
        assert!(!confirm(2, START).await.unwrap());
        assert!(!confirm(4, START).await.unwrap());
        assert!(confirm(3, START).await.unwrap());
        assert!(!confirm(3, START).await.unwrap());
        assert_eq!(find(&test, id).await.unwrap().0, Session { confirmed_generation: 3, ..session });

        test.execute("UPDATE sessions SET confirmed_generation = 2").await;
        assert!(end(&test, id, EndReason::Logout, START).await);
        assert!(!confirm(3, START).await.unwrap());
    }
}

both! {
    async fn what_ended_lately_is_told(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let moments: Vec<Timestamp> = (0..3).map(|seconds| START + Duration::from_secs(seconds)).collect();
        for (id, at) in (1..).zip(&moments) {
            store(&test, &session(user.id, id, START)).await;
            assert!(end(&test, SessionId([id; 16]), EndReason::LogoutAll, *at).await);
        }
        store(&test, &session(user.id, 9, START)).await;

        let mut tx = test.store.read().await.unwrap();
        let ended = session::ended_since(&mut tx, moments[1]).await.unwrap();
        let expected = [2, 3].map(|id| (SessionId([id; 16]), EndReason::LogoutAll));
        assert_eq!(ended, expected);
    }
}

both! {
    async fn the_purge_takes_what_ended_or_expired_and_so_many_at_once(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let before = START + Duration::from_mins(1);
        let ended_at = |at| Some(Ended { at, reason: EndReason::Logout });
        let rows = [
            (1, before + DAYS_7, None),
            (2, before, None),
            (3, START, None),
            (4, before + DAYS_7, ended_at(before)),
            (5, before + DAYS_7, ended_at(START)),
            (6, START, ended_at(START)),
        ];
        for (id, idle_expires_at, ended) in rows.clone() {
            store(&test, &Session { idle_expires_at, ended, ..session(user.id, id, START) }).await;
        }
        let purge = || test.store.write((), move |tx, ()| Box::pin(async move { session::purge(tx, before).await }));
        assert_eq!(purge().await.unwrap(), 3);
        for (id, ..) in rows {
            assert_eq!(find(&test, SessionId([id; 16])).await.is_some(), [1, 2, 4].contains(&id), "{id}");
        }

        let many = PURGE_BATCH + 1;
        let fill = test.store.write((), move |tx, ()| Box::pin(async move {
            for number in 0..many {
                let old = Session { idle_expires_at: START, ..session(user.id, 0, START) };
                let mut id = [0xee; 16];
                id[..8].copy_from_slice(&number.to_be_bytes());
                session::insert(tx, &Session { id: SessionId(id), ..old }).await?;
            }
            Ok(())
        }));
        fill.await.unwrap();
        assert_eq!(purge().await.unwrap(), PURGE_BATCH);
        assert_eq!(purge().await.unwrap(), 1);
    }
}

both! {
    async fn sessions_go_with_their_user(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        store(&test, &session(user.id, 1, START)).await;
        test.execute("DELETE FROM users").await;
        assert_eq!(find(&test, SessionId([1; 16])).await, None);
    }
}

both! {
    async fn what_can_not_be_is_not_stored(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let good = session(user.id, 1, START);
        let insert = |session: Session| test.store.write((), move |tx, ()| {
            let session = session.clone();
            Box::pin(async move { session::insert(tx, &session).await })
        });
        let bad = [
            Session { user_id: UserId(user.id.0 + 1), ..good.clone() },
            Session { generation: 0, ..good.clone() },
            Session { confirmed_generation: 2, ..good.clone() },
            Session { idle_expires_at: good.expires_at + Duration::from_secs(1), ..good.clone() },
        ];
        for session in bad {
            assert!(matches!(insert(session.clone()).await, Err(Error::Internal(_))), "{session:?}");
        }
        insert(good.clone()).await.unwrap();
        assert!(matches!(insert(good).await, Err(Error::Taken(_))), "the same id twice");
    }
}

both! {
    async fn a_corrupt_row_is_an_error(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let good = session(user.id, 1, START);
        let wrong = [
            ("client_ip", "client_ip = 'here'"),
            ("generation", "generation = 4294967296"),
            ("lost_replies", "lost_replies = -1"),
            ("lost_replies_total", "lost_replies_total = -1"),
        ];
        for (column, change) in wrong {
            test.execute("DELETE FROM sessions").await;
            store(&test, &good).await;
            test.execute(&format!("UPDATE sessions SET {change}")).await;
            let mut tx = test.store.read().await.unwrap();
            let error = session::find(&mut tx, good.id).await.unwrap_err();
            assert_eq!(error.to_string(), format!("a row of sessions is corrupt: {column}"));
        }
    }
}

both! {
    async fn a_session_is_bound_once_and_before_it_is_refreshed(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let plain = session(user.id, 1, START);
        let refreshed = Session { generation: 2, ..session(user.id, 2, START) };
        let over = Ended { at: START, reason: EndReason::Logout };
        let ended = Session { ended: Some(over), ..session(user.id, 3, START) };
        for session in [&plain, &refreshed, &ended] {
            store(&test, session).await;
        }
        let bind = |session: Session, number: u8| test.store.write((), move |tx, ()| {
            let session = session.clone();
            Box::pin(async move { session::bind(tx, &session, &binding(number)).await })
        });
        for (session, bound) in [(&refreshed, false), (&ended, false), (&plain, true), (&plain, false)] {
            assert_eq!(bind(session.clone(), 7).await.unwrap(), bound, "{session:?}");
        }
        // Read back, the secret is what it was; a second one of the name can't be.
        let now_bound = Session { binding: Some(binding(7)), ..plain.clone() };
        let mut tx = test.store.read().await.unwrap();
        assert_eq!(session::find_bound(&mut tx, BindingName([7; 16])).await.unwrap(), Some((now_bound.clone(), user.clone())));
        assert_eq!(session::find_bound(&mut tx, BindingName([8; 16])).await.unwrap(), None);
        drop(tx);
        assert_eq!(find(&test, plain.id).await, Some((now_bound.clone(), user.clone())));
        let other = session(user.id, 4, START);
        store(&test, &other).await;
        assert!(matches!(bind(other, 7).await, Err(Error::Taken(_))));
        // Rotation leaves it, and the end too.
        let rotated = Session { generation: 2, ..now_bound.clone() };
        let update = rotated.clone();
        let update = test.store.write((), move |tx, ()| {
            let update = update.clone();
            Box::pin(async move { session::update(tx, &update).await })
        });
        update.await.unwrap();
        assert_eq!(find(&test, plain.id).await, Some((rotated, user)));
    }
}
