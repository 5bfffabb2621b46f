//! Counters that nodes share: decided on under the lock of their row.

use std::time::Duration;

use doorward::domain::throttle::{Limit, Rule, Throttled};
use doorward::storage::Error;
use doorward::storage::throttle::{self, Claim, Decision};

use crate::common::{START, Test, both};

const RULE: Rule = Rule { limit: Limit { count: 5, window: Duration::from_mins(1) }, pace: None };

fn claim(key: u8) -> Claim {
    Claim { key: [key; 16], rule: RULE }
}

async fn reserve(test: &Test, claims: &[Claim]) -> Result<Decision, Error> {
    let claims = claims.to_vec();
    test.store
        .write((), move |tx, ()| {
            let claims = claims.clone();
            Box::pin(async move { throttle::reserve(tx, &claims).await })
        })
        .await
}

both! {
    async fn of_a_hundred_at_once_five_are_admitted(test) {
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move {
                    store.write((), |tx, ()| Box::pin(async move { throttle::reserve(tx, &[claim(1)]).await })).await
                })
            })
            .collect();
        let mut admitted = 0;
        for task in tasks {
            match task.await.unwrap().unwrap().outcome {
                Ok(times) => {
                    assert_eq!(times, [START]);
                    admitted += 1;
                }
                Err(Throttled { retry_after }) => assert_eq!(retry_after, Duration::from_mins(1)),
            }
        }
        assert_eq!(admitted, 5);
    }
}

both! {
    async fn a_refused_attempt_takes_nothing_of_its_other_claims(test) {
        for _ in 0..5 {
            assert!(reserve(&test, &[claim(2)]).await.unwrap().outcome.is_ok());
        }
        for _ in 0..3 {
            let decision = reserve(&test, &[claim(1), claim(2)]).await.unwrap();
            assert!(decision.outcome.is_err());
            assert_eq!(decision.logs.iter().map(|log| log.times().len()).collect::<Vec<_>>(), [0, 5]);
        }
        assert!(reserve(&test, &[claim(1)]).await.unwrap().outcome.is_ok());
    }
}

both! {
    async fn what_is_given_back_is_the_attempts_own_place(test) {
        let mut times = Vec::new();
        for _ in 0..5 {
            times.extend(reserve(&test, &[claim(1)]).await.unwrap().outcome.unwrap());
            test.clock.advance(Duration::from_secs(10));
        }
        assert!(reserve(&test, &[claim(1)]).await.unwrap().outcome.is_err());
        let third = times[2];
        test.store.write((), move |tx, ()| Box::pin(throttle::refund(tx, claim(1), third))).await.unwrap();
        let decision = reserve(&test, &[claim(1)]).await.unwrap();
        assert!(decision.outcome.is_ok());
        assert!(!decision.logs[0].times().contains(&third));
        // Forgotten, it begins anew.
        test.store.write((), |tx, ()| Box::pin(throttle::forget(tx, [1; 16]))).await.unwrap();
        assert_eq!(reserve(&test, &[claim(1)]).await.unwrap().logs[0].times().len(), 1);
    }
}

both! {
    async fn the_purge_takes_what_counts_no_more(test) {
        for key in 0..3 {
            reserve(&test, &[claim(key)]).await.unwrap();
        }
        test.clock.advance(Duration::from_secs(59));
        reserve(&test, &[claim(0)]).await.unwrap();
        test.clock.advance(Duration::from_secs(2));
        let now = test.clock.now();
        let purged = test.store.write((), move |tx, ()| Box::pin(throttle::purge(tx, now))).await.unwrap();
        assert_eq!(purged, 2);
        assert_eq!(test.texts("SELECT CAST(count(*) AS text) FROM throttle").await, ["1"]);
    }
}

both! {
    async fn a_corrupt_log_is_an_error(test) {
        let (bytes, check) = if test.is_postgres() {
            ("decode('000102', 'hex')", "ALTER TABLE throttle DROP CONSTRAINT throttle_log_check")
        } else {
            ("x'000102'", "PRAGMA ignore_check_constraints = on")
        };
        let insert = format!("{check}; INSERT INTO throttle VALUES ({}, {bytes}, 0)", bytes.replace("000102", &"07".repeat(16)));
        test.execute(&insert).await;
        let error = reserve(&test, &[claim(7)]).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { table: "throttle", .. }), "{error}");
    }
}
