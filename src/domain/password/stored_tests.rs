use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::password::{Function, Sha};

fn parse(text: &str) -> Option<Stored> {
    Stored::parse(&PasswordHash::new(text.to_owned()))
}

fn cost(text: &str) -> Option<u32> {
    match parse(text)? {
        Stored::Bcrypt(Bcrypt { wrapping: Wrapping::Plain, cost, .. }) => Some(cost),
        other => panic!("{other:?}"),
    }
}

const REST: &str = "If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";

#[test]
fn hashes_of_today_are_read_and_others_are_not() {
    for (prefix, expected) in [("$2a$04$", 4), ("$2b$12$", 12), ("$2y$16$", 16)] {
        assert_eq!(cost(&format!("{prefix}{REST}")), Some(expected), "{prefix}");
    }
    for prefix in ["$2x$06$", "$2$06$", "$2c$06$", "$3a$06$", "2a$06$", "$2a$6$", "$2a$03$", "$2a$00$", "$2a$17$"] {
        assert_eq!(cost(&format!("{prefix}{REST}")), None, "{prefix}");
    }
    for prefix in ["$2a$31$", "$2a$99$", "$2a$+6$", "$2a$-6$", "$2a$ 6$", "$2a$6 $", "$2a$0x$", "$2A$06$", " $2a$06$"] {
        assert_eq!(cost(&format!("{prefix}{REST}")), None, "{prefix}");
    }
    let whole = format!("$2a$06${REST}");
    for text in [
        "",
        "$",
        "$2a$",
        "$2a$06$",
        "$2a$06$é",
        "correct",
        "!!",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA",
        "$6$rounds=5000$salt$hash",
        &whole[..59],
        &format!("{whole}."),
        &format!("{whole}\n"),
        &whole.replace('z', "+"),
        &whole.replace("h0i", "h0="),
        &whole.replace("h0i", "h0é"),
        // Bits that no hash has.
        &whole.replace("h0i", "h0j"),
        &whole.replace("eDu0YH", "eDv0YH"),
        &format!("bcrypt${whole}"),
        &format!("Wordpress${whole}"),
        &format!("wordpress{whole}"),
        "argon2id$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(parse("!"), Some(Stored::Nothing));
}

#[test]
fn none_of_them_shows_itself() {
    let hash = parse(&format!("devise$$2a$06${REST}")).unwrap();
    assert_eq!(format!("{hash:?}"), "Stored(devise, cost 6)");
}

#[test]
fn what_is_not_borne_is_not_read() {
    let (salt, digest) = ("c29tZXNhbHQ", "c29tZXNhbHRzb21lc2FsdA");
    for (parameters, borne) in [
        ("argon2id$m=262144,t=16,p=16", true),
        ("argon2id$m=262145,t=1,p=1", false),
        ("argon2id$m=65536,t=17,p=1", false),
        ("argon2id$m=65536,t=1,p=17", false),
        ("argon2id$m=65536,t=0,p=1", false),
        ("argon2id$m=65536,t=1,p=0", false),
        ("argon2id$m=7,t=1,p=1", false),
        ("argon2id$m=4294967296,t=1,p=1", false),
        ("argon2id$m=65536,t=1", false),
        ("argon2id$t=1,m=65536,p=1", false),
        ("argon2id$m=65536,t=1,p=1,x=1", false),
        ("argon2id$m=+8,t=1,p=1", false),
        ("argon2d$m=65536,t=1,p=1", false),
        ("pbkdf2-sha256$i=3000000", true),
        ("pbkdf2-sha256$i=3000001", false),
        ("pbkdf2-sha256$i=0", false),
        ("pbkdf2-sha256$i=01", false),
        ("scrypt$ln=16,r=16,p=16", true),
        ("scrypt$ln=17,r=16,p=1", false),
        ("scrypt$ln=20,r=1,p=1", true),
        ("scrypt$ln=63,r=1,p=1", false),
        ("scrypt$ln=200,r=1,p=1", false),
        ("scrypt$ln=256,r=1,p=1", false),
        ("scrypt$ln=1,r=4294967295,p=1", false),
        ("scrypt$ln=14,r=8,p=17", false),
        ("firebase$ln=14,r=8", true),
        ("firebase$ln=14,r=8,p=1", false),
    ] {
        assert_eq!(parse(&format!("{parameters}${salt}${digest}")).is_some(), borne, "{parameters}");
    }
    // A digest of a byte or two is found by trying.
    for digest in ["", "YQ", "c29tZXNhbHRzb21lc2FsdA==", "c29tZXNhbHRzb21lc2FsdA$", &"YWFh".repeat(30)] {
        assert_eq!(parse(&format!("pbkdf2-sha256$i=1${salt}${digest}")), None, "{digest}");
    }
}

fn bcrypts() -> impl Strategy<Value = Stored> {
    let wrapping = proptest::sample::select(&Wrapping::ALL[..]);
    let version = proptest::sample::select(vec![b'a', b'b', b'y']);
    (wrapping, version, 4u32..=16, any::<[u8; 16]>(), vec(any::<u8>(), 23)).prop_map(
        |(wrapping, version, cost, salt, digest)| {
            Stored::Bcrypt(Bcrypt::new(wrapping, version, cost, salt, digest.try_into().unwrap()).unwrap())
        },
    )
}

fn kdfs() -> impl Strategy<Value = Stored> {
    let sha = proptest::option::of(proptest::sample::select(vec![Sha::Sha256, Sha::Sha384, Sha::Sha512]));
    let function = prop_oneof![
        (any::<bool>(), 128u32..=262_144, 1u32..=16, 1u32..=16)
            .prop_map(|(id, memory, passes, parallelism)| Function::Argon2 { id, memory, passes, parallelism }),
        (sha, 1u32..=3_000_000).prop_map(|(sha, rounds)| Function::Pbkdf2 { sha, rounds }),
        (1u8..=16, 1u32..=16, 1u32..=16, any::<bool>()).prop_map(|(log_n, r, p, compatible)| Function::Scrypt {
            log_n,
            r,
            p,
            compatible
        }),
        (1u8..=16, 1u32..=16).prop_map(|(log_n, r)| Function::Firebase { log_n, r }),
    ];
    (function, vec(any::<u8>(), 8..40), vec(any::<u8>(), 16..=64))
        .prop_map(|(function, salt, digest)| Stored::Kdf(Kdf::checked(function, salt, digest).unwrap()))
}

proptest! {
    #[test]
    fn what_is_written_is_read(stored in prop_oneof![bcrypts(), kdfs(), Just(Stored::Nothing)]) {
        let hash = stored.to_hash();
        prop_assert_eq!(Stored::parse(&hash), Some(stored));
    }

    /// Whatever somebody puts into the table: one text for each.
    #[test]
    fn what_is_read_is_written_the_same(
        text in "([a-z0-9-]{0,18}\\$|)(\\$2[abxy]\\$[0-3][0-9]\\$[./A-Za-z0-9]{52,54}|[a-z]{1,2}=[0-9]{1,9}(,[a-z]=[0-9]{1,3}){0,2}\\$[A-Za-z0-9+/]{0,24}\\$[A-Za-z0-9+/=]{16,30})",
    ) {
        if let Some(stored) = parse(&text) {
            let written = stored.to_hash();
            prop_assert_eq!(written.as_str(), text);
        }
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,90}|(argon2id|scrypt|pbkdf2-sha1|wordpress)\\$\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn every_one_costs_something_and_its_memory_is_bounded(stored in kdfs()) {
        let Stored::Kdf(kdf) = stored else { unreachable!() };
        prop_assert!(kdf.rounds() >= 1 && kdf.memory() <= 256 << 20);
    }
}

#[test]
fn the_mark_of_a_factor_is_no_part_of_the_hash() {
    let hash = format!("$2b$12${REST}");
    assert!(parse(&hash).is_some());
    assert_eq!(parse(&format!("{}{hash}", Stored::MARK)), parse(&hash));
    assert_eq!(parse(&format!("{0}{0}{hash}", Stored::MARK)), None);
}
