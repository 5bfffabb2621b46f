//! Whatever happens to the queue, in whatever order.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const THREADS: usize = 2;
const LANES: usize = 3;
const RATES: Rates = Rates { shared: 1000.0, alone: 500.0 };
const PATIENCE: Duration = Duration::from_secs(2);
const SHARE: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Reserve { class: Class, subject: Option<u8>, rounds: u64, both: bool },
    Fill { which: usize, size: Size },
    Begin { alone_too: bool },
    End { which: usize },
    Leave { which: usize },
    Expire { which: usize },
    Wait { millis: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = || prop_oneof![Just(Class::Login), Just(Class::Other)];
    let which = || 0usize..40;
    let step = prop_oneof![
        6 => (class(), proptest::option::of(0u8..4), 100u64..800, any::<bool>())
            .prop_map(|(class, subject, rounds, both)| Step::Reserve { class, subject, rounds, both }),
        6 => (which(), 100u64..1600, any::<bool>())
            .prop_map(|(which, rounds, alone)| Step::Fill { which, size: Size { rounds, alone, memory: 0 } }),
        4 => proptest::bool::weighted(0.8).prop_map(|alone_too| Step::Begin { alone_too }),
        4 => which().prop_map(|which| Step::End { which }),
        1 => which().prop_map(|which| Step::Leave { which }),
        1 => which().prop_map(|which| Step::Expire { which }),
        2 => (0u64..500).prop_map(|millis| Step::Wait { millis }),
    ];
    vec(step, 1..300)
}

/// What the model knows of a position.
#[derive(Clone, Copy, Debug)]
struct Known {
    position: Position,
    subject: Option<u8>,
    size: Size,
    filled: bool,
    running: bool,
    /// Seconds of the other class that began since this could have, while it was the first of its own.
    overtaken_by: f64,
}

#[derive(Default)]
struct Model {
    known: BTreeMap<u64, Known>,
    refused: u64,
    abandoned: u64,
}

impl Model {
    fn waiting(&self, class: Class) -> impl Iterator<Item = &Known> {
        self.known.values().filter(move |known| !known.running && known.position.class == class)
    }

    fn first_filled(&self, class: Class, alone_too: bool) -> Option<Known> {
        self.waiting(class).find(|known| known.filled && (alone_too || !known.size.alone)).copied()
    }

    fn work(&self, class: Class) -> Work {
        self.waiting(class).fold(Work::default(), |mut work, known| {
            work.add(known.size);
            work
        })
    }

    fn running(&self) -> usize {
        self.known.values().filter(|known| known.running).count()
    }

    fn held(&self, subject: u8) -> usize {
        self.known.values().filter(|known| known.subject == Some(subject)).count()
    }

    fn pick(&self, which: usize, running: bool) -> Option<Known> {
        let fitting: Vec<_> = self.known.values().filter(|known| known.running == running).collect();
        (!fitting.is_empty()).then(|| *fitting[which % fitting.len()])
    }
}

fn reserve(
    queue: &mut Queue<u64>,
    model: &mut Model,
    (class, subject, rounds, both): (Class, Option<u8>, u64, bool),
    now: Instant,
) -> Result<(), TestCaseError> {
    let patience = if class == Class::Login { PATIENCE } else { PATIENCE / 2 };
    let has_room = subject.is_none_or(|subject| model.held(subject) < SHARE);
    let expected = has_room && queue.predicted_wait(class, now) <= patience;
    let bound = subject.map_or(Subject::UNBOUNDED, |subject| Subject::bounded([subject; 16], SHARE));
    let size = Size { rounds, alone: false, memory: 0 };
    let taken = if both {
        queue.reserve::<2>(class, bound, size, now).map(Vec::from)
    } else {
        queue.reserve::<1>(class, bound, size, now).map(Vec::from)
    };
    prop_assert_eq!(taken.is_ok(), expected);
    model.refused += u64::from(!expected);
    for position in taken.unwrap_or_default() {
        let known = Known { position, subject, size, filled: false, running: false, overtaken_by: 0.0 };
        prop_assert!(model.known.insert(position.number, known).is_none(), "numbers are given once");
    }
    Ok(())
}

