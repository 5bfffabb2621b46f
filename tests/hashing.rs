//! The hashing pool: whose hashes it verifies, what it costs, and what it does with more work than it can do.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the message")]

use std::time::Duration;

use doorward::api::middleware::Limits;
use doorward::config::hashing::Hashing;
use doorward::domain::password::{Password, PasswordHash, Stored, Wrapping, recognise};
use doorward::platform::hashing::{Class, HashError, HashPool, LONGEST_WAIT, Subject, Verified};
use doorward::platform::random::Random;
use futures_util::future::join_all;
use proptest::prelude::*;

const PATIENT: Duration = Duration::from_mins(1);

/// The crate alone, and all the lanes there are.
const LANES: [usize; 2] = [1, 6];

fn pool(lanes: usize, cost: u32, threads: usize, queue: Duration) -> HashPool {
    let config = Hashing { threads: Some(threads), lanes: Some(lanes), queue };
    HashPool::start(config, cost, Random::system()).unwrap()
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

fn stored(text: &str) -> PasswordHash {
    PasswordHash::new(text.to_owned())
}

#[derive(serde::Deserialize)]
struct Vector {
    maker: String,
    password: String,
    cost: u32,
    hash: String,
}

/// Made by `tests/data/bcrypt/make`.
fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("data/bcrypt/vectors.json")).unwrap()
}

