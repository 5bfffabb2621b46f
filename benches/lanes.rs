//! How many passwords one thread verifies in a second at cost 12, by the `bcrypt` crate and in lanes, in one run.
//!
//!     cargo bench --bench lanes
//!
//! Counts the processor's time where the system tells it (Linux), so that other work on the machine disturbs less; ratios count, absolute
//! figures do not. Fails when six lanes do less than three times as much as the crate: another compiler may have changed its mind.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and a panic is the message")]

use std::time::{Duration, Instant};

use doorward::config::hashing::Hashing;
use doorward::domain::password::{Password, PasswordHash};
use doorward::platform::hashing::HashPool;
use doorward::platform::random::Random;
use futures_util::future::join_all;

const COST: u32 = 12;
const TIMES: usize = 5;
const EXPECTED: f64 = 3.0;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let pools: Vec<_> = [1, 2, 3, 4, 5, 6].into_iter().map(|lanes| (lanes, pool(lanes))).collect();
        let right = Password::parse("SecurePass123".to_owned()).unwrap();
        let hash = pools[0].1.hash(right.clone()).await.unwrap();
        // Lanes beside the crate again and again: who is disturbed varies.
        let mut best = vec![0f64; pools.len()];
        for _ in 0..TIMES {
            for ((lanes, pool), best) in pools.iter().zip(&mut best) {
                *best = best.max(rate(pool, *lanes, &right, &hash).await);
            }
        }
        println!("lanes  hashes a second  beside the crate  all of them take");
        for ((lanes, _), best_rate) in pools.iter().zip(&best) {
            let name = if *lanes == 1 { "crate".to_owned() } else { lanes.to_string() };
            let (ratio, milliseconds) = (best_rate / best[0], f64::from(*lanes) / best_rate * 1000.0);
            println!("{name:>5}  {best_rate:>15.2}  {ratio:>16.2}  {milliseconds:>13.0} ms");
        }
        let ratio = best[5] / best[0];
        assert!(ratio >= EXPECTED, "six lanes do {ratio:.2} times what the crate does");
    });
}

fn pool(lanes: u32) -> HashPool {
    let config = Hashing { threads: Some(1), lanes: usize::try_from(lanes).ok(), queue: Duration::from_mins(1) };
    HashPool::start(config, COST, Random::system()).unwrap()
}

/// Of as many verifications at once as there are lanes; every other password is wrong.
async fn rate(pool: &HashPool, lanes: u32, right: &Password, hash: &PasswordHash) -> f64 {
    let wrong = Password::parse("SecurePass124".to_owned()).unwrap();
    let before = Stopwatch::start();
    let passwords = (0..lanes).map(|number| if number % 2 == 0 { right } else { &wrong });
    let verified = join_all(passwords.map(|password| pool.verify(password.clone(), Some(hash.clone())))).await;
    let took = before.seconds();
    for (number, verified) in verified.into_iter().enumerate() {
        assert_eq!(verified.unwrap().matches, number % 2 == 0);
    }
    f64::from(lanes) / took
}

/// Of the processor, where it can be had.
struct Stopwatch(Option<u64>, Instant);

impl Stopwatch {
    fn start() -> Self {
        Self(nanoseconds_of_all_threads(), Instant::now())
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    fn seconds(&self) -> f64 {
        let of_the_processor =
            self.0.zip(nanoseconds_of_all_threads()).map(|(before, after)| (after - before) as f64 / 1e9);
        of_the_processor.unwrap_or_else(|| self.1.elapsed().as_secs_f64())
    }
}

fn nanoseconds_of_all_threads() -> Option<u64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    tasks
        .map(|task| {
            std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?.split(' ').next()?.parse::<u64>().ok()
        })
        .sum()
}
