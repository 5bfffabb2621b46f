//! Accounts from elsewhere: hashes that other software made log in, and are Doorward's own after that.

use doorward::domain::password::{NotTaken, Password, Stored, Wrapping, firebase, recognise};
use serde::Deserialize;
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::support::postgres;

both! {
    a_hash_put_in_by_hand_does_no_harm,
}

/// What `tests/data/hashes` tells of a hash.
#[derive(Deserialize)]
struct Vector {
    source: String,
    version: String,
    scheme: String,
    password: String,
    stored: String,
    pepper: Option<String>,
    salt: Option<String>,
}

const PEPPERS: [&str; 2] = [
    "short-pepper",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];
const FIREBASE: &str = "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: qV/tIB16UIiZOq7EL0by3417wyC4CXInTiogLtmLUBWN60KfSZQ30KCR68MSvJ4yfgC5Ww/j9L1bvlRRQbh11w==,\n  base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}";

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    LogsIn,
    /// Its account has no password, for this reason.
    NotTaken(&'static str),
    /// No account can have it: 72 bytes and more, or a NUL.
    CannotBeTyped,
}

impl Vector {
    /// As an import reads it.
    fn read(&self) -> Result<Stored, NotTaken> {
        match self.scheme.as_str() {
            "firebase-scrypt" => firebase(&self.stored, self.salt.as_deref().unwrap(), 14, 8),
            "flask-bcrypt-long" => recognise(&self.stored, Wrapping::FlaskLong),
            "devise-pepper" => recognise(&self.stored, Wrapping::Devise),
            "phpbb-bcrypt" => recognise(&self.stored, Wrapping::Phpbb),
            _ => recognise(&self.stored, Wrapping::Plain),
        }
    }

    fn expected(&self) -> Expected {
        match self.scheme.as_str() {
            "phpass-P" | "phpass-H" => Expected::NotTaken("phpass: rounds of MD5"),
            "dovecot-sha512-crypt" | "libsodium-scrypt" => Expected::NotTaken("crypt(3): not bcrypt"),
            "dovecot-ssha256" => Expected::NotTaken("a hash that is fast, and so is guessed fast"),
            "dovecot-pbkdf2" => Expected::NotTaken("of no known form"),
            _ if Password::parse(self.password.clone()).is_err() => Expected::CannotBeTyped,
            _ => Expected::LogsIn,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vector_logs_in_or_is_refused_on_sqlite() {
    every_vector(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vector_logs_in_or_is_refused_on_postgres() {
    if postgres::shared().is_some() {
        every_vector(Database::Postgres).await;
    }
}

/// Each logs in or is refused, for the stated reason; a wrong password does not; and after the first login it is our own.
async fn every_vector(database: Database) {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../data/hashes/vectors.json")).unwrap();
    assert_eq!(vectors.len(), 413);
    let mut logged_in = 0;
    for pepper in PEPPERS {
        let settings = [
            ("IMPORT_PEPPER", pepper),
            ("IMPORT_FIREBASE", FIREBASE),
            ("HASH_THREADS", "2"),
            ("LOGIN_RATE_LIMIT", "off"),
        ];
        let app = TestApp::with(database, &settings).await;
        // One of the two services has all those that need no pepper.
        let mine = |vector: &&Vector| vector.pepper.as_deref().map_or(pepper == PEPPERS[1], |own| own == pepper);
        for (number, vector) in vectors.iter().enumerate().filter(|(_, vector)| mine(vector)) {
            let what = format!("{} ({}), {}: {:?}", vector.source, vector.version, vector.stored, vector.password);
            let email = format!("v{number}@example.com");
            let read = vector.read();
            let expected = vector.expected();
            if let Expected::NotTaken(reason) = expected {
                assert_eq!(read, Err(NotTaken(reason)), "{what}");
            }
            let hash = read.unwrap_or(Stored::Nothing).to_hash();
            app.put_account(&email, hash.as_str()).await;
            let login = |password: &str| {
                app.browser().post("/api/auth/login").json(&json!({ "email": email, "password": password }))
            };
            if expected == Expected::LogsIn {
                login(&vector.password).await.ok();
                let stored = app.hash_of(&email).await;
                assert!(stored.starts_with("$2b$04$"), "{what}: {stored}");
                login(&vector.password).await.ok();
                logged_in += 1;
            } else {
                let refused = login(&vector.password).await;
                refused.is(401);
                assert_eq!(app.hash_of(&email).await, hash.as_str(), "{what}");
            }
        }
        // Some of them once more, with a password that is wrong by a letter.
        for (number, vector) in vectors.iter().enumerate().filter(|(_, vector)| mine(vector)).step_by(9) {
            let email = format!("wrong{number}@example.com");
            app.put_account(&email, vector.read().unwrap_or(Stored::Nothing).to_hash().as_str()).await;
            app.browser().login_with(&email, &format!("x{}", &vector.password)).await.is(401);
        }
    }
    assert!(logged_in > 250, "{logged_in}");
}

/// Whoever can write into the table can put there what no import would: it refuses the login, and takes no longer than another.
async fn a_hash_put_in_by_hand_does_no_harm(app: TestApp) {
    let tail = "c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c28";
    for (number, hash) in [
        format!("argon2id$m=4294967295,t=4294967295,p=255${tail}"),
        format!("pbkdf2-sha256$i=4294967295${tail}"),
        format!("scrypt$ln=63,r=4294967295,p=1${tail}"),
        format!("scrypt$ln=14,r=8,p=1${tail}\n"),
        "pbkdf2-sha256$i=1$c29tZXNhbHQ$".to_owned(),
        "devise$$2b$04$T2RhXNc30kVYoTRa9tHEOemwhY8o0OlfQk7EQdjJ2iQDDbu2zYuuq".to_owned(),
        format!("firebase$ln=14,r=8${tail}"),
        "$argon2id$v=19$m=1024,t=2,p=1$UFYxa2RUcGZXZWIuUWJqTQ$2QQ1gdXiztywCZzz0kK0gGx854tfkhTfWi+Tn4Wodcw".to_owned(),
        "!".to_owned(),
        String::new(),
        "\u{1F511}".repeat(10_000),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("h{number}@example.com");
        app.put_account(&email, &hash).await;
        let before = app.service().password.hashing.rounds_done();
        app.browser().login_with(&email, "SecurePass123").await.is(401);
        assert_eq!(app.service().password.hashing.rounds_done() - before, 16, "{number}");
    }
}
