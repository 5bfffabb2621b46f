//! Accounts from elsewhere: hashes that other software made log in, and are Doorward's own after that.

use doorward::domain::import::{Clash, Mapping, Outcome, Preset, Report};
use doorward::domain::password::{NotTaken, Password, Stored, Wrapping, firebase, recognise};
use doorward::service::import::{Plan, import};
use doorward::storage::import::Place;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::tokens;
use crate::support::postgres;

both! {
    a_hash_put_in_by_hand_does_no_harm,
    people_of_a_fastapi_template_log_in,
    people_of_fastapi_users_log_in_and_keep_their_uuids,
    people_of_django_log_in,
    people_of_django_6_log_in,
    people_of_better_auth_log_in,
    people_of_pocketbase_log_in,
    people_of_wordpress_log_in,
    an_address_that_somebody_has_left_is_kept_for_them,
    whoever_has_no_password_gets_one_by_a_reset,
    nobody_registers_where_registration_is_closed,
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

/// Of "`SecurePass123`".
const BC: &str = "$2b$04$T2RhXNc30kVYoTRa9tHEOemwhY8o0OlfQk7EQdjJ2iQDDbu2zYuuq";

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

/// The password of each person of `tests/data/import`, by the name before the `@`.
const PEOPLE: [(&str, &str); 4] = [
    ("ann", "SecurePass123"),
    ("bob", "Cafe\u{301}-\u{e9}t\u{e9} 9"),
    ("carl", " It's \"fine\" & <ok> 1 "),
    ("dora", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
];

/// Imports a SQLite database of these statements.
async fn move_in(app: &TestApp, preset: &str, bare: Option<Wrapping>, sql: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    // What the test itself does is none of the service's log.
    let options = url.parse::<sqlx::sqlite::SqliteConnectOptions>().unwrap().disable_statement_logging();
    let mut source = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    source.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap();
    source.close().await.unwrap();
    let preset = Preset::named(preset).unwrap();
    let mut mapping = Mapping::of(preset, &[], bare).unwrap();
    mapping.superusers = true;
    let plan = Plan {
        name: preset.name.to_owned(),
        place: Place::Sqlite(path),
        tables: preset.tables.iter().map(|table| (*table).to_owned()).collect(),
        mapping,
        ids_disjoint: false,
        dry_run: false,
        cost: 4,
    };
    import(&app.service().store, &plan, &mut |_| {}).await.unwrap()
}

/// Logs everybody in, and returns them as they see themselves, and what their tokens tell of their ids.
async fn everybody(app: &TestApp) -> Vec<(Value, Value)> {
    let mut seen = Vec::new();
    for (name, password) in PEOPLE {
        let browser = app.browser();
        browser.login_with(&format!("{name}@example.com"), password).await.ok();
        let claims = tokens::claims(&browser.access_cookie());
        assert_eq!(claims["sub"], browser.me().await.ok()["id"].to_string());
        browser.refresh().await.ok();
        assert_eq!(tokens::claims(&browser.access_cookie())["ext"], claims["ext"]);
        seen.push((browser.me().await.ok(), claims["ext"].clone()));
        assert!(app.hash_of(&format!("{name}@example.com")).await.starts_with("$2b$04$"));
    }
    seen
}

async fn people_of_a_fastapi_template_log_in(app: TestApp) {
    let report = move_in(&app, "fastapi", None, include_str!("../data/import/fastapi.sql")).await;
    assert_eq!((report.made, report.is_whole()), (4, true), "{report:?}");
    let seen = everybody(&app).await;
    for (number, (me, ext)) in (1..).zip(&seen) {
        assert_eq!((&me["id"], ext), (&json!(number), &Value::Null));
        assert_eq!(me["external_id"], Value::Null);
        assert_eq!(me["is_superuser"], json!(number == 1));
    }
    assert_eq!(seen[0].0["full_name"], "Ann");
}

async fn people_of_fastapi_users_log_in_and_keep_their_uuids(app: TestApp) {
    let report = move_in(&app, "fastapi-users", None, include_str!("../data/import/fastapi-users.sql")).await;
    assert_eq!((report.made, report.is_whole(), report.schemes.len()), (4, true, 1), "{report:?}");
    let seen = everybody(&app).await;
    assert_eq!((report.confirmed, confirmed(&seen)), (1, vec![true, false, false, false]));
    for (me, ext) in seen {
        assert_eq!(me["external_id"], ext);
        assert_eq!(ext.as_str().unwrap().len(), 36);
    }
}

async fn people_of_django_log_in(app: TestApp) {
    of_django(&app, include_str!("../data/import/django.sql")).await;
}

async fn people_of_django_6_log_in(app: TestApp) {
    of_django(&app, include_str!("../data/import/django6.sql")).await;
}

async fn of_django(app: &TestApp, sql: &str) {
    let report = move_in(app, "django", None, sql).await;
    assert_eq!((report.made, report.without_password, report.is_whole()), (6, 1, true), "{report:?}");
    app.browser().login_with("eve@example.com", "SecurePass123").await.is(401);
    app.browser().login_with("dora@example.com", PEOPLE[3].1).await.is(401);
    app.execute("UPDATE users SET is_active = TRUE").await;
    let seen = everybody(app).await;
    assert_eq!(seen[1].0["full_name"], "Bob Lee");
    assert_eq!(confirmed(&seen), [false; 4], "Django itself does not tell");
    app.browser().login_with("root@example.com", "SecurePass123").await.ok();
}

/// Whose address is confirmed.
fn confirmed(seen: &[(Value, Value)]) -> Vec<bool> {
    seen.iter().map(|(me, _)| me["email_verified"].as_bool().unwrap()).collect()
}

async fn people_of_better_auth_log_in(app: TestApp) {
    let report = move_in(&app, "better-auth", None, include_str!("../data/import/better-auth.sql")).await;
    assert_eq!((report.made, report.is_whole()), (4, true), "{report:?}");
    let seen = everybody(&app).await;
    assert_eq!((report.confirmed, confirmed(&seen)), (1, vec![true, false, false, false]));
    for (me, ext) in seen {
        assert_eq!(me["external_id"], ext);
        assert_eq!(ext.as_str().unwrap().len(), 32);
    }
}

async fn people_of_pocketbase_log_in(app: TestApp) {
    let report = move_in(&app, "pocketbase", None, include_str!("../data/import/pocketbase.sql")).await;
    assert_eq!((report.made, report.is_whole()), (4, true), "{report:?}");
    let seen = everybody(&app).await;
    assert_eq!((report.confirmed, confirmed(&seen)), (1, vec![true, false, false, false]));
    for (me, ext) in seen {
        assert_eq!(me["external_id"], ext);
        assert_eq!(ext.as_str().unwrap().len(), 15);
    }
}

/// In the tables that their documentation describes.
async fn people_of_wordpress_log_in(app: TestApp) {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../data/hashes/vectors.json")).unwrap();
    let mine: Vec<_> = vectors.into_iter().filter(|vector| vector.scheme == "wordpress-bcrypt").collect();
    let mut sql = "CREATE TABLE wp_users (ID bigint NOT NULL, user_login varchar(60), user_pass varchar(255), \
                   user_nicename varchar(50), user_email varchar(100), user_url varchar(100), user_registered datetime, \
                   user_activation_key varchar(255), user_status int(11), display_name varchar(250));"
        .to_owned();
    for (number, vector) in mine.iter().enumerate() {
        let row = format!(
            "INSERT INTO wp_users VALUES ({}, 'w{number}', '{}', 'w', 'w{number}@example.com', '', '2024-01-02 03:04:05', '', 0, 'W {number}');",
            number + 10,
            vector.stored
        );
        sql.push_str(&row);
    }
    let report = move_in(&app, "wordpress", None, &sql).await;
    assert_eq!((report.made, report.is_whole()), (mine.len() as u64, true), "{report:?}");
    let mut logged_in = 0;
    for (number, vector) in mine.iter().enumerate().filter(|(_, vector)| vector.expected() == Expected::LogsIn) {
        app.browser().login_with(&format!("w{number}@example.com"), &vector.password).await.ok();
        logged_in += 1;
    }
    assert!(logged_in >= 8, "{logged_in}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_devise_log_in_with_its_pepper() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../data/hashes/vectors.json")).unwrap();
    let is_mine = |vector: &Vector| vector.pepper.as_deref() == Some(PEPPERS[1]);
    let mine: Vec<_> = vectors.into_iter().filter(is_mine).collect();
    let mut sql = "CREATE TABLE users (id integer PRIMARY KEY, email varchar NOT NULL, encrypted_password varchar NOT NULL, \
                   reset_password_token varchar, remember_created_at datetime, sign_in_count integer, current_sign_in_at datetime, \
                   last_sign_in_at datetime, confirmation_token varchar, confirmed_at datetime, confirmation_sent_at datetime, \
                   unconfirmed_email varchar, created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);"
        .to_owned();
    for (number, vector) in mine.iter().enumerate() {
        let row = format!(
            "INSERT INTO users VALUES ({}, 'd{number}@example.com', '{}', NULL, NULL, 3, '2025-01-02 03:04:05.678901', NULL, \
             NULL, '2024-01-02 03:04:06.678901', NULL, NULL, '2024-01-02 03:04:05.678901', '2025-01-02 03:04:05.678901');",
            number + 10,
            vector.stored
        );
        sql.push_str(&row);
    }
    let app = TestApp::with(Database::Sqlite, &[("IMPORT_PEPPER", PEPPERS[1])]).await;
    let report = move_in(&app, "devise", Some(Wrapping::Devise), &sql).await;
    assert_eq!((report.made, report.is_whole()), (mine.len() as u64, true), "{report:?}");
    let mut logged_in = 0;
    for (number, vector) in mine.iter().enumerate().filter(|(_, vector)| vector.expected() == Expected::LogsIn) {
        let browser = app.browser();
        browser.login_with(&format!("d{number}@example.com"), &vector.password).await.ok();
        let me = browser.me().await.ok();
        assert_eq!((&me["created_at"], &me["email_verified"]), (&json!("2024-01-02T03:04:05Z"), &json!(true)));
        logged_in += 1;
    }
    assert!(logged_in >= 4, "{logged_in}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_supabase_log_in() {
    let Some(url) = postgres::fresh_database().await else { return };
    let mut source = sqlx::PgConnection::connect(&url).await.unwrap();
    let sql = format!(
        "CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid PRIMARY KEY, email varchar(255), encrypted_password varchar(255), \
         email_confirmed_at timestamptz, last_sign_in_at timestamptz, raw_user_meta_data jsonb, is_super_admin boolean, \
         created_at timestamptz, updated_at timestamptz, phone text, banned_until timestamptz, deleted_at timestamptz, \
         is_sso_user boolean NOT NULL DEFAULT false, is_anonymous boolean NOT NULL DEFAULT false); \
         INSERT INTO auth.users VALUES ('11111111-1111-1111-1111-111111111111', 'Ann@example.com', '{BC}', now(), '2025-01-02 03:04:05+02', \
         '{{\"full_name\": \"Ann Lee\"}}', false, '2024-01-02 03:04:05.5+00'); \
         INSERT INTO auth.users (id, email, encrypted_password, created_at, banned_until) \
         VALUES ('22222222-2222-2222-2222-222222222222', 'bob@example.com', '{BC}', now(), now() + '1 day'); \
         INSERT INTO auth.users (id, phone) VALUES ('33333333-3333-3333-3333-333333333333', '+49');"
    );
    source.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    for database in [Database::Sqlite, Database::Postgres] {
        let app = TestApp::start(database).await;
        let preset = Preset::named("supabase").unwrap();
        let plan = Plan {
            name: "supabase".to_owned(),
            place: Place::parse(&url, None).unwrap(),
            tables: preset.tables.iter().map(|table| (*table).to_owned()).collect(),
            mapping: Mapping::of(preset, &[], None).unwrap(),
            ids_disjoint: false,
            dry_run: false,
            cost: 4,
        };
        let report = import(&app.service().store, &plan, &mut |_| {}).await.unwrap();
        assert_eq!((report.rows, report.made, report.is_whole()), (2, 2, true), "{report:?}");
        let ann = app.browser();
        ann.login_with("ann@example.com", "SecurePass123").await.ok();
        let me = ann.me().await.ok();
        assert_eq!(
            (&me["full_name"], &me["external_id"], &me["created_at"]),
            (&json!("Ann Lee"), &json!("11111111-1111-1111-1111-111111111111"), &json!("2024-01-02T03:04:05Z"))
        );
        assert_eq!((report.confirmed, &me["email_verified"]), (1, &json!(true)));
        app.browser().login_with("bob@example.com", "SecurePass123").await.is(401);
    }
}

async fn an_address_that_somebody_has_left_is_kept_for_them(database: Database) {
    let app = TestApp::with(database, &[("EMAIL_VERIFICATION", "on")]).await;
    let ann = app.register_and_login("ann@example.com").await;
    let token = app.mail("ann@example.com").await.token();
    ann.post("/api/auth/email/verify").json(&json!({ "token": token })).await.ok();
    let change = json!({ "email": "new@example.com", "current_password": "SecurePass123" });
    ann.post("/api/auth/email/change").json(&change).await.is(202);
    let token = app.mail("new@example.com").await.token();
    ann.post("/api/auth/email/change/confirm").json(&json!({ "token": token })).await.ok();
    let notices = app.mails("ann@example.com").await;
    let take_back = notices.iter().find(|mail| mail.kind == "email_changed").unwrap().token();

    let sql = format!(
        "CREATE TABLE users (id TEXT, email TEXT, password TEXT, email_verified INTEGER);
         INSERT INTO users VALUES ('a', 'Ann@example.com', '{BC}', 1), ('b', 'bob@example.com', '{BC}', 1);"
    );
    let report = move_in(&app, "generic", None, &sql).await;
    assert_eq!((report.made, report.clashes, report.confirmed), (1, 1, 1), "{report:?}");
    assert_eq!(report.lines[0].outcome, Outcome::Clash(Clash::EmailLeft));
    app.browser().login_with("ann@example.com", "SecurePass123").await.refused("incorrect_credentials");
    let restore = json!({ "token": take_back, "new_password": "EvenMoreSecure456" });
    app.browser().post("/api/auth/email/restore").json(&restore).await.ok();
    app.browser().login_with("ann@example.com", "EvenMoreSecure456").await.ok();
}

/// Whose hash was not taken. There is nothing that such a person could prove: whatever wants the password is refused like a wrong one.
async fn whoever_has_no_password_gets_one_by_a_reset(app: TestApp) {
    app.import("ann@example.com", "SecurePass123").await;
    let ann = app.browser();
    ann.login("ann@example.com").await.ok();
    app.execute("UPDATE users SET password_hash = '!'").await;
    for password in ["SecurePass123", "!", "x"] {
        let rounds = app.service().password.hashing.rounds_done();
        ann.login_with("ann@example.com", password).await.refused("incorrect_credentials");
        assert_eq!(app.service().password.hashing.rounds_done() - rounds, 16, "as for anybody");
        let change = json!({ "current_password": password, "new_password": "EvenMoreSecure456" });
        ann.post("/api/auth/password").json(&change).await.refused("incorrect_current_password");
    }
    let proof = json!({ "password": "!" });
    ann.call(http::Method::DELETE, "/api/auth/me").json(&proof).await.refused("incorrect_current_password");
    let change = json!({ "email": "new@example.com", "current_password": "!" });
    ann.post("/api/auth/email/change").json(&change).await.refused("incorrect_current_password");
    assert_eq!(app.hash_of("ann@example.com").await, "!");
    ann.me().await.ok();

    app.browser().post("/api/auth/password/forgot").json(&json!({ "email": "ann@example.com" })).await.is(202);
    let token = app.mail("ann@example.com").await.token();
    let reset = json!({ "token": token, "new_password": "EvenMoreSecure456" });
    app.browser().post("/api/auth/password/reset").json(&reset).await.ok();
    app.browser().login_with("ann@example.com", "EvenMoreSecure456").await.ok();
}

async fn nobody_registers_where_registration_is_closed(app: TestApp) {
    let app = app.restart(&[("REGISTRATION", "closed")]).await;
    app.browser().register("ann@example.com").await.refused("registration_closed");
    assert_eq!(app.count("users").await, 0);
    app.import("bob@example.com", "SecurePass123").await;
    app.browser().login("bob@example.com").await.ok();
}