/// The first of its line that can begin, of the line whose turn it is; and nobody is overtaken for ever.
fn begin(queue: &mut Queue<u64>, model: &mut Model, alone_too: bool, now: Instant) -> Result<(), TestCaseError> {
    let [login, other] = [Class::Login, Class::Other].map(|class| model.first_filled(class, alone_too));
    let Some((job, position)) = queue.pop(alone_too, now) else {
        prop_assert!(login.is_none() && other.is_none());
        return Ok(());
    };
    prop_assert_eq!(job, position.number);
    let (mine, its) = if position.class == Class::Login { (login, other) } else { (other, login) };
    prop_assert_eq!(mine.map(|known| known.position), Some(position), "first come, first served");
    model.known.get_mut(&position.number).unwrap().running = true;
    let seconds = RATES.seconds_of(model.known[&position.number].size);
    if let Some(passed_over) = its {
        let passed_over = model.known.get_mut(&passed_over.position.number).unwrap();
        passed_over.overtaken_by += seconds;
        // The lead of the other line, a job at most, is made up for; then it has one job more.
        let longest = RATES.seconds_of(Size { rounds: 1600, alone: true, memory: 0 });
        prop_assert!(passed_over.overtaken_by <= 3.0 * longest, "{:?}", passed_over);
    }
    Ok(())
}

fn settle(queue: &Queue<u64>, model: &Model, now: Instant) -> Result<(), TestCaseError> {
    let (logins, others) = (model.work(Class::Login), model.work(Class::Other));
    prop_assert_eq!((queue.logins.work(), queue.others.work()), (logins, others));
    prop_assert_eq!(queue.ready(), model.known.values().filter(|known| known.filled && !known.running).count());
    prop_assert_eq!(queue.running(), model.running());
    prop_assert_eq!(queue.waiting() + queue.running(), model.known.len());
    prop_assert_eq!((queue.refused, queue.abandoned), (model.refused, model.abandoned));
    for subject in 0..4 {
        let held = queue.held.get(&[subject; 16]).copied().unwrap_or(0);
        prop_assert_eq!(held, model.held(subject));
        prop_assert!(held <= SHARE + 1, "a share, and one that was reserved with the last");
    }
    prop_assert!(queue.held.values().all(|held| *held > 0), "nothing is kept of those who have gone");
    // What is before a login is its own line at least.
    let wait = queue.predicted_wait(Class::Login, now).as_secs_f64();
    prop_assert!(wait == 0.0 || wait * 2.0 + 0.001 >= RATES.seconds(logins));
    Ok(())
}

proptest! {
    #[test]
    fn bounds_hold_and_nobody_starves(steps in steps()) {
        let (mut queue, mut now) = (Queue::new(THREADS, LANES, RATES, PATIENCE), Instant::now());
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Reserve { class, subject, rounds, both } => {
                    reserve(&mut queue, &mut model, (class, subject, rounds, both), now)?;
                }
                Step::Fill { which, size } => {
                    let Some(known) = model.pick(which, false).filter(|known| !known.filled) else { continue };
                    prop_assert!(queue.fill(known.position, known.position.number, size));
                    let known = model.known.get_mut(&known.position.number).unwrap();
                    (known.filled, known.size) = (true, size);
                }
                Step::Begin { alone_too } if model.running() < THREADS * LANES => begin(&mut queue, &mut model, alone_too, now)?,
                Step::End { which } => {
                    let Some(known) = model.pick(which, true) else { continue };
                    queue.finished(known.position, None);
                    model.known.remove(&known.position.number);
                }
                Step::Leave { which } => {
                    let Some(known) = model.known.values().nth(which).copied() else { continue };
                    prop_assert_eq!(queue.abandon(known.position), !known.running);
                    if !known.running {
                        model.known.remove(&known.position.number);
                        model.abandoned += 1;
                    }
                }
                Step::Expire { which } => {
                    let Some(known) = model.known.values().nth(which).copied() else { continue };
                    prop_assert_eq!(queue.expire(known.position, now).is_some(), !known.running);
                    if !known.running {
                        model.known.remove(&known.position.number);
                        model.refused += 1;
                    }
                }
                Step::Wait { millis } => now += Duration::from_millis(millis),
                Step::Begin { .. } => {}
            }
            settle(&queue, &model, now)?;
        }
    }
}
