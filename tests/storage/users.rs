//! Accounts.

use doorward::domain::email::Email;
use doorward::domain::password::PasswordHash;
use doorward::domain::user::{FullName, User, UserId};
use doorward::storage::users::{self, NewUser};
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
    let write = test.store.write(move |tx| {
        let new = new.clone();
        Box::pin(async move {
            let now = tx.now().await?;
            users::insert(tx, &new, now).await
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
        assert_eq!(users::by_id(&mut tx, user.id).await.unwrap(), Some(user.clone()));
        assert_eq!(users::by_id(&mut tx, UserId(user.id.0 + 1)).await.unwrap(), None);
        let found = users::credentials(&mut tx, &user.email).await.unwrap().unwrap();
        assert_eq!((found.user, found.password_hash), (user, hash("first")));
        let unknown = Email::parse("nobody@example.com").unwrap();
        assert!(users::credentials(&mut tx, &unknown).await.unwrap().is_none());
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
        let login = |verified: &'static str| {
            test.store.write(move |tx| Box::pin(async move { users::record_login(tx, id, &hash(verified)).await }))
        };

        let (after, now) = login("first").await.unwrap().unwrap();
        assert_eq!(now, START + Duration::from_mins(1));
        assert_eq!(after, User { last_login: Some(now), ..user });
        assert!(login("another").await.unwrap().is_none());
        test.execute("UPDATE users SET is_active = FALSE").await;
        assert!(login("first").await.unwrap().is_none());
    }
}
