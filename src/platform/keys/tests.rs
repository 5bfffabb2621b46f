use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::config::private_key::PrivateKey;
use crate::config::{Config, Source};
use crate::domain::timestamp::Timestamp;
use crate::platform::keyed_hash::KeyedHash;
use crate::platform::random::Random;

fn secret(byte: u8) -> Secret {
    Secret::new(vec![byte; 32])
}

/// `JWT_SECRET_KEY`, its previous one, `SECRET_KEY`, its previous one.
fn keys(signing: u8, previous_signing: Option<u8>, own: Option<u8>, previous: Option<u8>) -> Keys {
    Keys::new(Roots {
        signing: Some(secret(signing)),
        previous_signing: previous_signing.map(secret),
        secret: own.map(secret),
        previous_secret: previous.map(secret),
        ..Roots::default()
    })
    .unwrap()
}

fn ids(ring: &Ring) -> Vec<[u8; 4]> {
    std::iter::once(&ring.current).chain(&ring.accepted).map(Key::id).collect()
}

fn kids(keys: &SigningKeys) -> Vec<String> {
    keys.all().map(|key| key.kid().to_owned()).collect()
}

fn kids_of(bytes: &[u8]) -> Vec<String> {
    bytes.iter().map(|byte| Key::new(secret(*byte)).kid()).collect()
}

fn ids_of(bytes: &[u8]) -> Vec<[u8; 4]> {
    bytes.iter().map(|byte| Key::new(secret(*byte)).id()).collect()
}

/// What the version before there was a `SECRET_KEY` made of this key.
#[test]
fn without_a_secret_key_everything_is_what_it_always_was() {
    let keys = Keys::new(Roots {
        signing: Some(Secret::new(b"sBqX0xv1cVqM3n8yJr5tQw7eKd2fHg9a".to_vec())),
        ..Roots::default()
    })
    .unwrap();
    assert_eq!((keys.signing.current.kid(), keys.refresh.current.kid()), ("6sXLxQ", "6sXLxQ".to_owned()));
    let names = KeyedHash::new(&keys.secrets.derive(Purpose::ThrottleNames));
    assert_eq!(
        names.of(b"somebody@example.com"),
        [198, 109, 227, 6, 128, 10, 149, 1, 250, 11, 174, 40, 42, 35, 158, 234]
    );
}

#[test]
fn each_ring_has_its_keys() {
    let table: [(Keys, [&[u8]; 3]); 6] = [
        (keys(1, None, None, None), [&[1], &[1], &[1]]),
        (keys(1, Some(2), None, None), [&[1, 2], &[1, 2], &[1, 2]]),
        // A secret key is introduced in three steps, the signing key being the one before it.
        (keys(1, None, None, Some(5)), [&[1], &[1, 5], &[1, 5]]),
        (keys(1, None, Some(5), Some(1)), [&[1], &[5, 1], &[5, 1, 1]]),
        (keys(1, None, Some(5), None), [&[1], &[5], &[5, 1]]),
        (keys(1, Some(2), Some(5), Some(6)), [&[1, 2], &[5, 6], &[5, 6, 1, 2]]),
    ];
    for (keys, expected) in table {
        assert_eq!(kids(&keys.signing), kids_of(expected[0]));
        assert_eq!([&keys.secrets, &keys.refresh].map(ids), [expected[1], expected[2]].map(ids_of));
    }
}

/// Nodes are restarted one by one: what either makes the other takes, at every step.
#[test]
fn at_every_step_of_every_change_nodes_take_what_the_others_make() {
    let introduced = [
        keys(1, None, None, None),
        keys(1, None, None, Some(5)),
        keys(1, None, Some(5), Some(1)),
        keys(1, None, Some(5), None),
    ];
    let changed = [
        keys(1, None, Some(5), None),
        keys(1, None, Some(5), Some(6)),
        keys(1, None, Some(6), Some(5)),
        keys(1, None, Some(6), None),
    ];
    let signing = [
        keys(1, None, Some(5), None),
        keys(1, Some(2), Some(5), None),
        keys(2, Some(1), Some(5), None),
        keys(2, None, Some(5), None),
    ];
    let before = [
        keys(1, None, None, None),
        keys(1, Some(2), None, None),
        keys(2, Some(1), None, None),
        keys(2, None, None, None),
    ];
    for steps in [introduced, changed, signing, before] {
        for pair in steps.windows(2) {
            for (one, other) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
                assert!(one.refresh.find(other.refresh.current.id()).is_some());
                assert!(one.signing.find(other.signing.current.kid()).is_some());
                let cookie = other.secrets.sign(Purpose::DeviceCookies, b"ann");
                assert!(one.secrets.verify(Purpose::DeviceCookies, b"ann", &cookie));
            }
        }
    }
}

