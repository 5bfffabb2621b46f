use super::*;

fn password() -> Password {
    Password::parse("correct".to_owned()).unwrap()
}

fn without_threads() -> Pool {
    Pool::without_threads(Duration::from_mins(1), 1, 16_000.0, 4, Random::repeatable(1))
}

#[tokio::test]
async fn a_job_that_has_not_begun_by_the_deadline_is_refused_and_taken_back() {
    let mut pool = without_threads();
    pool.deadline = Duration::ZERO;
    let pool = HashPool(Arc::new(pool));
    let refused = pool.hash(password()).await.unwrap_err();
    assert!(matches!(refused, HashError::Overloaded { retry_after } if retry_after >= Duration::from_secs(1)));
    let gauges = pool.gauges();
    assert_eq!((gauges.waiting, gauges.refused, gauges.abandoned, gauges.rounds_done), (0, 1, 0, 0));
}

#[tokio::test]
async fn a_job_whose_caller_has_gone_is_dropped() {
    let pool = HashPool(Arc::new(without_threads()));
    let mut call = Box::pin(pool.verify(password(), None));
    assert!(futures_util::poll!(&mut call).is_pending());
    assert_eq!(pool.gauges().waiting, 1);
    drop(call);
    let gauges = pool.gauges();
    assert_eq!((gauges.waiting, gauges.refused, gauges.abandoned), (0, 0, 1));
}

#[tokio::test]
async fn a_closed_pool_answers_those_who_wait_and_those_who_come() {
    let pool = HashPool(Arc::new(without_threads()));
    let mut waiting = Box::pin(pool.verify(password(), None));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    pool.close();
    assert!(matches!(waiting.await, Err(HashError::Closed)));
    assert!(matches!(pool.hash(password()).await, Err(HashError::Closed)));
}

#[test]
fn the_threads_end_with_the_last_clone() {
    let config = Hashing { threads: Some(3), queue: Duration::from_secs(2) };
    let pool = HashPool::start(config, 4, Random::repeatable(1)).unwrap();
    let threads = std::mem::take(&mut *lock(&pool.0.threads));
    assert_eq!(threads.len(), 3);
    let clone = pool.clone();
    drop(pool);
    assert!(threads.iter().all(|thread| !thread.is_finished()));
    drop(clone);
    for thread in threads {
        thread.join().unwrap();
    }
}
