use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const MINUTE: Limit = Limit { count: 5, window: Duration::from_mins(1) };
const PACE: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn retry_after(refused: Result<Timestamp, Throttled>) -> u64 {
    refused.unwrap_err().retry_after.as_secs()
}

#[test]
fn the_sixth_waits_until_the_first_falls_out() {
    let mut log = Log::default();
    for second in [0, 10, 10, 20, 59] {
        assert_eq!(reserve(&mut log, MINUTE, at(second)), Ok(at(second)));
    }
    assert_eq!(retry_after(reserve(&mut log, MINUTE, at(59))), 1);
    assert!(reserve(&mut log, MINUTE, at(60)).is_ok());
    // The next two fall out together.
    assert_eq!(retry_after(reserve(&mut log, MINUTE, at(60))), 10);
    assert!(reserve(&mut log, MINUTE, at(70)).is_ok());
    assert!(reserve(&mut log, MINUTE, at(70)).is_ok());
    assert_eq!(retry_after(reserve(&mut log, MINUTE, at(70))), 10);
}

#[test]
fn refused_attempts_do_not_extend_the_wait() {
    let mut log = Log::default();
    for _ in 0..5 {
        reserve(&mut log, MINUTE, at(0)).unwrap();
    }
    for second in 1..60 {
        assert!(reserve(&mut log, MINUTE, at(second)).is_err());
    }
    assert!(reserve(&mut log, MINUTE, at(60)).is_ok());
}

#[test]
fn a_refund_gives_back_one_place() {
    let mut log = Log::default();
    let mine = reserve(&mut log, MINUTE, at(0)).unwrap();
    for _ in 0..4 {
        reserve(&mut log, MINUTE, at(1)).unwrap();
    }
    log.refund(mine);
    log.refund(mine);
    assert!(reserve(&mut log, MINUTE, at(2)).is_ok());
    assert_eq!(retry_after(reserve(&mut log, MINUTE, at(2))), 59);
}

#[test]
fn a_clock_set_back_opens_nothing_and_blocks_for_one_window_at_most() {
    let mut log = Log::default();
    for _ in 0..5 {
        reserve(&mut log, MINUTE, at(0)).unwrap();
    }
    assert_eq!(retry_after(reserve(&mut log, MINUTE, at(-3_600))), 60);
    assert_eq!(retry_after(reserve(&mut log, MINUTE, at(-3_541))), 1);
    assert!(reserve(&mut log, MINUTE, at(-3_540)).is_ok());
}

#[test]
fn after_the_limit_one_attempt_per_pace() {
    let limit = Limit { count: 20, window: Duration::from_mins(15) };
    let mut log = Log::default();
    for _ in 0..20 {
        reserve_paced(&mut log, limit, PACE, at(0)).unwrap();
    }
    assert_eq!(retry_after(reserve_paced(&mut log, limit, PACE, at(1))), 29);
    // An hour without a pause: the first twenty, and then one every half a minute.
    let admitted = (1..3_600).filter(|second| reserve_paced(&mut log, limit, PACE, at(*second)).is_ok()).count();
    assert_eq!(admitted, 119);
    // A quiet quarter of an hour, and all is forgotten.
    assert!((0..20).all(|_| reserve_paced(&mut log, limit, PACE, at(4_490)).is_ok()));
    assert!(reserve_paced(&mut log, limit, PACE, at(4_490)).is_err());
}

#[test]
fn the_pace_is_never_slower_than_the_limit() {
    let mut log = Log::default();
    for second in [0, 10, 10, 20, 59] {
        reserve_paced(&mut log, MINUTE, PACE, at(second)).unwrap();
    }
    assert_eq!(retry_after(reserve_paced(&mut log, MINUTE, PACE, at(59))), 1);
    assert!(reserve_paced(&mut log, MINUTE, PACE, at(60)).is_ok());
}

/// What the rule says, word for word: every admission ever made, and all of them looked at.
#[derive(Default)]
struct Naive(Vec<i64>);

impl Naive {
    fn reserve(&mut self, limit: Limit, now: i64) -> bool {
        let window = i64::try_from(limit.window.as_micros()).unwrap();
        let recent = self.0.iter().filter(|at| **at > now - window).count();
        let admitted = recent < limit.count as usize;
        if admitted {
            self.0.push(now);
        }
        admitted
    }
}

/// The most admissions in any half-open span of the window.
fn most_in_any_window(admitted: &[i64], window: Duration) -> usize {
    let window = i64::try_from(window.as_micros()).unwrap();
    admitted
        .iter()
        .map(|start| admitted.iter().filter(|at| (*start..start + window).contains(at)).count())
        .max()
        .unwrap_or(0)
}

