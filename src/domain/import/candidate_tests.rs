use proptest::prelude::*;
use serde_json::json;

use super::*;

const BC: &str = "$2b$04$T2RhXNc30kVYoTRa9tHEOemwhY8o0OlfQk7EQdjJ2iQDDbu2zYuuq";

fn mapping(preset: &str) -> Mapping {
    Mapping::of(Preset::named(preset).unwrap(), &[], Some(Wrapping::Plain)).unwrap()
}

fn read(preset: &str, record: &Value, numbered: bool) -> Result<Candidate, (Option<String>, RowError)> {
    mapping(preset).read(record.as_object().unwrap(), numbered)
}

#[test]
fn a_row_of_django_is_an_account() {
    let row = json!({
        "id": 7, "email": " Ann@Example.com", "first_name": "Ann", "last_name": "", "password": format!("bcrypt${BC}"), "is_active": true,
        "is_superuser": true, "is_staff": false, "date_joined": "2024-01-02T03:04:05.678Z", "last_login": null
    });
    let ann = read("django", &row, true).unwrap();
    assert_eq!((ann.key, ann.id, ann.external_id), (SourceKey("7".into()), Some(UserId(7)), None));
    assert_eq!((ann.email.as_str(), ann.full_name.unwrap().as_str()), ("ann@example.com", "Ann"));
    assert_eq!((ann.stored.to_hash().as_str(), ann.not_taken), (BC, None));
    assert_eq!((ann.is_active, ann.is_superuser), (true, false), "superusers are named when the import is");
    assert_eq!((ann.created_at.unwrap().to_string().as_str(), ann.last_login), ("2024-01-02T03:04:05Z", None));
    let superusers = Mapping { superusers: true, ..mapping("django") };
    assert!(superusers.read(row.as_object().unwrap(), true).unwrap().is_superuser);
}

#[test]
fn ids_that_are_no_numbers_are_external() {
    let row = json!({ "_id": { "$oid": "60425da9" }, "email": "a@b.co", "passwordHash": BC, "email_verified": true });
    let one = read("auth0", &row, false).unwrap();
    assert_eq!(
        (one.key.0.as_str(), one.external_id.unwrap().as_str(), one.id),
        ("auth0|60425da9", "auth0|60425da9", None)
    );
    let whole = read("auth0", &json!({ "user_id": "google|1", "email": "a@b.co" }), false).unwrap();
    assert_eq!(whole.external_id.unwrap().as_str(), "google|1");
    assert_eq!(whole.stored, Stored::Nothing);
    // A file of addresses and hashes alone.
    let bare = read("generic", &json!({ "email": "A@b.co", "hash": BC }), false).unwrap();
    assert_eq!((bare.key.0.as_str(), bare.external_id, bare.id), ("a@b.co", None, None));
}

#[test]
fn rows_that_are_no_accounts_say_why() {
    for (row, numbered, error) in [
        (json!({}), false, RowError::NoEmail),
        (json!({ "id": 1, "email": "" }), false, RowError::NoEmail),
        (json!({ "id": 1, "email": null }), false, RowError::NoEmail),
        (json!({ "id": 1, "email": "not an address\n" }), false, RowError::Email),
        (json!({ "id": null, "email": "a@b.co" }), false, RowError::NoId),
        (json!({ "id": 0, "email": "a@b.co" }), true, RowError::IdOutOfRange),
        (json!({ "id": -3, "email": "a@b.co" }), true, RowError::IdOutOfRange),
        (json!({ "id": 9_007_199_254_740_992_i64, "email": "a@b.co" }), true, RowError::IdOutOfRange),
        (json!({ "id": "99999999999999999999", "email": "a@b.co" }), true, RowError::IdOutOfRange),
        (json!({ "id": "x".repeat(256), "email": "a@b.co" }), false, RowError::ExternalId),
        (json!({ "id": "a\tb", "email": "a@b.co" }), false, RowError::ExternalId),
    ] {
        assert_eq!(read("generic", &row, numbered).unwrap_err().1, error, "{row}");
    }
}

#[test]
fn a_hash_that_is_not_taken_leaves_the_account() {
    let row = json!({ "id": 1, "email": "a@b.co", "password": "$P$BJFEJ//oenI0gXoQ7hVi4jies6RxVJ." });
    let one = read("generic", &row, true).unwrap();
    assert_eq!((one.stored, one.not_taken), (Stored::Nothing, Some(NotTaken("phpass: rounds of MD5"))));
}

#[test]
fn keycloaks_two_texts_are_one_hash() {
    let row = |algorithm: &str, more: &str| {
        json!({
            "id": "ab", "email": "a@b.co", "enabled": true, "created_timestamp": 1_767_052_800_000_i64,
            "credential_data": format!("{{\"hashIterations\":5,\"algorithm\":\"{algorithm}\",\"additionalParameters\":{{{more}}}}}"),
            "secret_data": "{\"value\":\"c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c28=\",\"salt\":\"c29tZXNhbHRzb21lc2FsdA==\"}",
        })
    };
    let argon2 =
        "\"hashLength\":[\"32\"],\"memory\":[\"7168\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]";
    for (algorithm, more, expected) in [
        ("argon2", argon2.to_owned(), "argon2id, m=7168,t=5,p=1"),
        ("argon2", argon2.replace("[\"id\"]", "[\"d\"]"), "no password"),
        ("argon2", argon2.replace("7168", "99999999"), "no password"),
        ("pbkdf2-sha256", String::new(), "pbkdf2-sha256, i=5"),
        ("scram", String::new(), "no password"),
    ] {
        let one = read("keycloak", &row(algorithm, &more), false).unwrap();
        assert_eq!(one.stored.describe(), expected, "{algorithm} {more}");
        assert_eq!(one.not_taken.is_some(), expected == "no password");
    }
}

proptest! {
    #[test]
    fn no_row_panics(
        email in "\\PC{0,20}|[a-z]{1,5}@[a-z]{1,5}\\.co", id in "\\PC{0,8}|[0-9]{1,20}", name in ".{0,300}", hash in "\\PC{0,80}",
        time in any::<i64>(), numbered in any::<bool>(),
    ) {
        let row = json!({ "id": id, "email": email, "name": name, "hash": hash, "created_at": time, "last_login": hash, "is_active": id });
        for preset in &crate::domain::import::PRESETS {
            let _ = Mapping::of(preset, &[], Some(Wrapping::Plain)).unwrap().read(row.as_object().unwrap(), numbered);
        }
    }
}
