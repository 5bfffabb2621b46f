use super::*;

/// Two threads that do 1000 rounds a second each, one job at a time, for callers who wait two seconds.
fn queue() -> Queue<&'static str> {
    Queue::new(2, 1, Rates { shared: 1000.0, alone: 1000.0 }, Duration::from_secs(2))
}

/// One thread that does 1000 rounds a second in its four lanes together, 500 in a job that it has for itself.
fn lanes() -> Queue<&'static str> {
    Queue::new(1, 4, Rates { shared: 1000.0, alone: 500.0 }, Duration::from_secs(2))
}

fn alone(rounds: u64) -> Size {
    Size { rounds, alone: true, memory: 0 }
}

fn shared(rounds: u64) -> Size {
    Size { rounds, alone: false, memory: 0 }
}

/// Reserves a place and gives it its job.
fn push<J>(queue: &mut Queue<J>, class: Class, job: J, size: Size, now: Instant) -> Result<Position, Refusal> {
    let [position] = queue.reserve(class, Subject::UNBOUNDED, size, now)?;
    assert!(queue.fill(position, job, size));
    Ok(position)
}

fn login<J>(queue: &mut Queue<J>, job: J, rounds: u64, now: Instant) -> Result<Position, Refusal> {
    push(queue, Class::Login, job, alone(rounds), now)
}

fn begun(queue: &mut Queue<&'static str>, now: Instant) -> Vec<&'static str> {
    std::iter::from_fn(|| queue.pop(true, now)).map(|(job, _)| job).collect()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_job_is_refused_when_what_is_before_it_takes_too_long() {
    let (mut queue, now) = (queue(), Instant::now());
    for _ in 0..5 {
        login(&mut queue, "", 1000, now).unwrap();
    }
    // 5000 rounds at 2000 a second.
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::from_millis(2500));
    assert_eq!(login(&mut queue, "", 1, now), Err(Refusal::Full { retry_after: seconds(1) }));
    assert_eq!((queue.waiting(), queue.refused), (5, 1));
}

#[test]
fn retry_after_is_when_there_is_room() {
    let (mut queue, now) = (queue(), Instant::now());
    login(&mut queue, "", 1000, now).unwrap();
    login(&mut queue, "", 20_000, now).unwrap();
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::from_millis(10_500));
    assert_eq!(login(&mut queue, "", 1, now), Err(Refusal::Full { retry_after: Duration::from_millis(8500) }));
}

#[test]
fn nobody_waits_while_a_thread_is_free() {
    let (mut queue, now) = (queue(), Instant::now());
    login(&mut queue, "long", 1_000_000, now).unwrap();
    queue.pop(true, now).unwrap();
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::ZERO);
    login(&mut queue, "second", 1, now).unwrap();
    assert!(queue.predicted_wait(Class::Login, now) > seconds(100));
}

#[test]
fn what_is_done_of_a_running_job_is_not_waited_for() {
    let (mut queue, now) = (queue(), Instant::now());
    for _ in 0..2 {
        login(&mut queue, "", 2000, now).unwrap();
        queue.pop(true, now).unwrap();
    }
    assert_eq!(queue.predicted_wait(Class::Login, now), seconds(2));
    assert_eq!(queue.predicted_wait(Class::Login, now + seconds(1)), seconds(1));
    // Slower than foreseen: it must be about to end.
    assert_eq!(queue.predicted_wait(Class::Login, now + seconds(9)), Duration::ZERO);
}

#[test]
fn the_rate_follows_what_jobs_take() {
    let (mut queue, mut now) = (queue(), Instant::now());
    for _ in 0..40 {
        let position = login(&mut queue, "", 1000, now).unwrap();
        queue.pop(true, now).unwrap();
        now += seconds(4);
        queue.finished(position, Some(seconds(4)));
    }
    // A quarter of the rate that it began with.
    login(&mut queue, "", 500, now).unwrap();
    login(&mut queue, "", 500, now).unwrap();
    let wait = queue.predicted_wait(Class::Login, now).as_secs_f64();
    assert!((1.99..2.01).contains(&wait), "{wait}");
}

#[test]
fn jobs_are_begun_in_the_order_of_their_coming() {
    let (mut queue, now) = (queue(), Instant::now());
    let [_, b, c, _] = ["a", "b", "c", "d"].map(|job| login(&mut queue, job, 1, now).unwrap());
    assert!(queue.abandon(b));
    assert!(!queue.abandon(b));
    assert_eq!(queue.expire(c, now), Some(seconds(1)));
    assert_eq!(begun(&mut queue, now), ["a", "d"]);
    assert_eq!((queue.abandoned, queue.refused), (1, 1));
}

#[test]
fn a_job_that_has_begun_can_be_neither_abandoned_nor_expired() {
    let (mut queue, now) = (queue(), Instant::now());
    let position = login(&mut queue, "", 1, now).unwrap();
    queue.pop(true, now).unwrap();
    assert!(!queue.abandon(position));
    assert_eq!(queue.expire(position, now), None);
    assert_eq!((queue.running(), queue.abandoned, queue.refused), (1, 0, 0));
    queue.finished(position, Some(seconds(4)));
    queue.finished(position, Some(seconds(4)));
    assert_eq!(queue.running(), 0);
}

