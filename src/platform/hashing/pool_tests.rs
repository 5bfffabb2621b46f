use std::sync::atomic::AtomicU64;

use super::*;
use rate::Rates;
use work::Job;

fn password() -> Password {
    Password::parse("correct".to_owned()).unwrap()
}

fn without_threads() -> Pool {
    let checked = Checked { lanes: 1, rates: Rates { shared: 16_000.0, alone: 16_000.0 } };
    Pool::without_threads(Duration::from_mins(1), 1, checked, 4, (Random::repeatable(1), Imported::default()))
}

/// There is room in its queue, but no job begins by the deadline.
fn impatient(longest_wait: Duration) -> Pool {
    let queue = Queue::new(1, 1, Rates { shared: 16_000.0, alone: 16_000.0 }, Duration::from_mins(1));
    let shared = Arc::new(Shared::new(queue, 1, 4, Random::repeatable(1), Imported::default(), longest_wait));
    Pool { shared, threads: Mutex::default() }
}

#[tokio::test]
async fn a_job_that_has_not_begun_by_the_deadline_is_refused_and_taken_back() {
    let pool = HashPool(Arc::new(impatient(Duration::ZERO)));
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
    let config = Hashing { threads: Some(3), lanes: None, queue: Duration::from_secs(2) };
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

const ANN: Subject = Subject(Some(([1; 16], 1)));

#[tokio::test]
async fn a_place_is_kept_until_its_job_comes_and_given_back_without_one() {
    let pool = HashPool(Arc::new(without_threads()));
    let place = pool.reserve(Class::Login, ANN).unwrap();
    assert_eq!(pool.gauges().waiting, 1);
    assert!(matches!(pool.reserve(Class::Login, ANN), Err(HashError::Overloaded { .. })));
    drop(place);
    assert_eq!(pool.gauges().waiting, 0);
    let mut pending = pool.reserve(Class::Login, ANN).unwrap().verify_nobody();
    assert!(futures_util::poll!(&mut pending).is_pending());
    drop(pending);
    assert!(pool.reserve_two(Class::Other, ANN).is_ok());
}

#[tokio::test]
async fn a_place_in_a_pool_that_is_closed_meanwhile_gives_an_error() {
    let pool = HashPool(Arc::new(without_threads()));
    let place = pool.reserve(Class::Login, ANN).unwrap();
    pool.close();
    assert!(matches!(pool.reserve(Class::Login, ANN), Err(HashError::Closed)));
    drop(pool);
    assert!(matches!(place.hash(password()).await, Err(HashError::Closed)));
}

/// Nobody works here but the test: what has begun is known.
#[tokio::test]
async fn a_job_is_taken_back_as_long_as_it_has_not_begun() {
    let pool = HashPool(Arc::new(without_threads()));
    let (waits, runs) = pool.reserve_two(Class::Login, Subject::UNBOUNDED).unwrap();
    let runs = runs.verify(&password(), None);
    let (job, position) = pool.0.shared.queue().pop(true, Instant::now()).unwrap();
    assert!(!runs.withdraw());
    let waits = waits.verify_nobody();
    assert!(waits.withdraw());
    assert!(!waits.withdraw(), "once");
    assert!(pool.0.shared.queue().pop(true, Instant::now()).is_none());
    assert!(matches!(waits.await, Err(HashError::Failed)));
    // Whoever could not take it back can wait for its end.
    let performed = job.perform(4, &AtomicU64::new(0));
    pool.0.shared.queue().finished(position, None);
    (performed.reply)();
    assert!(!runs.withdraw());
    assert!(!runs.await.unwrap().matches);
    assert_eq!(pool.gauges().abandoned, 1);
}

/// The time that the first of two takes is not the second's.
#[tokio::test]
async fn of_two_places_the_second_waits_from_when_it_is_filled() {
    let pool = HashPool(Arc::new(impatient(Duration::from_millis(1))));
    let (first, second) = pool.reserve_two(Class::Other, ANN).unwrap();
    assert!(matches!(first.verify_nobody().await, Err(HashError::Overloaded { .. })));
    let before = Instant::now();
    assert!(matches!(second.hash(password()).await, Err(HashError::Overloaded { .. })));
    assert!(before.elapsed() >= Duration::from_millis(1));
}

#[test]
fn a_request_outlives_its_wait() {
    assert_eq!(longest_wait(Duration::ZERO), Duration::from_secs(1));
    assert_eq!(longest_wait(Duration::from_secs(2)), Duration::from_secs(5));
    // The most that HASH_QUEUE can be: it is not cut short.
    assert_eq!(longest_wait(Duration::from_secs(7)), LONGEST_WAIT);
    assert_eq!(longest_wait(Duration::MAX), LONGEST_WAIT);
}

#[tokio::test]
async fn a_job_that_panics_ends_alone() {
    for lanes in [1, 2] {
        let config = Hashing { threads: Some(1), lanes: Some(lanes), queue: Duration::from_secs(2) };
        let pool = HashPool::start(config, 4, Random::repeatable(1)).unwrap();
        for in_lane in [false, lanes > 1, false, lanes > 1] {
            let place = pool.reserve(Class::Login, ANN).unwrap();
            let size = Size { rounds: 16, alone: !in_lane, memory: 0 };
            let panics = place.fill(size, |reply| Some(Job::Panic { in_lane, password: password(), reply }));
            assert!(matches!(panics.await, Err(HashError::Failed)));
        }
        // The same thread, and the subject's only place.
        assert!(!pool.reserve(Class::Login, ANN).unwrap().verify(&password(), None).await.unwrap().matches);
        let gauges = pool.gauges();
        assert_eq!((gauges.waiting, gauges.running, gauges.rounds_done), (0, 0, 16));
    }
}
