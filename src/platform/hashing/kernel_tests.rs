#![expect(clippy::disallowed_methods, reason = "the crate is the oracle")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn states(inputs: &[(Vec<u8>, [u8; 16])]) -> Vec<State> {
    let begun = |(password, salt): &(Vec<u8>, [u8; 16])| {
        let mut state = State::new();
        state.begin(&[password.as_slice(), &[0]].concat(), *salt);
        state
    };
    inputs.iter().map(begun).collect()
}

fn expected(cost: u32, (password, salt): &(Vec<u8>, [u8; 16])) -> Vec<u8> {
    let key = [password.as_slice(), &[0]].concat();
    bcrypt::bcrypt(cost, *salt, &key)[..23].to_vec()
}

fn inputs(number: u8) -> Vec<(Vec<u8>, [u8; 16])> {
    (0..number).map(|n| (vec![b'a' + n; usize::from(n) * 11], [n.wrapping_mul(37) ^ 5; 16])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random passwords of every length, NULs and all; random salts; as many states as there may be and more.
    #[test]
    fn every_digest_is_the_crates(
        inputs in vec((vec(any::<u8>(), 0..=71), any::<[u8; 16]>()), 1..=8),
        steps in vec(1u32..9, 0..4),
    ) {
        let mut states = states(&inputs);
        // In steps as they come, to the end of cost 4, and on to that of cost 5.
        let mut left = 16;
        for step in steps {
            let step = step.min(left);
            rounds(&mut states, step);
            left -= step;
        }
        for (cost, left) in [(4, left), (5, 16)] {
            rounds(&mut states, left);
            for (state, input) in states.iter().zip(&inputs) {
                prop_assert_eq!(state.digest().to_vec(), expected(cost, input), "cost {}", cost);
            }
        }
    }
}

/// What a login costs. The bench does the same in all lanes: without optimisation each takes more than a second.
#[test]
fn cost_12_is_the_crates() {
    let inputs = inputs(2);
    let mut states = states(&inputs);
    rounds(&mut states, 1 << 12);
    for (state, input) in states.iter().zip(&inputs) {
        assert_eq!(state.digest().to_vec(), expected(12, input));
    }
}

impl State {
    pub(in super::super) fn is_wiped(&self) -> bool {
        self.boxes.iter().flatten().chain(&self.subkeys).chain(&self.key).chain(&self.salt).all(|word| *word == 0)
    }
}

#[test]
fn a_state_is_wiped() {
    let mut states = states(&inputs(1));
    rounds(&mut states, 1);
    states[0].wipe();
    assert!(states[0].is_wiped());
}