#[test]
fn a_closed_queue_is_empty_and_stays_so() {
    let (mut queue, now) = (queue(), Instant::now());
    login(&mut queue, "", 1, now).unwrap();
    let [reserved] = queue.reserve(Class::Login, Subject::UNBOUNDED, alone(1), now).unwrap();
    queue.close();
    assert_eq!((queue.waiting(), queue.pop(true, now)), (0, None));
    assert!(!queue.fill(reserved, "", alone(1)));
    assert_eq!(login(&mut queue, "", 1, now), Err(Refusal::Closed));
}

#[test]
fn a_place_that_is_not_filled_yet_is_kept_and_holds_nobody_up() {
    let (mut queue, now) = (queue(), Instant::now());
    let [first] = queue.reserve(Class::Login, Subject::UNBOUNDED, alone(1000), now).unwrap();
    login(&mut queue, "second", 1000, now).unwrap();
    login(&mut queue, "third", 1000, now).unwrap();
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::from_millis(1500), "what is reserved will be done");
    assert_eq!(queue.pop(true, now).unwrap().0, "second");
    assert!(queue.fill(first, "first", alone(4000)));
    assert_eq!(queue.predicted_wait(Class::Login, now), seconds(3), "it is more costly than reserved");
    assert_eq!(begun(&mut queue, now), ["first", "third"]);
}

#[test]
fn a_place_that_is_given_back_is_not_waited_for() {
    let (mut queue, now) = (queue(), Instant::now());
    let places: [Position; 3] = queue.reserve(Class::Login, Subject::UNBOUNDED, alone(1000), now).unwrap();
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::from_millis(1500));
    assert!(places.map(|place| queue.abandon(place)).into_iter().all(|given_back| given_back));
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::ZERO);
    assert!(!queue.fill(places[0], "", alone(1000)));
}

#[test]
fn a_subject_has_its_share_and_no_more_until_a_job_of_its_own_ends() {
    let (mut queue, now) = (queue(), Instant::now());
    let (ann, bob) = (Subject::bounded([1; 16], 2), Subject::bounded([2; 16], 1));
    let refused = Err(Refusal::Full { retry_after: seconds(1) });
    let [one] = queue.reserve(Class::Other, ann, alone(1), now).unwrap();
    let [two] = queue.reserve(Class::Login, ann, alone(1), now).unwrap();
    assert_eq!(queue.reserve::<1>(Class::Login, ann, alone(1), now), refused);
    queue.reserve::<1>(Class::Login, bob, alone(1), now).unwrap();
    // What runs counts as what waits.
    assert!(queue.fill(two, "", alone(1)));
    queue.pop(true, now).unwrap();
    assert_eq!(queue.reserve::<1>(Class::Login, ann, alone(1), now), refused);
    queue.finished(two, None);
    let [three] = queue.reserve(Class::Login, ann, alone(1), now).unwrap();
    assert_eq!(queue.reserve::<1>(Class::Login, ann, alone(1), now), refused);
    // So do a place that is given back, a job that expires and one that fails.
    assert!(queue.abandon(one));
    let [four] = queue.reserve(Class::Login, ann, alone(1), now).unwrap();
    queue.expire(three, now).unwrap();
    queue.reserve::<1>(Class::Login, ann, alone(1), now).unwrap();
    assert!(queue.fill(four, "", alone(1)));
    queue.pop(true, now).unwrap();
    queue.finished(four, None);
    queue.reserve::<1>(Class::Login, ann, alone(1), now).unwrap();
    assert_eq!(queue.reserve::<1>(Class::Login, Subject::bounded([3; 16], 0), alone(1), now), refused);
}

#[test]
fn whoever_may_have_one_job_may_have_two_that_are_reserved_together() {
    let (mut queue, now) = (queue(), Instant::now());
    let ann = Subject::bounded([1; 16], 1);
    let [first, second] = queue.reserve(Class::Other, ann, alone(1), now).unwrap();
    assert!(queue.abandon(first));
    assert!(queue.reserve::<2>(Class::Other, ann, alone(1), now).is_err(), "the second still waits");
    assert!(queue.abandon(second));
    queue.reserve::<2>(Class::Other, ann, alone(1), now).unwrap();
}

#[test]
fn others_leave_room_for_logins_and_logins_for_others() {
    let (mut queue, now) = (queue(), Instant::now());
    let fill = |queue: &mut Queue<&str>, class| {
        (0..99).take_while(|_| push(queue, class, "", alone(100), now).is_ok()).count()
    };
    // 2000 rounds a second. Others are let in up to one second's, and the one that comes then.
    assert_eq!(fill(&mut queue, Class::Other), 21);
    assert_eq!(push(&mut queue, Class::Other, "", alone(100), now), Err(Refusal::Full { retry_after: seconds(1) }));
    // Each of these waits for an other, too.
    assert_eq!(fill(&mut queue, Class::Login), 21);
    queue = self::queue();
    assert_eq!(fill(&mut queue, Class::Login), 41);
    assert_eq!(fill(&mut queue, Class::Other), 11);
}