#[test]
fn changing_the_signing_key_changes_nothing_that_has_a_root_of_its_own() {
    let (before, after) = (keys(1, Some(2), Some(5), None), keys(2, Some(1), Some(5), None));
    assert_ne!(before.signing.current.kid(), after.signing.current.kid());
    assert_eq!(before.refresh.current.id(), after.refresh.current.id());
    assert_eq!(before.secrets.derive(Purpose::ThrottleNames), after.secrets.derive(Purpose::ThrottleNames));
}

/// Who verifies access tokens knows the signing key: with a root of its own, nothing else believes in that one.
#[test]
fn the_signing_key_makes_no_cookie_once_there_is_a_secret_key() {
    let shared = keys(1, None, None, None).secrets.sign(Purpose::DeviceCookies, b"ann");
    assert!(!keys(1, None, Some(5), None).secrets.verify(Purpose::DeviceCookies, b"ann", &shared));
}

fn asymmetric(algorithm: Algorithm, root: &[u8]) -> Keys {
    Keys::new(Roots { algorithm, secret: Some(Secret::new(root.to_vec())), ..Roots::default() }).unwrap()
}

/// Computed by Python's HMAC and by OpenSSL. What is derived never changes: verifiers keep it.
#[test]
fn a_root_has_one_key_of_each_algorithm() {
    let root = b"the-root-of-a-vector-e07d3f5b9a164c28";
    for (algorithm, kid, members) in [
        (
            Algorithm::Es256,
            "Mt5bfe49C15Xjqdfhg-Ic4dgp-urgIuJGmz8OxsxfPw",
            r#""x":"P5nJUNGym_7H5Nm0WjfAiSenD5p6HBGpqs_oDmXzOg8","y":"5alwsN913yYFh8xj3uU3nGRZajBu-W6NZLRhlSJOdac""#,
        ),
        (
            Algorithm::EdDsa,
            "0rDcpCm0I_fEQ3Qb_6rbDshi9tRNtH8OAXL-bg_6m-M",
            r#""x":"Wkannp8Qx1Zcc8L2ElNYYtmsgvAkb1y4-wdIIPLRtMA""#,
        ),
    ] {
        let keys = asymmetric(algorithm, root);
        let public = keys.signing.current.public().unwrap();
        assert_eq!((keys.signing.current.kid(), public.kid.as_str()), (kid, kid));
        assert!(public.key.canonical().ends_with(&format!("{members}}}")), "{}", public.key.canonical());
        assert_eq!(keys.signing.published().count(), 1);
    }
}

#[test]
fn a_shared_secret_alone_makes_no_private_key() {
    for (roots, error) in [
        (Roots::default(), KeysError::NothingToSignWith(Algorithm::Hs256)),
        (
            Roots { algorithm: Algorithm::Es256, signing: Some(secret(1)), ..Roots::default() },
            KeysError::NothingToSignWith(Algorithm::Es256),
        ),
    ] {
        assert_eq!(Keys::new(roots).unwrap_err(), error);
    }
}

#[test]
fn what_is_generated_is_a_key_like_those_of_openssl() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let [one, other] = [1, 2].map(|seed| {
            let pem = generate(algorithm, &Random::repeatable(seed)).unwrap();
            let source = Source::from_pairs([
                ("JWT_ALGORITHM", algorithm.name().as_bytes()),
                ("JWT_PRIVATE_KEY", pem.reveal()),
                ("SECRET_KEY", b"the-root-of-a-vector-e07d3f5b9a164c28".as_slice()),
            ]);
            let tokens = Config::load(&source, Timestamp::from_seconds(0)).unwrap().tokens;
            let secret = tokens.secret_key;
            let keys = Keys::new(Roots { algorithm, private: tokens.private, secret, ..Roots::default() }).unwrap();
            assert_eq!(keys.signing.current.reveal().reveal(), pem.reveal(), "it is revealed as it was given");
            keys
        });
        assert_ne!(one.signing.current.kid(), other.signing.current.kid());
    }
    assert!(generate(Algorithm::Hs256, &Random::repeatable(1)).is_err());
}

/// Parts that do not fit together pass for a key until one is made of them.
#[test]
fn a_private_key_with_another_ones_public_key_is_none() {
    let der = |pem: &str| {
        let lines = pem.lines().skip_while(|line| !line.contains("BEGIN") || !line.contains("PRIVATE KEY"));
        STANDARD.decode(lines.filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
    };
    let mut bent = der(include_str!("../../../tests/data/keys/p256.pem"));
    let other = der(include_str!("../../../tests/data/keys/p256-sec1.pem"));
    // Both end with the public key.
    let (at, from) = (bent.len() - 64, other.len() - 64);
    bent[at..].copy_from_slice(&other[from..]);
    let private = PrivateKeys {
        current: Some(PrivateKey { algorithm: Algorithm::Es256, der: Secret::new(bent) }),
        ..PrivateKeys::default()
    };
    let roots = Roots { algorithm: Algorithm::Es256, private, secret: Some(secret(5)), ..Roots::default() };
    assert_eq!(Keys::new(roots).unwrap_err(), KeysError::Unusable("JWT_PRIVATE_KEY"));
}
