use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Two threads that do 1000 rounds a second each, for callers who wait two seconds.
fn queue() -> Queue<&'static str> {
    Queue::new(2, 1000.0, Duration::from_secs(2))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_job_is_refused_when_what_is_before_it_takes_too_long() {
    let (mut queue, now) = (queue(), Instant::now());
    for _ in 0..5 {
        queue.push("", 1000, now).unwrap();
    }
    // 5000 rounds at 2000 a second.
    assert_eq!(queue.predicted_wait(now), Duration::from_millis(2500));
    assert_eq!(queue.push("", 1, now), Err(Refusal::Full { retry_after: seconds(1) }));
    assert_eq!((queue.waiting(), queue.refused), (5, 1));
}

#[test]
fn retry_after_is_when_there_is_room() {
    let (mut queue, now) = (queue(), Instant::now());
    queue.push("", 1000, now).unwrap();
    queue.push("", 20_000, now).unwrap();
    assert_eq!(queue.predicted_wait(now), Duration::from_millis(10_500));
    assert_eq!(queue.push("", 1, now), Err(Refusal::Full { retry_after: Duration::from_millis(8500) }));
}

#[test]
fn nobody_waits_while_a_thread_is_free() {
    let (mut queue, now) = (queue(), Instant::now());
    queue.push("long", 1_000_000, now).unwrap();
    queue.pop(now).unwrap();
    assert_eq!(queue.predicted_wait(now), Duration::ZERO);
    queue.push("second", 1, now).unwrap();
    assert!(queue.predicted_wait(now) > seconds(100));
}

#[test]
fn what_is_done_of_a_running_job_is_not_waited_for() {
    let (mut queue, now) = (queue(), Instant::now());
    for _ in 0..2 {
        queue.push("", 2000, now).unwrap();
        queue.pop(now).unwrap();
    }
    assert_eq!(queue.predicted_wait(now), seconds(2));
    assert_eq!(queue.predicted_wait(now + seconds(1)), seconds(1));
    // Slower than foreseen: it must be about to end.
    assert_eq!(queue.predicted_wait(now + seconds(9)), Duration::ZERO);
}

#[test]
fn the_rate_follows_what_jobs_take() {
    let (mut queue, mut now) = (queue(), Instant::now());
    for _ in 0..40 {
        let number = queue.push("", 1000, now).unwrap();
        queue.pop(now).unwrap();
        now += seconds(4);
        queue.finished(number, now);
    }
    // A quarter of the rate that it began with.
    queue.push("", 500, now).unwrap();
    queue.push("", 500, now).unwrap();
    let wait = queue.predicted_wait(now).as_secs_f64();
    assert!((1.99..2.01).contains(&wait), "{wait}");
}

#[test]
fn jobs_are_begun_in_the_order_of_their_coming() {
    let (mut queue, now) = (queue(), Instant::now());
    for job in ["a", "b", "c", "d"] {
        queue.push(job, 1, now).unwrap();
    }
    queue.abandon(1);
    assert_eq!(queue.expire(2, now), Some(seconds(1)));
    assert_eq!(queue.pop(now), Some(("a", 0)));
    assert_eq!(queue.pop(now), Some(("d", 3)));
    assert_eq!(queue.pop(now), None);
    assert_eq!((queue.abandoned, queue.refused), (1, 1));
}

#[test]
fn a_job_that_has_begun_can_be_neither_abandoned_nor_expired() {
    let (mut queue, now) = (queue(), Instant::now());
    let number = queue.push("", 1, now).unwrap();
    queue.pop(now).unwrap();
    queue.abandon(number);
    assert_eq!(queue.expire(number, now), None);
    assert_eq!((queue.running(), queue.abandoned, queue.refused), (1, 0, 0));
    queue.finished(number, now);
    queue.finished(number, now);
    assert_eq!(queue.running(), 0);
}

#[test]
fn a_closed_queue_is_empty_and_stays_so() {
    let (mut queue, now) = (queue(), Instant::now());
    queue.push("", 1, now).unwrap();
    queue.close();
    assert_eq!((queue.waiting(), queue.pop(now)), (0, None));
    assert_eq!(queue.push("", 1, now), Err(Refusal::Closed));
}

#[derive(Clone, Debug)]
enum Step {
    Push { rounds: u64 },
    Begin,
    Finish,
    Leave { number: u64 },
    Wait { millis: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1u64..5000).prop_map(|rounds| Step::Push { rounds }),
        2 => Just(Step::Begin),
        2 => Just(Step::Finish),
        1 => (0u64..100).prop_map(|number| Step::Leave { number }),
        2 => (0u64..2000).prop_map(|millis| Step::Wait { millis }),
    ];
    vec(step, 1..200)
}

proptest! {
    /// Whatever happens: every job is waiting, running, or gone for one reason; and one that was taken had an acceptable wait.
    #[test]
    fn no_job_is_lost_or_done_twice(steps in steps()) {
        let (mut queue, mut now) = (queue(), Instant::now());
        let (mut begun, mut running) = (BTreeSet::new(), Vec::new());
        let (mut pushed, mut refused) = (0, 0);
        for step in steps {
            match step {
                Step::Push { rounds } => {
                    let wait = queue.predicted_wait(now);
                    let taken = queue.push("", rounds, now).is_ok();
                    prop_assert_eq!(taken, wait <= seconds(2));
                    pushed += usize::from(taken);
                    refused += u64::from(!taken);
                }
                Step::Begin if running.len() < 2 => {
                    if let Some((_, number)) = queue.pop(now) {
                        prop_assert!(begun.insert(number));
                        running.push(number);
                    }
                }
                Step::Finish if !running.is_empty() => queue.finished(running.remove(0), now),
                Step::Leave { number } => queue.abandon(number),
                Step::Wait { millis } => now += Duration::from_millis(millis),
                _ => {}
            }
            prop_assert_eq!(queue.refused, refused);
            prop_assert_eq!(queue.running(), running.len());
            let gone = usize::try_from(queue.abandoned).unwrap();
            prop_assert_eq!(queue.waiting() + begun.len() + gone, pushed);
        }
    }
}