#[test]
fn logins_and_others_take_turns_by_time() {
    let (mut queue, now) = (queue(), Instant::now());
    for _ in 0..3 {
        push(&mut queue, Class::Other, "other", alone(250), now).unwrap();
    }
    for _ in 0..6 {
        push(&mut queue, Class::Login, "login", alone(125), now).unwrap();
    }
    // An other of a quarter of a second is made up for by two logins of an eighth.
    let turns = ["login", "other", "login", "login", "other", "login", "login", "other", "login"];
    assert_eq!(begun(&mut queue, now), turns);
}

#[test]
fn a_job_that_failed_tells_nothing_of_the_rate() {
    let (mut queue, now) = (queue(), Instant::now());
    let position = login(&mut queue, "", 1000, now).unwrap();
    queue.pop(true, now).unwrap();
    queue.finished(position, None);
    assert_eq!((queue.running(), queue.rates.alone), (0, 1000.0));
}

#[test]
fn nobody_waits_while_a_lane_is_free() {
    let (mut queue, now) = (lanes(), Instant::now());
    for _ in 0..3 {
        push(&mut queue, Class::Login, "", shared(1000), now).unwrap();
        queue.pop(true, now).unwrap();
    }
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::ZERO);
    push(&mut queue, Class::Login, "", shared(1000), now).unwrap();
    assert_eq!(queue.predicted_wait(Class::Login, now), seconds(4), "all are through then, at the rate of all");
    assert_eq!(queue.pop(true, now).map(|(job, _)| job), Some(""));
    // A second of the thread is a quarter of each.
    assert_eq!(queue.predicted_wait(Class::Login, now + seconds(1)), seconds(3));
}

#[test]
fn a_job_that_has_its_thread_alone_leaves_no_lane_free() {
    let (mut queue, now) = (lanes(), Instant::now());
    push(&mut queue, Class::Other, "hash", alone(500), now).unwrap();
    assert_eq!(queue.predicted_wait(Class::Login, now), Duration::ZERO, "it has not begun, and a login goes first");
    queue.pop(true, now).unwrap();
    assert_eq!(queue.predicted_wait(Class::Login, now), seconds(1));
    assert_eq!(queue.predicted_wait(Class::Login, now + Duration::from_millis(500)), Duration::from_millis(500));
}

#[test]
fn a_thread_whose_lanes_are_in_use_can_leave_what_wants_it_alone() {
    let (mut queue, now) = (lanes(), Instant::now());
    push(&mut queue, Class::Other, "hash", alone(1), now).unwrap();
    push(&mut queue, Class::Other, "verify", shared(1), now).unwrap();
    assert_eq!(queue.ready(), 2);
    assert_eq!(queue.pop(false, now).unwrap().0, "verify");
    assert_eq!(queue.pop(false, now), None);
    assert_eq!((queue.ready(), queue.pop(true, now).unwrap().0), (1, "hash"));
}

#[test]
fn each_rate_is_measured_for_itself_and_a_second_counts_half() {
    let mut queue = lanes();
    queue.measured(3000, seconds(1));
    assert_eq!(queue.rates, Rates { shared: 2000.0, alone: 500.0 });
    let now = Instant::now();
    let position = push(&mut queue, Class::Other, "", alone(100), now).unwrap();
    queue.pop(true, now).unwrap();
    queue.finished(position, Some(seconds(1)));
    assert_eq!(queue.rates, Rates { shared: 2000.0, alone: 300.0 });
}

fn with_memory(memory: u64) -> Size {
    Size { rounds: 1, alone: true, memory }
}

#[test]
fn what_needs_memory_waits_for_it_and_nobody_else_does() {
    let mut queue = Queue::new(8, 1, Rates { shared: 1000.0, alone: 1000.0 }, Duration::from_secs(2));
    let now = Instant::now();
    push(&mut queue, Class::Login, "large", with_memory(MEMORY), now).unwrap();
    push(&mut queue, Class::Login, "larger", with_memory(MEMORY / 2 + 1), now).unwrap();
    push(&mut queue, Class::Login, "small", with_memory(1), now).unwrap();
    push(&mut queue, Class::Login, "none", alone(1), now).unwrap();
    let (job, large) = queue.pop(true, now).unwrap();
    assert_eq!(job, "large");
    assert_eq!(queue.pop(true, now).unwrap().0, "none");
    assert!(queue.pop(true, now).is_none(), "the small one does not take what the larger one waits for");
    queue.finished(large, None);
    let (job, larger) = queue.pop(true, now).unwrap();
    assert_eq!(job, "larger");
    let (job, small) = queue.pop(true, now).unwrap();
    assert_eq!(job, "small");
    queue.finished(larger, None);
    queue.finished(small, None);
    push(&mut queue, Class::Other, "large", with_memory(MEMORY), now).unwrap();
    assert_eq!(queue.pop(true, now).unwrap().0, "large", "all that was lent came back");
}