fn limits() -> impl Strategy<Value = Limit> {
    (1u32..8, 1u64..200).prop_map(|(count, micros)| Limit { count, window: Duration::from_micros(micros) })
}

proptest! {
    #[test]
    fn decides_as_the_naive_log(limit in limits(), steps in vec(0i64..60, 1..200)) {
        let (mut log, mut naive, mut now) = (Log::default(), Naive::default(), 0);
        for step in steps {
            now += step;
            let decided = reserve(&mut log, limit, Timestamp::from_micros(now));
            prop_assert_eq!(decided.is_ok(), naive.reserve(limit, now));
            if let Err(Throttled { retry_after }) = decided {
                // The wait is exact: not a microsecond earlier, and then at once.
                let wait = i64::try_from(retry_after.as_micros()).unwrap();
                prop_assert!(wait > 0 && retry_after <= limit.window);
                prop_assert!(reserve(&mut log.clone(), limit, Timestamp::from_micros(now + wait - 1)).is_err());
                prop_assert!(reserve(&mut log.clone(), limit, Timestamp::from_micros(now + wait)).is_ok());
            }
        }
        prop_assert!(most_in_any_window(&naive.0, limit.window) <= limit.count as usize);
        prop_assert!(log.0.len() <= limit.count as usize);
    }

    #[test]
    fn a_peek_tells_what_an_attempt_would_be_answered(
        limit in limits(),
        pace in proptest::option::of((1u64..100).prop_map(Duration::from_micros)),
        steps in vec((0i64..60, prop_oneof![9 => Just(0i64), 1 => 0i64..500], any::<bool>()), 1..200),
    ) {
        let (rule, mut log, mut now) = (Rule { limit, pace }, Log::default(), 1_000_000);
        for (step, back, tries) in steps {
            now += step - back;
            let moment = Timestamp::from_micros(now);
            let decided = rule.reserve(&mut log.clone(), moment);
            prop_assert_eq!(rule.peek(&log, moment), decided.map(drop));
            if tries {
                let _ = rule.reserve(&mut log, moment);
            }
        }
    }

    #[test]
    fn a_clock_that_steps_back_never_opens_it(limit in limits(), steps in vec((0i64..60, prop_oneof![9 => Just(0i64), 1 => 0i64..500]), 1..200)) {
        let (mut log, mut elapsed, mut behind, mut admitted) = (Log::default(), 0, 0, Vec::new());
        for (step, back) in steps {
            elapsed += step;
            behind += back;
            if reserve(&mut log, limit, Timestamp::from_micros(1_000_000 + elapsed - behind)).is_ok() {
                admitted.push(elapsed);
            }
        }
        prop_assert!(most_in_any_window(&admitted, limit.window) <= limit.count as usize);
    }

    #[test]
    fn a_refund_is_as_if_it_had_never_been(limit in limits(), steps in vec((0i64..60, any::<bool>()), 1..200)) {
        let (mut log, mut without, mut now) = (Log::default(), Log::default(), 0);
        for (step, refunded) in steps {
            now += step;
            let moment = Timestamp::from_micros(now);
            let decided = reserve(&mut log, limit, moment);
            if refunded {
                if let Ok(at) = decided {
                    log.refund(at);
                }
            } else {
                prop_assert_eq!(decided, reserve(&mut without, limit, moment));
            }
        }
    }

    #[test]
    fn the_pace_adds_what_it_says(limit in limits(), pace in 1u64..100, steps in vec(0i64..40, 1..300)) {
        let pace = Duration::from_micros(pace);
        let (mut log, mut now, mut admitted) = (Log::default(), 0, Vec::new());
        for step in steps {
            now += step;
            if reserve_paced(&mut log, limit, pace, Timestamp::from_micros(now)).is_ok() {
                admitted.push(now);
            }
            prop_assert!(log.0.len() <= limit.count as usize);
        }
        let paced = usize::try_from(limit.window.as_micros().div_ceil(pace.as_micros())).unwrap();
        prop_assert!(most_in_any_window(&admitted, limit.window) <= limit.count as usize + paced);
        // Beyond the limit no two come closer than the pace.
        for (index, at) in admitted.iter().enumerate().skip(limit.count as usize) {
            let beyond = i128::from(at - admitted[index - limit.count as usize]) < i128::try_from(limit.window.as_micros()).unwrap();
            let close = i128::from(at - admitted[index - 1]) < i128::try_from(pace.as_micros()).unwrap();
            prop_assert!(!(beyond && close));
        }
    }
}