#[tokio::test]
async fn hashes_of_other_makers_verify() {
    for lanes in LANES {
        let pool = pool(lanes, 4, 2, PATIENT);
        let vectors = vectors();
        assert_eq!(vectors.len(), 38);
        for Vector { maker, password: right, cost, hash } in vectors {
            let before = pool.rounds_done();
            let verified = pool.verify(password(&right), Some(stored(&hash))).await.unwrap();
            // Another mark, another cost, or letters in another form.
            let ours = hash.starts_with("$2b$04$") && !password(&right).is_decomposed();
            assert_eq!(verified, Verified { matches: true, outdated: !ours }, "{maker}: {right:?}");
            let passes = if password(&right).is_decomposed() { 2 } else { 1 };
            assert_eq!(pool.rounds_done() - before, passes << cost, "{maker}: {right:?}");
            if cost == 4 {
                let wrong = right.chars().skip(1).chain(['x']).collect::<String>();
                assert!(
                    !pool.verify(password(&wrong), Some(stored(&hash))).await.unwrap().matches,
                    "{maker}: {wrong:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_new_hash_is_of_todays_kind_and_salted() {
    let pool = pool(1, 5, 2, PATIENT);
    let (one, two) = (pool.hash(password("Correct1")).await.unwrap(), pool.hash(password("Correct1")).await.unwrap());
    assert_ne!(one, two);
    for hash in [one, two] {
        assert!(hash.as_str().starts_with("$2b$05$") && hash.as_str().len() == 60);
        assert!(pool.verify(password("Correct1"), Some(hash.clone())).await.unwrap().matches);
        assert!(!pool.verify(password("correct1"), Some(hash)).await.unwrap().matches);
    }
}

/// What bcrypt itself can't tell apart never gets there; what it can is told apart to the last byte.
#[tokio::test]
async fn every_byte_counts() {
    for lanes in LANES {
        let pool = pool(lanes, 4, 2, PATIENT);
        let longest = "x".repeat(71);
        let hash = pool.hash(password(&longest)).await.unwrap();
        assert!(pool.verify(password(&longest), Some(hash.clone())).await.unwrap().matches);
        assert!(!pool.verify(password(&longest[..70]), Some(hash.clone())).await.unwrap().matches);
        assert!(!pool.verify(password(&format!("{}y", &longest[..70])), Some(hash)).await.unwrap().matches);
    }
}

/// Nobody can tell from the time whether an account exists, or where its hash came from: what takes the time is counted.
#[tokio::test]
async fn a_verification_takes_the_same_rounds_whatever_is_wrong() {
    for lanes in LANES {
        const REST: &str = "If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"; // "abc" at cost 6
        let pool = pool(lanes, 6, 1, PATIENT);
        let mut hashes = vec![None];
        for cost in 4..=6 {
            hashes.push(Some(self::pool(lanes, cost, 1, PATIENT).hash(password("abc")).await.unwrap()));
        }
        for prefix in ["$2a$06$", "$2x$06$", "$2a$17$", "$2a$31$", "$2a$03$", "$2a$+6$", "$1$"] {
            hashes.push(Some(stored(&format!("{prefix}{REST}"))));
        }
        // And what no import writes, with more rounds and memory than any machine has.
        let tail = "c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c28";
        for hostile in
            ["argon2id$m=4294967295,t=4294967295,p=1", "pbkdf2-sha256$i=4294967295", "scrypt$ln=63,r=1,p=1", "devise"]
        {
            hashes.push(Some(stored(&format!("{hostile}${tail}"))));
        }
        hashes.extend(["", "*", "abc", "!"].map(|text| Some(stored(text))));
        for hash in hashes.clone() {
            for text in ["abc", "wrong", ""] {
                let before = pool.rounds_done();
                pool.verify(password(text), hash.clone()).await.unwrap();
                assert_eq!(pool.rounds_done() - before, 64, "{:?}", hash.as_ref().map(PasswordHash::as_str));
            }
        }
        // Typed in another form than is hashed: as much again, for everybody.
        for hash in [None, hashes[1].clone(), Some(stored("!"))] {
            let before = pool.rounds_done();
            pool.verify(password("abcde\u{301}"), hash).await.unwrap();
            assert_eq!(pool.rounds_done() - before, 128);
        }
        let before = pool.rounds_done();
        pool.verify_nobody().await.unwrap();
        assert_eq!(pool.rounds_done() - before, 64);
        // A hash that is more costly than configured can't be had for less.
        let costly = self::pool(lanes, 7, 1, PATIENT).hash(password("abc")).await.unwrap();
        let before = pool.rounds_done();
        assert!(pool.verify(password("abc"), Some(costly)).await.unwrap().matches);
        assert_eq!(pool.rounds_done() - before, 128);
    }
}

#[tokio::test]
async fn only_a_right_hash_that_can_be_trusted_matches() {
    for lanes in LANES {
        const REST: &str = "If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"; // "abc" at cost 6
        let pool = pool(lanes, 4, 2, PATIENT);
        let abc = |hash| pool.verify(password("abc"), hash);
        assert!(abc(Some(stored(&format!("$2a$06${REST}")))).await.unwrap().matches);
        for prefix in ["$2x$06$", "$2a$+6$", "$2a$05$", "$2a$17$"] {
            assert!(!abc(Some(stored(&format!("{prefix}{REST}")))).await.unwrap().matches, "{prefix}");
        }
        assert_eq!(abc(None).await.unwrap(), Verified { matches: false, outdated: false });
        assert_eq!(pool.verify_nobody().await.unwrap(), Verified { matches: false, outdated: false });
    }
}

#[tokio::test]
async fn a_hash_is_outdated_when_the_configured_cost_is_another() {
    for lanes in LANES {
        let cheap = pool(lanes, 5, 1, PATIENT).hash(password("abc")).await.unwrap();
        for (cost, outdated) in [(4, true), (5, false), (6, true)] {
            let verified = pool(lanes, cost, 1, PATIENT).verify(password("abc"), Some(cheap.clone())).await.unwrap();
            assert_eq!(verified, Verified { matches: true, outdated });
        }
    }
}

#[tokio::test]
async fn a_storm_is_refused_at_once_and_what_was_taken_is_done() {
    for lanes in LANES {
        // Each job takes 1/64 of a second; there is room for a few.
        let pool = pool(lanes, 8, 2, Duration::from_millis(50));
        let results = join_all((0..300).map(|_| pool.verify(password("abc"), None))).await;
        let (mut done, mut refused) = (0, 0);
        for result in results {
            match result {
                Ok(verified) => {
                    assert!(!verified.matches);
                    done += 1;
                }
                Err(HashError::Overloaded { retry_after }) => {
                    assert!(retry_after >= Duration::from_secs(1));
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(done >= 2 && refused >= 100, "{done} done, {refused} refused");
        let gauges = pool.gauges();
        assert_eq!((gauges.rounds_done, gauges.refused), (done * 256, refused));
        assert_eq!((gauges.waiting, gauges.running, gauges.predicted_wait), (0, 0, Duration::ZERO));
        // The storm is over.
        assert!(pool.verify(password("abc"), None).await.is_ok());
    }
}

#[tokio::test]
async fn a_storm_of_others_leaves_room_for_logins() {
    for lanes in LANES {
        // Room for a hundred, and on a machine that is much slower for a few.
        let pool = pool(lanes, 6, 1, Duration::from_secs(1));
        let others: Vec<_> = (0..10_000).map_while(|_| pool.reserve(Class::Other, Subject::UNBOUNDED).ok()).collect();
        assert!((1..10_000).contains(&others.len()));
        let others = others.into_iter().map(|place| place.hash(password("abc")));
        let login = pool.reserve(Class::Login, Subject::UNBOUNDED).unwrap().verify_nobody();
        let (login, others) = futures_util::join!(login, join_all(others));
        assert!(!login.unwrap().matches);
        assert!(others.into_iter().all(|hash| hash.is_ok()), "what was let in is done");
    }
}

#[tokio::test]
async fn new_passwords_and_old_ones_share_threads() {
    let pool = pool(3, 5, 2, PATIENT);
    let known = pool.hash(password("Correct1")).await.unwrap();
    let typed = |number| password(if number % 3 == 0 { "Correct1" } else { "Wrong" });
    let verified = join_all((0..30).map(|number| pool.verify(typed(number), Some(known.clone()))));
    let hashed = join_all((0..10).map(|number| pool.hash(password(&format!("New{number}")))));
    let (verified, hashed) = futures_util::join!(verified, hashed);
    for (number, verified) in verified.into_iter().enumerate() {
        assert_eq!(verified.unwrap().matches, number % 3 == 0, "{number}");
    }
    for (number, hash) in hashed.into_iter().enumerate() {
        assert!(pool.verify(password(&format!("New{number}")), Some(hash.unwrap())).await.unwrap().matches, "{number}");
    }
    let gauges = pool.gauges();
    assert_eq!((gauges.waiting, gauges.running, gauges.rounds_done), (0, 0, 51 * 32));
}

#[tokio::test]
async fn one_subject_has_its_share() {
    let pool = pool(1, 4, 1, PATIENT);
    let (ann, bob) = (Subject::bounded([1; 16], 1), Subject::bounded([2; 16], 1));
    let (current, new) = pool.reserve_two(Class::Other, ann).unwrap();
    assert!(matches!(pool.reserve(Class::Login, ann), Err(HashError::Overloaded { .. })));
    assert!(pool.reserve(Class::Login, bob).is_ok());
    let hash = pool.hash(password("Correct1")).await.unwrap();
    assert!(current.verify(&password("Correct1"), Some(hash)).await.unwrap().matches);
    let hash = new.hash(password("Correct2")).await.unwrap();
    let again = pool.reserve(Class::Login, ann).unwrap().verify(&password("Correct2"), Some(hash));
    assert!(again.await.unwrap().matches);
}

/// A request is refused for want of time while it still has some.
#[test]
fn a_request_outlives_the_longest_wait() {
    let limits = Limits::default();
    let hashing = Duration::from_secs(5);
    assert!(limits.body_read + LONGEST_WAIT + hashing <= limits.request);
}

#[tokio::test]
async fn close_finishes_what_has_begun() {
    for lanes in LANES {
        let pool = pool(lanes, 4, 2, PATIENT);
        pool.hash(password("abc")).await.unwrap();
        let closing = pool.clone();
        tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
        assert!(matches!(pool.hash(password("abc")).await, Err(HashError::Closed)));
    }
}

/// The threads that serve requests go first, but a flood of requests that are refused must leave something to logins.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_threads_give_way_and_do_not_starve() {
    let pool = pool(1, 4, 1, PATIENT);
    pool.hash(password("abc")).await.unwrap();
    let mut niceness = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let folder = task.unwrap().path();
        // Another test's thread may end in the meantime.
        let Ok(stat) = std::fs::read_to_string(folder.join("stat")) else { continue };
        // The name stands in parentheses and may hold anything; proc(5) numbers the fields.
        let (name, fields) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ")).unwrap();
        let nice: i32 = fields.split(' ').nth(19 - 3).unwrap().parse().unwrap();
        niceness.push((name.starts_with("hashing-"), nice));
    }
    assert!(niceness.contains(&(true, 5)), "{niceness:?}");
    assert!(niceness.iter().all(|(hashing, nice)| *hashing || *nice < 5), "{niceness:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_hashed_verifies_and_nothing_else(one in "[^\0]{0,17}", other in "[^\0]{0,17}", lanes in 1usize..=6) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let pool = pool(lanes, 4, 1, PATIENT);
            let hash = pool.hash(password(&one)).await.unwrap();
            assert!(pool.verify(password(&one), Some(hash.clone())).await.unwrap().matches);
            assert_eq!(pool.verify(password(&other), Some(hash)).await.unwrap().matches, one == other);
        });
    }
}

/// Of a password, as software of others stores it: `tests/data/hashes`.
#[derive(serde::Deserialize)]
struct Foreign {
    source: String,
    scheme: String,
    password: String,
    stored: String,
}

fn foreign() -> Vec<Foreign> {
    serde_json::from_str(include_str!("data/hashes/vectors.json")).unwrap()
}

/// Whoever knows no password learns nothing from the time: where what is stored takes less than is configured, the rest is done for nothing.
#[tokio::test]
async fn hashes_of_other_software_take_the_same_counted_work() {
    const COST: u32 = 9;
    for lanes in LANES {
        let pool = pool(lanes, COST, 1, PATIENT);
        let mut counted = std::collections::BTreeSet::new();
        for Foreign { source, scheme, stored, .. } in foreign() {
            let Ok(hash) = recognise(&stored, Wrapping::Plain) else { continue };
            let work = match &hash {
                Stored::Bcrypt(bcrypt) => u64::from(bcrypt.rounds()),
                Stored::Kdf(kdf) => kdf.rounds(),
                Stored::Nothing => 0,
            };
            if work > 1 << COST || !counted.insert((scheme.clone(), hash.describe())) {
                continue;
            }
            let before = pool.rounds_done();
            let verified = pool.verify(password("wrong"), Some(hash.to_hash())).await.unwrap();
            assert_eq!(verified, Verified { matches: false, outdated: false }, "{source}: {stored}");
            assert_eq!(pool.rounds_done() - before, 1 << COST, "{source}: {stored}");
        }
        assert!(counted.len() >= 20, "{counted:?}");
    }
}

/// Two texts where a program may have hashed either; never a third.
#[tokio::test]
async fn a_second_text_is_looked_at_only_where_it_differs() {
    let wordpress = foreign().into_iter().find(|vector| vector.scheme == "wordpress-bcrypt").unwrap();
    let hash = recognise(&wordpress.stored.replace("$12$", "$04$"), Wrapping::Plain).unwrap().to_hash();
    for lanes in LANES {
        let pool = pool(lanes, 4, 1, PATIENT);
        for (typed, passes) in [("wrong", 1), (" wrong ", 1), ("it's", 2), ("cafe\u{301}", 2), ("cafe\u{301}'s", 2)] {
            let before = pool.rounds_done();
            assert!(!pool.verify(password(typed), Some(hash.clone())).await.unwrap().matches);
            assert_eq!(pool.rounds_done() - before, passes * 16, "{typed}");
        }
    }
}

/// A hash that needs a setting that is not there is as good as none: it takes as long, and nothing matches.
#[tokio::test]
async fn without_its_pepper_nothing_matches() {
    let vectors = foreign().into_iter().filter(|vector| vector.scheme == "devise-pepper");
    let pool = pool(1, 4, 1, PATIENT);
    for Foreign { password: right, stored, .. } in vectors.filter(|vector| vector.stored.contains("$04$")) {
        let Ok(right) = Password::parse(right) else { continue };
        let hash = recognise(&stored, Wrapping::Devise).unwrap().to_hash();
        assert!(!pool.verify(right, Some(hash)).await.unwrap().matches);
    }
}

/// However many ask at once, all that run have room in the memory that there is; and everybody gets an answer.
#[tokio::test]
async fn hashes_that_need_memory_share_it() {
    let pool = pool(6, 4, 4, PATIENT);
    let salt = "c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c28";
    let large = stored(&format!("argon2id$m=200000,t=1,p=1${salt}"));
    let answers = join_all((0..6).map(|n| pool.verify(password("wrong"), (n % 2 == 0).then(|| large.clone())))).await;
    assert!(answers.into_iter().all(|answer| !answer.unwrap().matches));
    assert_eq!((pool.gauges().waiting, pool.gauges().running), (0, 0));
}
