use super::*;
use crate::platform::keyed_hash::KeyedHash;

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
