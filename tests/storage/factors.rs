//! Factors: apps, recovery codes, the codes that operators give, and removals that are under way.

use std::time::Duration;

use doorward::domain::account::UserId;
use doorward::domain::factor::{Enrolled, Recovery};
use doorward::domain::timestamp::Timestamp;
use doorward::platform::sealed::Sealed;
use doorward::storage::factor::{self, NewRecoveryCode, Pending};
use doorward::storage::{Tx, account, mail};

use crate::common::{START, both};
use crate::users::register;

const MINUTE: Duration = Duration::from_mins(1);

fn sealed(byte: u8) -> Sealed {
    Sealed { key_id: [byte; 4], bytes: vec![byte; 60] }
}

async fn standing(tx: &mut Tx, id: UserId, not_before: Timestamp) -> (bool, u32, i64) {
    let (Enrolled { totp, recovery_codes, .. }, version) = factor::standing(tx, id, not_before).await.unwrap().unwrap();
    (totp, recovery_codes, version)
}

both! {
    async fn an_app_comes_and_goes_with_new_credentials_each_time(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            let (_, _, first) = standing(tx, user, Timestamp::EPOCH).await;
            factor::activate(tx, user, &sealed(1), 10, START).await?;
            let (totp, _, second) = standing(tx, user, Timestamp::EPOCH).await;
            assert!(totp && second > first);
            // Another one in its place.
            factor::activate(tx, user, &sealed(2), 12, START + MINUTE).await?;
            let stored = factor::totp(tx, user).await?.unwrap();
            assert_eq!((stored.secret, stored.last_step), (sealed(2), 12));
            assert_eq!((stored.created_at, stored.last_used_at), (START + MINUTE, START + MINUTE));
            let (_, _, third) = standing(tx, user, Timestamp::EPOCH).await;
            assert!(third > second);
            assert!(factor::remove_totp(tx, user, START).await?);
            assert!(!factor::remove_totp(tx, user, START).await?);
            let (totp, _, fourth) = standing(tx, user, Timestamp::EPOCH).await;
            assert!(!totp && fourth > third);
            assert_eq!(factor::totp(tx, user).await?, None);
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn a_step_is_used_once_and_none_before_it(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            assert!(!factor::use_step(tx, user, 9, START).await?, "there is no app");
            factor::activate(tx, user, &sealed(1), 10, START).await?;
            for (step, is_good) in [(10, false), (9, false), (12, true), (12, false), (11, false), (13, true)] {
                assert_eq!(factor::use_step(tx, user, step, START + MINUTE).await?, is_good, "{step}");
            }
            let stored = factor::totp(tx, user).await?.unwrap();
            assert_eq!((stored.last_step, stored.created_at, stored.last_used_at), (13, START, START + MINUTE));
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn what_is_shown_is_confirmed_in_time_by_whom_it_was_shown_to(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            let pending = |byte| Pending { bound_to: [byte; 16], secret: sealed(byte), expires_at: START + MINUTE };
            factor::keep_pending(tx, user, &pending(1)).await?;
            assert_eq!(factor::pending(tx, user, &[1; 16], START).await?, Some(pending(1)));
            assert_eq!(factor::pending(tx, user, &[2; 16], START).await?, None);
            assert_eq!(factor::pending(tx, user, &[1; 16], START + MINUTE).await?, None);
            // The last one counts.
            factor::keep_pending(tx, user, &pending(2)).await?;
            assert_eq!(factor::pending(tx, user, &[1; 16], START).await?, None);
            assert_eq!(factor::pending(tx, user, &[2; 16], START).await?, Some(pending(2)));
            assert_eq!(factor::purge(tx, START).await?, 0);
            assert_eq!(factor::purge(tx, START + MINUTE).await?, 1);
            factor::keep_pending(tx, user, &pending(3)).await?;
            factor::activate(tx, user, &sealed(3), 1, START).await?;
            assert_eq!(factor::pending(tx, user, &[3; 16], START).await?, None);
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn recovery_codes_are_used_once_and_replaced_all_at_once(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            let code = |byte| NewRecoveryCode { salt: [byte; 16], hash: [byte; 32] };
            factor::activate(tx, user, &sealed(1), 1, START).await?;
            factor::replace_recovery_codes(tx, user, &[code(1), code(2)], START).await?;
            assert!(factor::use_recovery_code(tx, user, &[1; 16], START + MINUTE).await?);
            assert!(!factor::use_recovery_code(tx, user, &[1; 16], START + MINUTE).await?);
            assert!(!factor::use_recovery_code(tx, user, &[9; 16], START).await?);
            assert_eq!(standing(tx, user, Timestamp::EPOCH).await.1, 1);
            // Those from before a moment count for nothing.
            assert_eq!(standing(tx, user, START).await.1, 1);
            assert_eq!(standing(tx, user, START + MINUTE).await.1, 0);
            let gone = factor::recovery_codes(tx, user).await?.into_iter().filter(|code| code.used_at.is_some());
            assert_eq!(gone.map(|code| code.salt).collect::<Vec<_>>(), [[1; 16]]);
            factor::replace_recovery_codes(tx, user, &[code(3)], START).await?;
            assert!(!factor::use_recovery_code(tx, user, &[2; 16], START).await?);
            assert_eq!(standing(tx, user, Timestamp::EPOCH).await.1, 1);
            factor::remove_totp(tx, user, START).await?;
            assert!(factor::recovery_codes(tx, user).await?.is_empty());
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn secrets_are_found_by_their_key_and_sealed_anew_only_where_they_are_the_same(test) {
        let mut ids = Vec::new();
        for (name, byte) in [("ada", 1), ("bob", 2), ("eve", 2)] {
            let id = register(&test, &format!("{name}@example.com")).await.unwrap().id;
            ids.push(id);
            test.store
                .write((), move |tx, ()| Box::pin(async move { factor::activate(tx, id, &sealed(byte), 1, START).await }))
                .await
                .unwrap();
        }
        let write = test.store.write(ids, |tx, ids| Box::pin(async move {
            assert_eq!(factor::sealing_keys(tx).await?, [([1; 4], 1), ([2; 4], 2)]);
            let others = factor::sealed_by_others(tx, [1; 4], UserId(i64::MIN), 1).await?;
            assert_eq!(others, [(ids[1], sealed(2))]);
            let others = factor::sealed_by_others(tx, [1; 4], ids[1], 10).await?;
            assert_eq!(others, [(ids[2], sealed(2))]);
            // Somebody has set another app up meanwhile.
            factor::reseal(tx, ids[1], &sealed(9), &sealed(1)).await?;
            assert_eq!(factor::totp(tx, ids[1]).await?.unwrap().secret, sealed(2));
            factor::reseal(tx, ids[1], &sealed(2), &sealed(1)).await?;
            assert_eq!(factor::sealing_keys(tx).await?, [([1; 4], 2), ([2; 4], 1)]);
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn a_given_code_is_replaced_and_forgotten(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            assert_eq!(factor::given_code(tx, user).await?, None);
            factor::give_code(tx, user, &[1; 32], START).await?;
            factor::give_code(tx, user, &[2; 32], START).await?;
            assert_eq!(factor::given_code(tx, user).await?, Some([2; 32]));
            factor::forget_code(tx, user).await?;
            assert_eq!(factor::given_code(tx, user).await?, None);
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn a_removal_is_told_once_at_each_time_and_by_one_alone(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            let recovery = Recovery::begin(3 * MINUTE, 7, START);
            factor::begin_recovery(tx, user, &recovery, START + MINUTE).await?;
            assert_eq!(factor::recovery(tx, user).await?, Some(recovery));
            assert!(factor::recoveries_to_tell(tx, START, 10).await?.is_empty());
            let now = START + MINUTE;
            assert_eq!(factor::recoveries_to_tell(tx, now, 10).await?, [user]);
            assert!(factor::recoveries_to_tell(tx, now, 0).await?.is_empty());
            assert!(factor::tell_recovery_at(tx, user, now + MINUTE, now).await?);
            assert!(!factor::tell_recovery_at(tx, user, now + MINUTE, now).await?);
            assert!(factor::recoveries_to_tell(tx, now, 10).await?.is_empty());
            // One an account.
            let next = Recovery::begin(MINUTE, 8, now);
            factor::begin_recovery(tx, user, &next, now).await?;
            assert_eq!(factor::recovery(tx, user).await?, Some(next));
            assert!(factor::end_recovery(tx, user).await? && !factor::end_recovery(tx, user).await?);
            assert_eq!(factor::recovery(tx, user).await?, None);
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn a_removal_from_before_a_backup_goes_on_no_more(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            factor::begin_recovery(tx, user, &Recovery::begin(MINUTE, 7, START), START).await?;
            assert!(!mail::are_before(tx, START).await? && mail::are_before(tx, START + MINUTE).await?);
            mail::void_before(tx, START).await?;
            assert!(factor::recovery(tx, user).await?.is_some());
            mail::void_before(tx, START + MINUTE).await?;
            assert!(factor::recovery(tx, user).await?.is_none() && !mail::are_before(tx, START + MINUTE).await?);
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn a_token_is_spent_once(test) {
        let write = test.store.write((), |tx, ()| Box::pin(async move {
            assert!(!factor::is_spent(tx, &[1; 32]).await?);
            assert!(factor::spend(tx, &[1; 32], START).await? && !factor::spend(tx, &[1; 32], START).await?);
            assert!(factor::is_spent(tx, &[1; 32]).await? && !factor::is_spent(tx, &[2; 32]).await?);
            Ok(())
        }));
        write.await.unwrap();
    }
}

both! {
    async fn who_is_erased_leaves_nothing_of_a_factor(test) {
        let user = register(&test, "ada@example.com").await.unwrap().id;
        let write = test.store.write((), move |tx, ()| Box::pin(async move {
            factor::activate(tx, user, &sealed(1), 1, START).await?;
            let pending = Pending { bound_to: [1; 16], secret: sealed(1), expires_at: START + MINUTE };
            factor::keep_pending(tx, user, &pending).await?;
            factor::replace_recovery_codes(tx, user, &[NewRecoveryCode { salt: [1; 16], hash: [1; 32] }], START).await?;
            factor::give_code(tx, user, &[1; 32], START).await?;
            factor::begin_recovery(tx, user, &Recovery::begin(MINUTE, 1, START), START).await?;
            account::erase(tx, user).await
        }));
        write.await.unwrap();
        for table in ["totp", "totp_pending", "recovery_codes", "enrolment_codes", "factor_recoveries"] {
            assert!(test.texts(&format!("SELECT 'row' FROM {table}")).await.is_empty(), "{table}");
        }
    }
}
