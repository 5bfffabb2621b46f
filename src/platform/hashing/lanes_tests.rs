use std::sync::atomic::AtomicU64;

use proptest::prelude::*;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::*;
use crate::domain::password::Wrapping;
use crate::platform::hashing::foreign::with_end;
use crate::platform::hashing::subject::Class;

const COST: u32 = 5;

fn position(number: u64) -> Position {
    Position { number, class: Class::Login }
}

#[expect(clippy::disallowed_methods, reason = "what is stored is made by the crate")]
fn stored(text: &str, cost: u32, salt: [u8; 16]) -> Bcrypt {
    let parts = bcrypt::non_truncating_hash_with_salt(text, cost, salt).unwrap();
    Bcrypt::parse(&parts.to_string(), Wrapping::Plain).unwrap()
}

/// The texts one after the other; without a hash, for nothing.
fn passes(texts: &[&str], stored: Option<Bcrypt>) -> Passes {
    Passes { keys: texts.iter().map(|text| stored.as_ref().map(|_| with_end(text.as_bytes()))).collect(), stored }
}

/// A verification that comes after so many steps of the others.
#[derive(Clone, Debug)]
struct Guess {
    after: u32,
    typed: String,
    /// The right password, and the cost of its hash.
    account: Option<(String, u32)>,
    salt: [u8; 16],
    /// What was looked at before, in a pass of its own.
    before: Option<String>,
}

fn guesses() -> impl Strategy<Value = Vec<Guess>> {
    let account = proptest::option::weighted(0.8, ("[a-c]{0,2}|[^\0]{0,17}", 4u32..=6));
    let before = proptest::option::weighted(0.3, "[a-c]{0,2}|[^\0]{0,17}");
    let guess = (0u32..4, "[a-c]{0,2}|[^\0]{0,17}", account, any::<bool>(), any::<[u8; 16]>(), before);
    let guess = guess.prop_map(|(after, typed, account, right, salt, before)| {
        let typed = account.as_ref().filter(|_| right).map_or(typed, |(right, _)| right.clone());
        Guess { after, typed, account, salt, before }
    });
    proptest::collection::vec(guess, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// However they come and go: each verification is right, does its rounds and no more, and is through as soon as it has.
    #[test]
    fn every_lane_gives_the_answer_of_the_crate(guesses in guesses(), width in 1usize..=MAX_LANES) {
        let (mut lanes, rounds_done) = (Lanes::new(width), AtomicU64::new(0));
        let (mut answers, mut through, mut expected_rounds) = (Vec::new(), Vec::new(), 0);
        for (number, guess) in (0..).zip(&guesses) {
            for _ in 0..guess.after {
                through.extend(lanes.step(&rounds_done).through);
            }
            while lanes.is_full() {
                through.extend(lanes.step(&rounds_done).through);
            }
            let texts: Vec<&str> = guess.before.iter().chain([&guess.typed]).map(String::as_str).collect();
            let work = passes(&texts, guess.account.as_ref().map(|(right, cost)| stored(right, *cost, guess.salt)));
            let (reply, answer) = oneshot::channel();
            lanes.join(position(number), work, COST, reply);
            answers.push(answer);
            expected_rounds += (texts.len() as u64) << guess.account.as_ref().map_or(COST, |(_, cost)| COST.max(*cost));
        }
        while !lanes.is_empty() {
            through.extend(lanes.step(&rounds_done).through);
        }
        prop_assert_eq!(rounds_done.load(Ordering::SeqCst), expected_rounds);
        prop_assert!(lanes.states.iter().all(State::is_wiped));
        prop_assert_eq!(through.len(), guesses.len());
        for job in through {
            let guess = &guesses[usize::try_from(job.position.number).unwrap()];
            let is_right = |text: &String| guess.account.as_ref().is_some_and(|(right, _)| right == text);
            let matches = is_right(&guess.typed) || guess.before.as_ref().is_some_and(is_right);
            // By the second of two texts, or at another cost.
            let late = is_right(&guess.typed) && guess.before.is_some();
            let outdated = matches && (late || guess.account.as_ref().is_some_and(|(_, cost)| *cost != COST));
            prop_assert_eq!(job.verified, Verified { matches, outdated }, "{:?}", guess);
        }
    }
}

#[test]
fn whoever_comes_joins_at_the_next_step_and_leaves_alone() {
    let (mut lanes, rounds_done) = (Lanes::new(2), AtomicU64::new(0));
    let join = |lanes: &mut Lanes, number| {
        let (reply, answer) = oneshot::channel();
        lanes.join(position(number), passes(&[""], None), 4, reply);
        answer
    };
    let _one = join(&mut lanes, 1);
    assert_eq!(lanes.step(&rounds_done).through.len(), 0);
    let _two = join(&mut lanes, 2);
    assert!(lanes.is_full());
    let step = lanes.step(&rounds_done);
    assert_eq!(step.rounds, 16, "8 in each");
    assert_eq!(step.through.iter().map(|job| job.position.number).collect::<Vec<_>>(), [1]);
    let _three = join(&mut lanes, 3);
    assert_eq!(lanes.step(&rounds_done).through.iter().map(|job| job.position.number).collect::<Vec<_>>(), [2]);
    assert_eq!(rounds_done.load(Ordering::SeqCst), 8 + 16 + 16);
}

#[test]
fn what_is_given_up_is_wiped() {
    let mut lanes = Lanes::new(3);
    let (reply, mut answer) = oneshot::channel();
    lanes.join(position(0), passes(&["abc"], Some(stored("abc", 4, [7; 16]))), 4, reply);
    assert!(!lanes.states[0].is_wiped());
    assert_eq!(lanes.give_up().count(), 1);
    assert!(lanes.is_empty() && lanes.states.iter().all(State::is_wiped));
    assert!(matches!(answer.try_recv(), Err(TryRecvError::Closed)));
}
