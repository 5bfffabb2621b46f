//! Whatever happens to the queue, in whatever order.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const THREADS: usize = 2;
const RATE: f64 = 1000.0;
const PATIENCE: Duration = Duration::from_secs(2);
const SHARE: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Reserve { class: Class, subject: Option<u8>, rounds: u64, both: bool },
    Fill { which: usize, rounds: u64 },
    Begin,
    End { which: usize, failed: bool },
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
        6 => (which(), 100u64..1600).prop_map(|(which, rounds)| Step::Fill { which, rounds }),
        4 => Just(Step::Begin),
        4 => (which(), any::<bool>()).prop_map(|(which, failed)| Step::End { which, failed }),
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
    rounds: u64,
    filled: bool,
    running: bool,
    /// Rounds of the other class that began since this could have, while it was the first of its own.
    overtaken_by: u64,
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

    fn first_filled(&self, class: Class) -> Option<Known> {
        self.waiting(class).find(|known| known.filled).copied()
    }

    fn rounds(&self, class: Class) -> u64 {
        self.waiting(class).map(|known| known.rounds).sum()
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
    let taken = if both {
        queue.reserve::<2>(class, bound, rounds, now).map(Vec::from)
    } else {
        queue.reserve::<1>(class, bound, rounds, now).map(Vec::from)
    };
    prop_assert_eq!(taken.is_ok(), expected);
    model.refused += u64::from(!expected);
    for position in taken.unwrap_or_default() {
        let known = Known { position, subject, rounds, filled: false, running: false, overtaken_by: 0 };
        prop_assert!(model.known.insert(position.number, known).is_none(), "numbers are given once");
    }
    Ok(())
}

/// The first of its line that can begin, of the line whose turn it is; and nobody is overtaken for ever.
fn begin(queue: &mut Queue<u64>, model: &mut Model, now: Instant) -> Result<(), TestCaseError> {
    let (login, other) = (model.first_filled(Class::Login), model.first_filled(Class::Other));
    let Some((job, position)) = queue.pop(now) else {
        prop_assert!(login.is_none() && other.is_none());
        return Ok(());
    };
    prop_assert_eq!(job, position.number);
    let (mine, its) = if position.class == Class::Login { (login, other) } else { (other, login) };
    prop_assert_eq!(mine.map(|known| known.position), Some(position), "first come, first served");
    let rounds = model.known[&position.number].rounds;
    model.known.get_mut(&position.number).unwrap().running = true;
    if let Some(passed_over) = its {
        let passed_over = model.known.get_mut(&passed_over.position.number).unwrap();
        passed_over.overtaken_by += rounds;
        // The lead of the other line, a job of at most 1600 rounds, is made up for; then it has one job more.
        prop_assert!(passed_over.overtaken_by <= 2 * 1600 + 1600, "{:?}", passed_over);
    }
    Ok(())
}

fn settle(queue: &Queue<u64>, model: &Model, now: Instant) -> Result<(), TestCaseError> {
    let (logins, others) = (model.rounds(Class::Login), model.rounds(Class::Other));
    prop_assert_eq!((queue.logins.rounds(), queue.others.rounds()), (logins, others));
    prop_assert_eq!(queue.running(), model.running());
    prop_assert_eq!(queue.waiting() + queue.running(), model.known.len());
    prop_assert_eq!((queue.refused, queue.abandoned), (model.refused, model.abandoned));
    for subject in 0..4 {
        let held = queue.held.get(&[subject; 16]).copied().unwrap_or(0);
        prop_assert_eq!(held, model.held(subject));
        prop_assert!(held <= SHARE + 1, "a share, and one that was reserved with the last");
    }
    prop_assert!(queue.held.values().all(|held| *held > 0), "nothing is kept of those who have gone");
    // What is before a login is its own line, and as much of the others.
    let seconds = queue.predicted_wait(Class::Login, now).as_secs_f64();
    prop_assert!(seconds == 0.0 || seconds * queue.rounds_per_second * 2.0 + 1.0 >= approximate(logins));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn approximate(rounds: u64) -> f64 {
    rounds as f64
}

proptest! {
    #[test]
    fn bounds_hold_and_nobody_starves(steps in steps()) {
        let (mut queue, mut now) = (Queue::new(THREADS, RATE, PATIENCE), Instant::now());
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Reserve { class, subject, rounds, both } => {
                    reserve(&mut queue, &mut model, (class, subject, rounds, both), now)?;
                }
                Step::Fill { which, rounds } => {
                    let Some(known) = model.pick(which, false).filter(|known| !known.filled) else { continue };
                    prop_assert!(queue.fill(known.position, known.position.number, rounds));
                    let known = model.known.get_mut(&known.position.number).unwrap();
                    (known.filled, known.rounds) = (true, rounds);
                }
                Step::Begin if model.running() < THREADS => begin(&mut queue, &mut model, now)?,
                Step::End { which, failed } => {
                    let Some(known) = model.pick(which, true) else { continue };
                    if failed { queue.failed(known.position) } else { queue.finished(known.position, now) }
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
                Step::Begin => {}
            }
            settle(&queue, &model, now)?;
        }
    }
}
