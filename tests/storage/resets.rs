//! Password resets, and the other tokens that are good once.

use std::time::Duration;

use doorward::domain::account::UserId;
use doorward::storage::{PURGE_BATCH, account, password};

use crate::common::{START, Test, both};
use crate::users::register;

/// A reset that the version before has made.
async fn put_before(test: &Test, user: UserId, token: &str) {
    let token = if test.is_postgres() { format!("'\\x{token}'") } else { format!("x'{token}'") };
    let expires_at = (START + Duration::from_secs(2)).micros();
    test.execute(&format!("INSERT INTO password_resets VALUES ({user}, {token}, {expires_at})")).await;
}

async fn rows(test: &Test) -> [usize; 2] {
    let count = async |table: &str| test.texts(&format!("SELECT 'row' FROM {table}")).await.len();
    [count("one_time_tokens").await, count("password_resets").await]
}

both! {
    async fn a_reset_is_used_once_in_its_time_and_replaced_by_the_next(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            let (end, just_before) = (START + Duration::from_secs(2), START + Duration::from_secs(1));
            password::put(tx, user, &[1; 32], START, end).await?;
            assert_eq!(password::find(tx, &[1; 32], just_before).await?, Some(user));
            assert_eq!(password::find(tx, &[1; 32], end).await?, None);
            assert!(password::take(tx, &[1; 32], end).await?.is_none());
            password::put(tx, user, &[2; 32], START, end).await?;
            assert_eq!(password::find(tx, &[1; 32], just_before).await?, None);
            assert!(password::take(tx, &[1; 32], just_before).await?.is_none());
            assert!(password::take(tx, &[2; 32], just_before).await?.is_some());
            assert!(password::take(tx, &[2; 32], just_before).await?.is_none());
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn a_reset_of_the_version_before_is_found_used_replaced_and_voided(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let (end, just_before) = (START + Duration::from_secs(2), START + Duration::from_secs(1));
        put_before(&test, user, &"03".repeat(32)).await;
        let take = test.store.write((), move |tx, ()| Box::pin(async move {
            assert_eq!(password::find(tx, &[3; 32], just_before).await?, Some(user));
            assert_eq!(password::find(tx, &[3; 32], end).await?, None);
            assert!(password::take(tx, &[3; 32], end).await?.is_none());
            assert!(password::take(tx, &[3; 32], just_before).await?.is_some());
            assert!(password::take(tx, &[3; 32], just_before).await?.is_none());
            password::put(tx, user, &[4; 32], START, end).await
        }));
        take.await.unwrap();
        // It knows nothing of the new table.
        put_before(&test, user, &"05".repeat(32)).await;
        assert_eq!(rows(&test).await, [1, 1]);
        test.store.write((), move |tx, ()| Box::pin(password::void(tx, user))).await.unwrap();
        assert_eq!(rows(&test).await, [0, 0]);
        put_before(&test, user, &"06".repeat(32)).await;
        test.store.write((), move |tx, ()| Box::pin(password::put(tx, user, &[7; 32], START, end))).await.unwrap();
        assert_eq!(rows(&test).await, [1, 0]);
    }
}

both! {
    async fn who_is_erased_leaves_no_token(test) {
        let ada = register(&test, "ada@example.com").await.unwrap().id;
        let bob = register(&test, "bob@example.com").await.unwrap().id;
        let put = test.store.write((), move |tx, ()| Box::pin(async move {
            password::put(tx, ada, &[1; 32], START, START).await?;
            password::put(tx, bob, &[2; 32], START, START).await?;
            account::erase(tx, ada).await
        }));
        put.await.unwrap();
        let text = "SELECT user_id || ' ' || purpose FROM one_time_tokens";
        assert_eq!(test.texts(text).await, [format!("{bob} reset")]);
    }
}

both! {
    async fn tokens_that_have_expired_are_purged_and_so_many_at_once(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let (now, later) = (START.micros(), START.micros() + 1);
        let hash = |number: u64| {
            let hex = format!("{number:064x}");
            if test.is_postgres() { format!("'\\x{hex}'") } else { format!("x'{hex}'") }
        };
        let all = PURGE_BATCH + 1;
        let tokens: Vec<_> = (0..all).map(|number| format!("({}, 'verify', {user}, 0, {now})", hash(number))).collect();
        let spent: Vec<_> = (0..all).map(|number| format!("({}, {now})", hash(number))).collect();
        let into = "INSERT INTO one_time_tokens (hash, purpose, user_id, created_at, expires_at) VALUES";
        test.execute(&format!("{into} {}, ({}, 'verify', NULL, 0, {later})", tokens.join(","), hash(all))).await;
        test.execute(&format!("INSERT INTO spent VALUES {}, ({}, {later})", spent.join(","), hash(all))).await;

        let purge = || test.store.write((), |tx, ()| Box::pin(password::purge(tx, START)));
        assert_eq!([purge().await.unwrap(), purge().await.unwrap(), purge().await.unwrap()], [PURGE_BATCH, 1, 0]);
        for table in ["one_time_tokens", "spent"] {
            assert_eq!(test.texts(&format!("SELECT expires_at || '' FROM {table}")).await, [later.to_string()], "{table}");
        }
    }
}
