use std::hint::black_box;

use super::*;
use crate::domain::password::Stored;

fn kdf(function: Function) -> Kdf {
    Kdf::checked(function, vec![7; 16], vec![7; 32]).unwrap()
}

const FUNCTIONS: [Function; 6] = [
    Function::Argon2 { id: true, memory: 65_536, passes: 3, parallelism: 4 },
    Function::Pbkdf2 { sha: None, rounds: 1_000_000 },
    Function::Pbkdf2 { sha: Some(Sha::Sha256), rounds: 1_000_000 },
    Function::Pbkdf2 { sha: Some(Sha::Sha512), rounds: 210_000 },
    Function::Scrypt { log_n: 15, r: 8, p: 1, compatible: false },
    Function::Scrypt { log_n: 14, r: 16, p: 1, compatible: true },
];

/// What is counted is what is measured, by a factor of two; in a release build: `cargo test --release --lib -- --ignored rates_beside_bcrypt --nocapture`.
#[test]
#[ignore = "takes some seconds of a core, which tell something only where the crates are optimised"]
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measurement")]
fn rates_beside_bcrypt() {
    let bcrypt =
        (0..5).map(|_| seconds(|| _ = black_box(bcrypt::bcrypt(11, [7; 16], b"abc\0")))).fold(f64::MAX, f64::min);
    let a_round = bcrypt / 2048.0;
    println!("a round of bcrypt: {:.1} us", a_round * 1e6);
    for function in FUNCTIONS {
        let kdf = kdf(function);
        let took =
            (0..3).map(|_| seconds(|| assert_eq!(is_of(&kdf, b"abc", None), Some(false)))).fold(f64::MAX, f64::min);
        let counted = f64::from(u32::try_from(kdf.rounds()).unwrap());
        println!(
            "{}: {:.0} ms, {:.0} rounds, counted {counted}",
            Stored::Kdf(kdf).describe(),
            took * 1e3,
            took / a_round
        );
        assert!((0.5..2.0).contains(&(took / a_round / counted)));
    }
}

/// Of this thread on a core, as Linux tells it: other work on the machine takes nothing of it.
fn seconds(work: impl FnOnce()) -> f64 {
    let now = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let before = now();
    work();
    now() - before
}

#[test]
fn what_is_longer_than_bcrypt_looks_at_is_cut_off() {
    assert_eq!(with_end(b"").as_slice(), b"\0");
    assert_eq!(with_end(&[b'x'; 71]).len(), 72);
    assert_eq!(with_end(&[b'x'; 72]).as_slice(), [b'x'; 72]);
    assert_eq!(with_end(&[b'x'; 88]).as_slice(), [b'x'; 72]);
}
