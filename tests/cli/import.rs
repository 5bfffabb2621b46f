//! `doorward import`, on both databases.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use doorward::platform::digest::sha256;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::databases::postgres;
use crate::program::{Finished, run};

/// Of "`SecurePass123`".
const BC: &str = "$2b$04$T2RhXNc30kVYoTRa9tHEOemwhY8o0OlfQk7EQdjJ2iQDDbu2zYuuq";

/// A folder, and the database that is imported into.
struct Home {
    folder: TempDir,
    url: Option<String>,
}

impl Home {
    fn sqlite() -> Self {
        Self { folder: TempDir::new().unwrap(), url: None }
    }

    async fn postgres() -> Option<Self> {
        Some(Self { folder: TempDir::new().unwrap(), url: Some(postgres::fresh_database().await?) })
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        let url = self.url.as_deref().map(|url| ("DATABASE_URL", url));
        [("BCRYPT_COST", "4"), ("HASH_THREADS", "1")].into_iter().chain(url).collect()
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        run(self.folder.path(), arguments, &self.variables())
    }

    fn import(&self, arguments: &[&str]) -> Finished {
        self.run(&[&["import"], arguments].concat())
    }

    /// With something to read.
    fn import_with(&self, arguments: &[&str], input: &str) -> Finished {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.current_dir(self.folder.path()).arg("import").args(arguments).env_clear().envs(self.variables());
        command
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn users(&self) -> Vec<Value> {
        let listed = self.run(&["user", "list", "--json"]);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        serde_json::from_str(&listed.out).unwrap()
    }

    fn emails(&self) -> Vec<String> {
        self.users().iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
    }

    /// Of all that is stored: of every file, or of the rows of each table and sequence.
    async fn fingerprint(&self) -> Vec<(String, String)> {
        let Some(url) = &self.url else {
            let files = fs::read_dir(self.folder.path().join("data")).unwrap().map(|file| file.unwrap().path());
            let hash = |path: PathBuf| format!("{:?}", sha256(&fs::read(path).unwrap()));
            let mut files: Vec<_> = files.map(|path| (path.display().to_string(), hash(path))).collect();
            files.sort();
            return files;
        };
        let mut database = PgConnection::connect(url).await.unwrap();
        let names = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace ORDER BY 1";
        let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut database).await.unwrap();
        let mut hashes = Vec::new();
        for name in names {
            let rows = format!(
                "SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM (SELECT * FROM \"{name}\") AS t"
            );
            let hash = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_one(&mut database).await.unwrap();
            hashes.push((name, hash));
        }
        hashes
    }

    async fn number(&self, query: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        if let Some(url) = &self.url {
            sqlx::query_scalar(query).fetch_one(&mut PgConnection::connect(url).await.unwrap()).await
        } else {
            let url = format!("sqlite://{}", self.folder.path().join("data/doorward.db").display());
            sqlx::query_scalar(query).fetch_one(&mut SqliteConnection::connect(&url).await.unwrap()).await
        }
        .unwrap()
    }
}

macro_rules! both {
    ($($story:ident,)+) => {$(
        mod $story {
            #[tokio::test]
            async fn sqlite() {
                super::$story(super::Home::sqlite()).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(home) = super::Home::postgres().await {
                    super::$story(home).await;
                }
            }
        }
    )+};
}

both! {
    a_second_run_adds_what_is_new_and_changes_nothing,
    numbers_are_kept_and_nobody_gets_one_of_them,
    what_is_in_each_others_way_is_told_and_left,
    a_dry_run_writes_nothing,
    confirmed_addresses_are_confirmed_here,
    the_doctor_counts_the_passwords_that_need_a_secret,
    whoever_was_erased_does_not_come_back,
    a_killed_import_goes_on_and_two_at_once_make_each_account_once,
}

fn csv(rows: &[(&str, &str, &str)]) -> String {
    let rows = rows.iter().map(|(id, email, hash)| format!("{id},{email},{hash}\n"));
    format!("id,email,hash\n{}", rows.collect::<String>())
}

