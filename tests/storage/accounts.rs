//! What owners and operators do with accounts.

use std::time::Duration;

use doorward::domain::account::{FullName, User, UserId};
use doorward::domain::audit::{Actor, Entry, Event, Record};
use doorward::domain::session::{EndReason, SessionId};
use doorward::storage::{Page, account, audit, session};

use crate::common::{START, both};
use crate::sessions::{session, store};
use crate::users::{hash, register};

both! {
    async fn changes_of_an_account_are_kept_and_told(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let other = register(&test, "bob@example.com").await.unwrap();
        let later = START + Duration::from_secs(1);
        let id = user.id;
        let change = test.store.write((), move |tx, ()| Box::pin(async move {
            let name = FullName::parse("Countess").unwrap();
            assert!(account::rename(tx, UserId(404), None, later).await?.is_none());
            let renamed = account::rename(tx, id, name.as_ref(), later).await?.unwrap();
            assert_eq!(renamed.full_name, name);
            account::set_password(tx, id, &hash("second"), later).await?;
            account::make_superuser(tx, id, later).await?;
            assert_eq!(account::lock_superusers(tx).await?, [id]);
            account::set_active(tx, id, false, later).await?;
            assert!(account::lock_superusers(tx).await?.is_empty());
            Ok(renamed)
        }));
        let expected = User { is_active: false, is_superuser: true, ..change.await.unwrap() };

        let mut tx = test.store.read().await.unwrap();
        let found = account::credentials(&mut tx, &user.email).await.unwrap().unwrap();
        assert_eq!((found.user, found.password_hash), (expected.clone(), hash("second")));
        assert_eq!(account::changed_since(&mut tx, later).await.unwrap(), [(id, later)]);
        assert_eq!(account::list(&mut tx, UserId(0), 9).await.unwrap(), [expected.clone(), other.clone()]);
        assert_eq!(account::list(&mut tx, UserId(0), 1).await.unwrap(), [expected]);
        assert_eq!(account::list(&mut tx, id, 9).await.unwrap(), [other]);
    }
}

both! {
    async fn of_an_erased_user_the_audit_keeps_the_id_alone(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let id = user.id;
        store(&test, &session(id, 1, START)).await;
        let record = Record {
            event: Event::LoginSucceeded,
            actor: Actor::Operator,
            user_id: Some(id),
            session_id: Some(SessionId([1; 16])),
            ip: Some("192.0.2.7".parse().unwrap()),
            user_agent: Some("curl/8".to_owned()),
            detail: Some("more".to_owned()),
        };
        let before = record.clone();
        let append = test.store.write((), move |tx, ()| {
            let record = record.clone();
            Box::pin(async move { audit::append(tx, &record, START).await })
        });
        append.await.unwrap();
        let entries = || async {
            let page = audit::page_of_user(&mut test.store.read().await.unwrap(), id, None, 9).await.unwrap();
            page.items
        };
        assert_eq!(entries().await, [Entry { at: START, record: before }]);

        test.store.write((), move |tx, ()| Box::pin(account::erase(tx, id))).await.unwrap();
        let bare = Record { user_id: Some(id), actor: Actor::Operator, ..Record::of(Event::LoginSucceeded) };
        assert_eq!(entries().await, [Entry { at: START, record: bare }]);
        let mut tx = test.store.read().await.unwrap();
        assert!(account::by_id(&mut tx, id).await.unwrap().is_none());
        assert!(session::page_of_user(&mut tx, id, None, 9).await.unwrap().items.is_empty());
    }
}

both! {
    async fn old_records_are_purged(test) {
        let times = [START, START + Duration::from_secs(1), START + Duration::from_secs(2)];
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            for at in times {
                audit::append(tx, &Record::of(Event::LoginFailed), at).await?;
            }
            audit::purge(tx, times[1]).await
        }));
        assert_eq!(write.await.unwrap(), 1);
        assert_eq!(test.texts("SELECT 'kept' FROM audit").await.len(), 2);
    }
}

both! {
    async fn a_users_sessions_are_listed(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let id = user.id;
        store(&test, &session(id, 2, START)).await;
        store(&test, &session(id, 1, START + Duration::from_secs(1))).await;
        let end = test.store.write((), |tx, ()| Box::pin(session::end(tx, SessionId([1; 16]), &EndReason::Logout, START)));
        assert!(end.await.unwrap());

        let mut tx = test.store.read().await.unwrap();
        let ids = |rows: Vec<doorward::domain::session::Session>| rows.iter().map(|row| row.id.0[0]).collect::<Vec<_>>();
        assert_eq!(ids(session::page_of_user(&mut tx, id, None, 9).await.unwrap().items), [2, 1]);
        let first = session::page_of_user(&mut tx, id, None, 1).await.unwrap();
        assert_eq!((ids(first.items), first.last), (vec![2], Some((START, SessionId([2; 16])))));
        assert_eq!(ids(session::page_of_user(&mut tx, id, first.last, 9).await.unwrap().items), [1]);
        let after = Some((START + Duration::from_secs(1), SessionId([1; 16])));
        assert_eq!(session::page_of_user(&mut tx, id, after, 9).await.unwrap(), Page { items: vec![], last: None });
        assert_eq!(ids(session::list_of_user(&mut tx, id, START).await.unwrap()), [2]);
    }
}

both! {
    async fn what_makes_proofs_void_moves_the_version_of_the_credentials_and_another_hash_does_not(test) {
        let id = register(&test, "ada@example.com").await.unwrap().id;
        register(&test, "bob@example.com").await.unwrap();
        let versions = async || test.texts("SELECT credentials_version || '' FROM users ORDER BY id").await;
        assert_eq!(versions().await, ["1", "1"]);
        let rehash = test.store.write((), move |tx, ()| Box::pin(async move {
            account::set_active(tx, id, true, START).await?;
            assert!(!account::change_password(tx, id, &hash("other"), &hash("second")).await?);
            account::replace_hash(tx, id, &hash("first"), &hash("again")).await
        }));
        assert!(rehash.await.unwrap());
        assert_eq!(versions().await, ["1", "1"]);
        let change = test.store.write((), move |tx, ()| Box::pin(async move {
            assert!(account::change_password(tx, id, &hash("again"), &hash("second")).await?);
            account::set_password(tx, id, &hash("third"), START).await?;
            account::set_active(tx, id, false, START).await
        }));
        change.await.unwrap();
        assert_eq!(versions().await, ["4", "1"]);
    }
}
