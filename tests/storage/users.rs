//! Accounts.

use doorward::domain::account::Email;
use doorward::domain::account::{FullName, User, UserId};
use doorward::domain::password::PasswordHash;
use doorward::storage::account::{self, NewUser};
use std::time::Duration;

use crate::common::{START, Test, both};

pub fn hash(text: &str) -> PasswordHash {
    PasswordHash::new(text.to_owned())
}

/// Registers somebody with the hash `first`.
pub async fn register(test: &Test, email: &str) -> Option<User> {
    let new = NewUser {
        email: Email::parse(email).unwrap(),
        full_name: FullName::parse("Ada Lovelace").unwrap(),
        password_hash: hash("first"),
    };
    let write = test.store.write((), move |tx, ()| {
        let new = new.clone();
        Box::pin(async move {
            let now = tx.now().await?;
            account::insert(tx, &new, now).await
        })
    });
    write.await.unwrap()
}

both! {
    async fn an_account_is_found_as_it_was_made(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        assert_eq!(user.email.as_str(), "ada@example.com");
        assert_eq!(user.full_name.as_ref().unwrap().as_str(), "Ada Lovelace");
        assert!(user.is_active && !user.is_superuser);
        assert_eq!((user.created_at, user.last_login), (START, None));

        let mut tx = test.store.read().await.unwrap();
        assert_eq!(account::by_id(&mut tx, user.id).await.unwrap(), Some(user.clone()));
        assert_eq!(account::by_id(&mut tx, UserId(user.id.0 + 1)).await.unwrap(), None);
        let found = account::credentials(&mut tx, &user.email).await.unwrap().unwrap();
        assert_eq!((found.user, found.password_hash), (user, hash("first")));
        let unknown = Email::parse("nobody@example.com").unwrap();
        assert!(account::credentials(&mut tx, &unknown).await.unwrap().is_none());
    }
}

both! {
    async fn an_address_has_one_account(test) {
        assert!(register(&test, "ada@example.com").await.is_some());
        assert!(register(&test, "ada@example.com").await.is_none());
    }
}

both! {
    async fn a_login_is_recorded_only_for_the_hash_that_was_verified(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        test.clock.advance(Duration::from_mins(1));
        let id = user.id;
        let login = |verified: &'static str, version: i64| {
            test.store.write((), move |tx, ()| {
                Box::pin(async move { account::record_login(tx, id, (&hash(verified), version)).await })
            })
        };

        let (after, now) = login("first", 1).await.unwrap().unwrap();
        assert_eq!(now, START + Duration::from_mins(1));
        assert_eq!(after, User { last_login: Some(now), ..user });
        assert!(login("another", 1).await.unwrap().is_none());
        assert!(login("first", 2).await.unwrap().is_none());
        test.execute("UPDATE users SET is_active = FALSE").await;
        assert!(login("first", 1).await.unwrap().is_none());
    }
}

both! {
    async fn a_lock_tells_the_user_the_hash_and_the_time(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        test.clock.advance(Duration::from_secs(5));
        let id = user.id;
        let lock = test.store.write((), move |tx, ()| Box::pin(async move {
            assert!(account::lock(tx, UserId(id.0 + 1)).await?.is_none());
            account::lock(tx, id).await
        }));
        let locked = lock.await.unwrap().unwrap();
        assert_eq!(locked.user, user);
        assert_eq!(locked.password_hash, hash("first"));
        assert_eq!(locked.now, START + Duration::from_secs(5));
    }
}

both! {
    async fn a_hash_is_replaced_only_if_it_is_still_the_old_one(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let id = user.id;
        let replace = |old: &'static str, new: &'static str| test.store.write((), move |tx, ()| {
            Box::pin(async move { account::replace_hash(tx, id, &hash(old), &hash(new)).await })
        });
        assert!(!replace("another", "second").await.unwrap());
        assert!(replace("first", "second").await.unwrap());
        assert!(!replace("first", "third").await.unwrap());
        let mut tx = test.store.read().await.unwrap();
        assert_eq!(account::credentials(&mut tx, &user.email).await.unwrap().unwrap().password_hash, hash("second"));
    }
}

both! {
    async fn whom_a_change_concerned_is_told(test) {
        let ada = register(&test, "ada@example.com").await.unwrap();
        let bob = register(&test, "bob@example.com").await.unwrap();
        let cyd = register(&test, "cyd@example.com").await.unwrap();
        test.clock.advance(Duration::from_secs(1));
        let change = test.store.write((), move |tx, ()| Box::pin(async move {
            account::record_login(tx, bob.id, (&hash("first"), 1)).await?;
            account::replace_hash(tx, cyd.id, &hash("first"), &hash("second")).await
        }));
        assert!(change.await.unwrap());

        let mut tx = test.store.read().await.unwrap();
        let later = START + Duration::from_secs(1);
        let mut changed = account::changed_since(&mut tx, later).await.unwrap();
        changed.sort();
        assert_eq!(changed, [(bob.id, later), (cyd.id, later)]);
        let changed = account::changed_since(&mut tx, START).await.unwrap();
        assert_eq!(changed[0], (ada.id, START));
        assert_eq!(changed.len(), 3);
    }
}

both! {
    async fn the_id_of_a_deleted_user_is_never_given_again(test) {
        let first = register(&test, "ada@example.com").await.unwrap();
        test.execute("DELETE FROM users").await;
        let second = register(&test, "ada@example.com").await.unwrap();
        assert!(second.id > first.id);
    }
}

both! {
    async fn a_corrupt_row_is_an_error(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        for (column, value) in [("email", "Ada@example.com"), ("email", "ada"), ("full_name", " "), ("full_name", "\u{1}")] {
            test.execute("UPDATE users SET email = 'ada@example.com', full_name = NULL").await;
            test.execute(&format!("UPDATE users SET {column} = '{value}'")).await;
            let mut tx = test.store.read().await.unwrap();
            let error = account::by_id(&mut tx, user.id).await.unwrap_err();
            assert_eq!(error.to_string(), format!("a row of users is corrupt: {column}"));
        }
    }
}

both! {
    /// Each looks whether the address is free, and finds that it is.
    async fn of_two_who_want_one_address_at_once_one_has_it(test) {
        let (ada, bob) = (register(&test, "ada@example.com").await.unwrap(), register(&test, "bob@example.com").await.unwrap());
        for round in 0..50 {
            let wanted = Email::parse(&format!("wanted{round}@example.com")).unwrap();
            let take = |id: UserId| {
                let (store, wanted) = (test.store.clone(), wanted.clone());
                tokio::spawn(async move {
                    let taken = store.write((id, wanted), |tx, (id, wanted)| Box::pin(async move {
                        account::lock(tx, *id).await?;
                        account::set_email(tx, *id, wanted, None, START).await
                    }));
                    taken.await.unwrap().is_some()
                })
            };
            let (one, other) = (take(ada.id), take(bob.id));
            assert_ne!(one.await.unwrap(), other.await.unwrap(), "round {round}");
        }
    }
}