async fn a_second_run_adds_what_is_new_and_changes_nothing(home: Home) {
    let path = home.file("users.csv", &csv(&[("7", "ann@example.com", BC), ("9", "Bob@Example.com", BC)]));
    let from = path.to_str().unwrap().to_owned();
    let first = home.import(&["--from", &from]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(first.out, "2 rows read\n2 accounts made\n  2 bcrypt, cost 4\n");
    // Somebody changes here what the source still has as it was, and a row comes there.
    assert_eq!(home.run(&["user", "disable", "ann@example.com"]).code, Some(0));
    home.file(
        "users.csv",
        &csv(&[("7", "ann@example.com", BC), ("9", "Bob@Example.com", BC), ("12", "c@example.com", "")]),
    );
    let second = home.import(&["--from", &from]);
    assert_eq!(
        (second.code, second.out.as_str()),
        (Some(0), "3 rows read\n1 accounts made\n  1 no password\n2 were taken before\n")
    );
    let users = home.users();
    assert_eq!(users.iter().map(|user| user["id"].as_i64().unwrap()).collect::<Vec<_>>(), [7, 9, 12]);
    assert_eq!((&users[0]["is_active"], &users[1]["email"]), (&json!(false), &json!("bob@example.com")));
    // The operator's import is in the audit; it is nobody's login.
    let export: Value = serde_json::from_str(&home.run(&["user", "export", "bob@example.com"]).out).unwrap();
    let record = &export["audit"][0];
    assert_eq!((&record["event"], &record["actor"]), (&json!("registered"), &json!("operator")), "{export:#}");
}

async fn numbers_are_kept_and_nobody_gets_one_of_them(home: Home) {
    let path = home.file("users.csv", &csv(&[("1000", "ann@example.com", BC), ("5", "bob@example.com", BC)]));
    let from = path.to_str().unwrap();
    assert_eq!(home.import(&["--from", from]).code, Some(0));
    let create = |email: &str| {
        let made = home.run_with(&["user", "create", email, "--json"], "SecurePass123\n");
        serde_json::from_str::<Value>(&made.out).unwrap()["id"].as_i64().unwrap()
    };
    assert_eq!(create("new@example.com"), 1001);
    let reserved = home.import(&["--reserve-ids", "5000"]);
    assert!(reserved.code == Some(0) && reserved.err.contains("above 5000"), "{reserved:?}");
    assert_eq!(create("newer@example.com"), 5001);
    // Never back.
    assert_eq!(home.import(&["--reserve-ids", "10"]).code, Some(0));
    assert_eq!(create("newest@example.com"), 5002);

    // Another source of numbers, now that there are accounts.
    let other = home.file("other.csv", &csv(&[("1001", "x@example.com", BC), ("2", "y@example.com", BC)]));
    let other = other.to_str().unwrap();
    let refused = home.import(&["--from", other, "--source", "other"]);
    assert!(refused.code == Some(1) && refused.err.contains("--ids-disjoint"), "{refused:?}");
    let refused = home.import(&["--from", other, "--source", "other", "--ids-disjoint"]);
    assert!(refused.code == Some(1) && refused.err.contains("row 1"), "{refused:?}");
    assert!(!home.emails().contains(&"y@example.com".to_owned()), "nothing was made");
    let other = home.file("other.csv", &csv(&[("3", "x@example.com", BC), ("2", "y@example.com", BC)]));
    let done = home.import(&["--from", other.to_str().unwrap(), "--source", "other", "--ids-disjoint"]);
    assert_eq!(done.code, Some(0), "{done:?}");
}

async fn what_is_in_each_others_way_is_told_and_left(home: Home) {
    assert_eq!(home.run_with(&["user", "create", "here@example.com"], "SecurePass123\n").code, Some(0));
    let rows = [
        json!({ "id": "a", "email": "twin@example.com", "hash": BC }),
        json!({ "id": "b", "email": "TWIN@example.com", "hash": BC }),
        json!({ "id": "c", "email": "one@example.com", "hash": BC }),
        json!({ "id": "c", "email": "two@example.com", "hash": BC }),
        json!({ "id": "d", "email": "Here@example.com", "hash": BC, "is_superuser": true }),
        json!({ "id": "e", "email": "not an address", "hash": BC }),
        json!({ "id": "f", "hash": BC }),
        json!({ "id": "g", "email": "old@example.com", "hash": "$P$BJFEJ//oenI0gXoQ7hVi4jies6RxVJ." }),
        json!({ "id": "h", "email": "huge@example.com", "hash": "pbkdf2_sha256$999999999$salt$mHGLkihLSeTc5u9KxSkXC7vwZ43j0fTakd3gQ1owXeQ=" }),
        json!({ "id": "i", "email": "ok@example.com", "hash": BC, "is_superuser": true, "is_active": false }),
        json!({ "id": "j", "email": "slow@example.com", "hash": BC.replace("$04$", "$14$") }),
    ];
    let lines = rows.map(|row| row.to_string()).join("\n");
    let path = home.file("users.ndjson", &lines);
    let from = path.to_str().unwrap().to_owned();
    let expected = "\
row 1, twin@example.com: another row has an address that is the same here: none of them was taken
row 2, twin@example.com: another row has an address that is the same here: none of them was taken
row 3, one@example.com: another row has the same id: none of them was taken
row 4, two@example.com: another row has the same id: none of them was taken
row 5, here@example.com: an account that was not made by this import has the address
row 6, not an address: this is not an email address that an account can have
row 7, no address: there is no email address
row 8, old@example.com: MADE without a password: phpass: rounds of MD5
row 9, huge@example.com: MADE without a password: damaged, or with more rounds or memory than is borne
11 rows read
4 accounts MADE
  1 bcrypt, cost 14
  1 bcrypt, cost 4
  2 no password
5 were left: somebody else has what they need
2 are no accounts
2 have no password: they need a reset (`doorward user reset-link`)
1 take longer than others for a wrong password, which tells that they are there, until each has logged in once
";
    let dry = home.import(&["--from", &from, "--dry-run"]);
    assert_eq!((dry.code, dry.out), (Some(1), expected.replace("MADE", "would be made")));
    let done = home.import(&["--from", &from]);
    assert_eq!((done.code, done.out.as_str()), (Some(1), expected.replace("MADE", "made").as_str()));
    for told in [&done.out, &done.err] {
        assert!(!told.contains("$2b$") && !told.contains("T2RhXNc30kVY") && !told.contains("$P$"), "{told}");
    }
    let mut emails = home.emails();
    emails.sort();
    assert_eq!(
        emails,
        ["here@example.com", "huge@example.com", "ok@example.com", "old@example.com", "slow@example.com"]
    );
    let ok = home.users().into_iter().find(|user| user["email"] == "ok@example.com").unwrap();
    assert_eq!(
        (&ok["is_superuser"], &ok["is_active"], &ok["external_id"]),
        (&json!(false), &json!(false), &json!("i"))
    );
    assert_eq!(home.number("SELECT count(*) FROM users WHERE password_hash = '!'").await, 2);
}

async fn a_dry_run_writes_nothing(home: Home) {
    let path = home.file("users.csv", &csv(&[("7", "ann@example.com", BC)]));
    let from = path.to_str().unwrap();
    // It does not even make the tables.
    let refused = home.import(&["--from", from, "--dry-run"]);
    assert!(refused.code == Some(1) && refused.err.contains("doorward migrate"), "{refused:?}");
    assert_eq!(home.run(&["migrate"]).code, Some(0));
    let before = home.fingerprint().await;
    let dry = home.import(&["--from", from, "--dry-run", "--reserve-ids", "99"]);
    assert_eq!(
        (dry.code, dry.out.as_str()),
        (Some(0), "1 rows read\n1 accounts would be made\n  1 bcrypt, cost 4\n"),
        "{dry:?}"
    );
    assert_eq!(home.fingerprint().await, before);
    // What it told does come true.
    assert_eq!(home.import(&["--from", from]).code, Some(0));
    assert_ne!(home.fingerprint().await, before);
}

async fn confirmed_addresses_are_confirmed_here(home: Home) {
    let rows = [
        json!({ "id": "a", "email": "when@example.com", "hash": BC, "email_verified_at": "2024-01-02T03:04:05Z" }),
        json!({ "id": "b", "email": "whether@example.com", "hash": BC, "email_verified_at": null, "email_verified": true }),
        json!({ "id": "c", "email": "never@example.com", "hash": BC, "email_verified_at": null, "email_verified": false }),
        json!({ "id": "d", "email": "zero@example.com", "hash": BC, "email_verified_at": "0000-00-00 00:00:00" }),
        json!({ "id": "e", "email": "future@example.com", "hash": BC, "email_verified_at": "9999-01-01" }),
        json!({ "id": "f", "email": "silent@example.com", "hash": BC }),
    ];
    let path = home.file("users.ndjson", &rows.map(|row| row.to_string()).join("\n"));
    let from = path.to_str().unwrap();
    let told = |made| {
        format!("6 rows read\n6 accounts {made}\n  6 bcrypt, cost 4\n3 of them with an address that is confirmed\n")
    };
    assert_eq!(home.run(&["migrate"]).code, Some(0));
    assert_eq!(home.import(&["--from", from, "--dry-run"]).out, told("would be made"));
    assert_eq!(home.import(&["--from", from]).out, told("made"));
    let confirmed = |users: Vec<Value>| {
        let users = users.into_iter().filter(|user| user["email_verified"] == true);
        users.map(|user| user["email"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut emails = confirmed(home.users());
    emails.sort();
    assert_eq!(emails, ["future@example.com", "when@example.com", "whether@example.com"]);
    let at = |name: &str| format!("SELECT email_verified_at / 1000000 FROM users WHERE email = '{name}@example.com'");
    assert_eq!(home.number(&at("when")).await, 1_704_164_645);
    let now = home.number("SELECT max(at) / 1000000 FROM audit").await;
    assert_eq!((home.number(&at("whether")).await, home.number(&at("future")).await), (now, now));

    // Where it stands is told, and may be told the other way round.
    let path =
        home.file("more.csv", &format!("id,email,hash,pending\ng,g@example.com,{BC},1\nh,h@example.com,{BC},0\n"));
    let elsewhere = ["--from", path.to_str().unwrap(), "--source", "more", "--column", "email_verified=!pending"];
    assert_eq!(home.import(&elsewhere).code, Some(0));
    assert!(confirmed(home.users()).contains(&"h@example.com".to_owned()));
    assert!(!confirmed(home.users()).contains(&"g@example.com".to_owned()));
    let path =
        home.file("none.ndjson", &json!({ "id": "x", "email": "x@example.com", "email_verified": true }).to_string());
    let nowhere = ["--from", path.to_str().unwrap(), "--source", "none", "--column", "email_verified="];
    assert_eq!(home.import(&nowhere).code, Some(0));
    assert!(!confirmed(home.users()).contains(&"x@example.com".to_owned()));
}

async fn the_doctor_counts_the_passwords_that_need_a_secret(home: Home) {
    const KEY: &str = "qV/tIB16UIiZOq7EL0by3417wyC4CXInTiogLtmLUBWN60KfSZQ30KCR68MSvJ4yfgC5Ww/j9L1bvlRRQbh11w==";
    let pepper = ("IMPORT_PEPPER", "pepper");
    let firebase = format!("base64_signer_key: {KEY}, base64_salt_separator: Bw==, rounds: 8, mem_cost: 14");
    let firebase = ("IMPORT_FIREBASE", firebase.as_str());
    let run = |arguments: &[&str], settings: &[(&str, &str)]| {
        run(home.folder.path(), arguments, &[&home.variables()[..], settings].concat())
    };
    // Nothing needs to listen for what is seen from here.
    let told = |settings: &[(&str, &str)]| {
        let found = run(&["doctor", "--json", "--url", "http://localhost:1"], settings);
        let said: Value = serde_json::from_str(&found.out).unwrap_or_else(|_| panic!("{found:?}"));
        let findings = said["findings"].as_array().unwrap().iter().filter(|finding| finding["id"] == "imported");
        findings.map(|one| (one["status"].to_string(), one["text"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    let (ok, failed) = ("\"ok\"".to_owned(), "\"failed\"".to_owned());
    assert_eq!(home.run(&["migrate"]).code, Some(0));
    assert_eq!(told(&[]), []);
    assert_eq!(told(&[pepper]), [(ok.clone(), "no password needs IMPORT_PEPPER any more: it may be removed".into())]);

    let rows = csv(&[("a", "ann@example.com", BC), ("b", "bob@example.com", BC), ("c", "carl@example.com", "")]);
    let devise = home.file("devise.csv", &rows);
    let from = ["import", "--from", devise.to_str().unwrap(), "--preset", "devise", "--column", "hash=hash"];
    assert_eq!(run(&[&from[..], &["--scheme", "devise"]].concat(), &[pepper]).code, Some(0));
    let user = json!({ "localId": "x", "email": "eve@example.com", "passwordHash": KEY, "salt": "c29tZXNhbHQ=" });
    let export = home.file("users.json", &json!({ "users": [user] }).to_string());
    let from = ["import", "--from", export.to_str().unwrap(), "--preset", "firebase"];
    assert_eq!(run(&from, &[firebase]).code, Some(0));
    assert_eq!(
        told(&[pepper]),
        [
            (ok, "2 imported passwords still need IMPORT_PEPPER".into()),
            (failed, "1 accounts can't be logged in to: their imported passwords need IMPORT_FIREBASE".into()),
        ]
    );
}

async fn whoever_was_erased_does_not_come_back(home: Home) {
    let path = home.file("users.csv", &csv(&[("7", "ann@example.com", BC), ("8", "bob@example.com", BC)]));
    let from = path.to_str().unwrap();
    assert_eq!(home.import(&["--from", from]).code, Some(0));
    assert_eq!(home.run(&["user", "delete", "ann@example.com"]).code, Some(0));
    let again = home.import(&["--from", from]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), "2 rows read\n0 accounts made\n2 were taken before\n"));
    assert_eq!(home.emails(), ["bob@example.com"]);
}

async fn a_killed_import_goes_on_and_two_at_once_make_each_account_once(home: Home) {
    const ROWS: i64 = 20_000;
    let row = |n| json!({ "id": format!("u{n}"), "email": format!("u{n}@example.com"), "hash": BC }).to_string();
    let lines = (0..ROWS).map(row).collect::<Vec<_>>().join("\n");
    let path = home.file("users.ndjson", &lines);
    let from = path.to_str().unwrap();
    assert_eq!(home.run(&["migrate"]).code, Some(0));
    let mut child = home.command(&["--from", from]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while home.number("SELECT count(*) FROM users").await == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before anybody looked");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let made = home.number("SELECT count(*) FROM users").await;
    assert!(made > 0 && made < ROWS, "{made}");
    // What was made is whole: an account, where it is from, and its record.
    assert_eq!(home.number("SELECT count(*) FROM imported").await, made);
    assert_eq!(home.number("SELECT count(*) FROM audit").await, made);

    let spawn = || home.command(&["--from", from]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = [spawn(), spawn()].map(|child| child.wait_with_output().unwrap());
    let mut new = 0;
    for output in ended {
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));
        let of = |what: &str| -> i64 {
            let line = out.lines().find(|line| line.ends_with(what));
            line.map_or(0, |line| line.split(' ').next().unwrap().parse().unwrap())
        };
        assert_eq!(of("accounts made") + of("were taken before"), ROWS, "{out}");
        new += of("accounts made");
    }
    assert_eq!(new + made, ROWS);
    for table in ["users", "imported", "audit"] {
        assert_eq!(home.number(&format!("SELECT count(*) FROM {table}")).await, ROWS, "{table}");
    }
}

impl Home {
    fn run_with(&self, arguments: &[&str], input: &str) -> Finished {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.current_dir(self.folder.path()).args(arguments).env_clear().envs(self.variables());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn files_of_every_kind_say_the_same() {
    let rows = json!([
        { "id": "a1", "email": "ann@example.com", "hash": BC, "full_name": "Ann, \"A\"" },
        { "id": "b2", "email": "bob@example.com", "hash": BC, "full_name": null },
    ]);
    let lines = rows.as_array().unwrap().iter().map(|row| format!("{row}\n")).collect::<Vec<_>>().join("\n");
    let table = format!(
        "\u{feff}id,email,hash,full_name\r\na1,ann@example.com,{BC},\"Ann, \"\"A\"\"\"\r\nb2,bob@example.com,{BC},\r\n"
    );
    for (name, text) in [
        ("users.json", rows.to_string()),
        ("object.json", json!({ "version": 1, "users": rows, "more": [] }).to_string()),
        ("users.ndjson", lines),
        ("users.csv", table),
    ] {
        let home = Home::sqlite();
        let path = home.file(name, &text);
        let done = home.import(&["--from", path.to_str().unwrap()]);
        assert_eq!(done.code, Some(0), "{name}: {done:?}");
        let users = home.users();
        let told: Vec<_> = users.iter().map(|user| (&user["external_id"], &user["full_name"])).collect();
        assert_eq!(told, [(&json!("a1"), &json!("Ann, \"A\"")), (&json!("b2"), &Value::Null)], "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_told_in_one_line() {
    let home = Home::sqlite();
    for (name, text, told) in [
        ("users.csv", "id,email\n1\n", "1 values where 2 were expected"),
        (
            "users.csv",
            "id,address\n1,a@b.co\n",
            "no row has an email address; the columns are id, address. --column email=",
        ),
        ("users.json", "[{\"id\":1},", "the JSON is damaged"),
        ("users.json", "[1]", "the JSON is damaged, or no list of objects"),
        ("users.json", "\"secret\"", "the JSON is damaged, or no list of objects"),
        ("users.ndjson", "{\"id\":1}\nsecret\n", "line 2 is no JSON object"),
    ] {
        let path = home.file(name, text);
        let refused = home.import(&["--from", path.to_str().unwrap()]);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
        let last = refused.err.lines().last().unwrap();
        assert!(
            last.starts_with("doorward: ") && last.contains(told) && !last.contains("secret"),
            "{name}: {refused:?}"
        );
    }
    for arguments in [
        &["--from", "nowhere.csv"] as &[&str],
        &["--from", "nowhere.db"],
        &["--from", "postgres://nobody:geheim@127.0.0.1:1/none"],
        &["--from", "nowhere.txt"],
        &["--from", "users.csv", "--preset", "devise"],
        &["--from", "users.csv", "--preset", "devise", "--scheme", "devise"],
        &["--from", "users.json", "--preset", "firebase"],
    ] {
        let refused = home.import(arguments);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
        assert!(!refused.err.contains("geheim"), "{refused:?}");
    }
    for arguments in
        [&[] as &[&str], &["--from", "a.csv", "--preset", "perl"], &["--from", "a.csv", "--column", "hash"]]
    {
        assert_eq!(home.import(arguments).code, Some(2), "{arguments:?}");
    }
    assert!(!home.folder.path().join("nowhere.db").exists());
}

#[test]
fn a_password_is_tried_before_anything_is_imported() {
    let home = Home::sqlite();
    // Flask-Bcrypt with long passwords: it looks like any other.
    let flask = "$2b$12$jz0h6sNaAR3ZI2l4A/VgPOXKzt0AEy9jndvLb.8jQCyI6aoU.ZTTO";
    let path = home.file(
        "users.csv",
        &csv(&[("1", "ann@example.com", flask), ("2", "bob@example.com", "$P$BJFEJ//oenI0gXoQ7hVi4jies6RxVJ.")]),
    );
    let from = path.to_str().unwrap();
    let check = |address: &str, password: &str| {
        home.import_with(&["--from", from, "--preset", "flask", "--column", "hash=hash", "--check", address], password)
    };
    let right = check("Ann@example.com", "SecurePass123\n");
    let expected =
        "bcrypt, cost 12: wrong\nflask-long, cost 12: right\ndevise, cost 12: wrong\nphpbb, cost 12: wrong\n";
    assert_eq!((right.code, right.out.as_str()), (Some(0), expected), "{right:?}");
    let wrong = check("ann@example.com", "SecurePass124\n");
    assert!(wrong.code == Some(1) && !wrong.out.contains("right"), "{wrong:?}");
    assert!(check("bob@example.com", "x\n").err.contains("phpass"));
    assert!(check("eve@example.com", "x\n").err.contains("no row has this address"));
    assert!(!home.folder.path().join("data").exists(), "nothing is written");
}

/// The source is read as it was found.
#[tokio::test]
async fn a_database_is_read_and_not_written() {
    let home = Home::sqlite();
    let path = home.folder.path().join("app.db");
    make_database(&path).await;
    let before = fs::read(&path).unwrap();
    let from = format!("sqlite:{}", path.display());
    let refused = home.import(&["--from", &from, "--table", "people"]);
    assert!(refused.code == Some(1) && refused.err.contains("people"), "{refused:?}");
    let done = home.import(&["--from", &from, "--table", "(SELECT * FROM users WHERE id <> 3)", "--superusers"]);
    assert_eq!(
        (done.code, done.out.as_str()),
        (Some(0), "2 rows read\n2 accounts made\n  2 bcrypt, cost 4\n"),
        "{done:?}"
    );
    let users = home.users();
    assert_eq!(users[0]["created_at"], "2024-01-02T03:04:05Z");
    assert_eq!((&users[0]["is_superuser"], &users[0]["last_login"]), (&json!(true), &json!("2025-12-30T00:00:00Z")));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(home.folder.path()).unwrap().count(), 2, "no journal is left beside it");
}

async fn make_database(path: &Path) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let sql = format!(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name BLOB, hash TEXT, is_admin BOOLEAN, created_at DATETIME, last_login REAL);
         INSERT INTO users VALUES (1, 'ann@example.com', 'Ann', '{BC}', 1, '2024-01-02 03:04:05.678', 1767052800.25);
         INSERT INTO users VALUES (2, 'bob@example.com', x'00ff', '{BC}', 0, NULL, NULL);
         INSERT INTO users VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL);"
    );
    database.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    database.close().await.unwrap();
}
