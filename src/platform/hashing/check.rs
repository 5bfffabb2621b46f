//! Whether what hashes and what verifies is right, and how fast: looked at whenever a pool starts.

use std::time::Instant;

use super::foreign::with_end;
use super::kernel::{MAX_LANES, State, rounds};
use super::rate::Rates;
use super::work::has_digest;
use crate::domain::password::{Bcrypt, Wrapping};

/// How a pool works.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked {
    /// Of each thread; 1 is none.
    pub(super) lanes: usize,
    pub(super) rates: Rates,
}

/// None when the `bcrypt` crate does not give a known result. Where lanes do not give what the crate gives there are none.
pub(super) fn check_and_measure(lanes: usize) -> Option<Checked> {
    let alone = rate_of_the_crate()?;
    let crate_alone = Checked { lanes: 1, rates: Rates { shared: alone, alone } };
    if lanes <= 1 {
        return Some(crate_alone);
    }
    let lanes = lanes.min(MAX_LANES);
    // The last is the rate of all.
    let Some(measured) = (1..=lanes).map(|lanes| rate_of_lanes(lanes, rounds)).collect::<Option<Vec<_>>>() else {
        tracing::error!("verifying in lanes is wrong on this machine: the bcrypt crate does it all");
        return Some(crate_alone);
    };
    let shared = measured.last().copied().unwrap_or(alone);
    Some(Checked { lanes, rates: Rates { shared, alone } })
}

#[expect(clippy::disallowed_methods, reason = "this is what is checked")]
fn rate_of_the_crate() -> Option<f64> {
    /// From the test vectors of OpenBSD's and jBCrypt's authors: the password is "abc".
    const KNOWN: &str = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
    let start = Instant::now();
    let works = bcrypt::non_truncating_verify("abc", KNOWN).unwrap_or(false);
    works.then(|| 64.0 / start.elapsed().as_secs_f64())
}

/// Made by Python's bcrypt at the lowest cost; a 71 byte password among them.
const KNOWN: [(&str, &str); MAX_LANES] = [
    ("SecurePass123", "$2b$04$T2RhXNc30kVYoTRa9tHEOemwhY8o0OlfQk7EQdjJ2iQDDbu2zYuuq"),
    ("", "$2b$04$DQfYHA3A8Cklabdr1ty.pe9C6T0B01bqMXTg1udChu6ovfZ7L05mu"),
    ("a", "$2b$04$kRIxskZ9hYZdZxBUGHPAiOg7z2XONqTBO6JC8Y4q3bm0SDT5wZLzW"),
    (" spaces are kept ", "$2b$04$Q6eE85wJz.ZbouCLMF81De9gVQr.FsSs.OQ9mOP.Py1hQ.VDMHwXO"),
    ("Ünïcødé-Пароль-密码-🔑9", "$2b$04$Q5d3s2q9wcf2iiSvZItQZ.w3Bim2U8UaAfXtgKds.ca0rOsA7U0La"),
    ("Aa1éééééééééééééééééééééééééééééééééé", "$2b$04$FrVK0vKUW1WqsJKyFCq8lu69XkU59cBPDsHK.qm4zjxj6hbgMAEGm"),
];

/// Of so many lanes together, each with another password.
fn rate_of_lanes(lanes: usize, rounds: impl Fn(&mut [State], u32)) -> Option<f64> {
    let known: Vec<_> = KNOWN
        .iter()
        .take(lanes)
        .map(|(password, hash)| Some((password.as_bytes(), Bcrypt::parse(hash, Wrapping::Plain)?)))
        .collect::<Option<_>>()?;
    let mut states: Vec<_> = known
        .iter()
        .map(|(password, stored)| {
            let mut state = State::new();
            state.begin(&with_end(password), stored.salt);
            state
        })
        .collect();
    let start = Instant::now();
    rounds(&mut states, 16);
    let took = start.elapsed().as_secs_f64();
    let right = states.iter().zip(&known).all(|(state, (_, stored))| has_digest(stored, &state.digest()));
    right.then(|| f64::from(u32::try_from(lanes).unwrap_or(u32::MAX)) * 16.0 / took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bcrypt_works_here() {
        for lanes in [1, 2, 6, 7] {
            let checked = check_and_measure(lanes).unwrap();
            assert_eq!(checked.lanes, lanes.min(6));
            assert!(checked.rates.shared > 0.0 && checked.rates.alone > 0.0);
        }
    }

    #[test]
    fn a_kernel_that_mistakes_one_lane_is_found() {
        let good = |states: &mut [State], count| rounds(states, count);
        let one_round_less = |states: &mut [State], count| rounds(states, count - 1);
        let lanes_exchanged = |states: &mut [State], count| {
            rounds(states, count);
            states.reverse();
        };
        for lanes in 2..=MAX_LANES {
            assert!(rate_of_lanes(lanes, good).is_some());
            assert!(rate_of_lanes(lanes, one_round_less).is_none());
            assert!(rate_of_lanes(lanes, lanes_exchanged).is_none());
            assert!(rate_of_lanes(lanes, |states, count| rounds(&mut states[1..], count)).is_none());
        }
    }
}
