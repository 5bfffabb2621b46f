//! Migrations: the two folders say the same, and run only where they may.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use doorward::config::database::{Database, Location};
use doorward::config::secret::Secret;
use doorward::platform::clock::Clock;
use doorward::storage::{StartProblem, Store};

use crate::common::{Test, execute, postgres_settings, sqlite_settings, texts};
use crate::support::port::Port;
use crate::support::postgres;

/// A database in which nothing is.
struct Empty {
    settings: Database,
    _folder: Option<tempfile::TempDir>,
}

impl Empty {
    async fn each() -> Vec<Self> {
        let (settings, folder) = sqlite_settings();
        Store::open(&settings, Clock::system()).await.unwrap().close().await;
        let mut all = vec![Self { settings, _folder: Some(folder) }];
        if let Some(url) = postgres::fresh_database().await {
            all.push(Self { settings: postgres_settings(&url), _folder: None });
        }
        all
    }

    async fn store(&self) -> Store {
        Store::open(&self.settings, Clock::system()).await.unwrap()
    }

    /// That the store refuses it for this reason, in these words, and leaves it as it is.
    async fn is_refused(&self, problem: StartProblem, words: &str) {
        let before = schema(&self.settings).await;
        let store = self.store().await;
        for error in [store.pending().await.unwrap_err(), store.migrate().await.unwrap_err()] {
            assert_eq!(error.problem(), problem, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        store.close().await;
        assert_eq!(schema(&self.settings).await, before);
        if let Location::Sqlite(_) = self.settings.location {
            assert_eq!(texts(&self.settings, "SELECT journal_mode FROM pragma_journal_mode").await, ["delete"]);
        }
    }
}

/// `table.column`, what it may be, and the indexes, in words that both databases share.
async fn schema(settings: &Database) -> Vec<String> {
    let mut lines = match &settings.location {
        Location::Sqlite(_) => {
            let columns = "SELECT t.name || '.' || c.name || ' ' || CASE WHEN c.name LIKE 'is\\_%' ESCAPE '\\' THEN 'boolean' \
                           ELSE lower(c.type) END || CASE WHEN c.\"notnull\" OR c.pk THEN ' not null' ELSE '' END \
                           FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c \
                           WHERE t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
            let indexes = "SELECT 'index ' || name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
            [texts(settings, columns).await, texts(settings, indexes).await].concat()
        }
        Location::Postgres(_) => {
            let columns = "SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'bigint' THEN 'integer' \
                           WHEN 'bytea' THEN 'blob' ELSE data_type END \
                           || CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END \
                           FROM information_schema.columns WHERE table_schema = current_schema()";
            let indexes = "SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = current_schema() \
                           AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key'";
            [texts(settings, columns).await, texts(settings, indexes).await].concat()
        }
    };
    lines.retain(|line| !line.starts_with("_sqlx_migrations."));
    lines.sort();
    lines
}

fn files(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn both_folders_hold_the_same_names_and_the_program_holds_them() {
    let files = [files("sqlite"), files("postgres")];
    assert_eq!(files[0], files[1]);
    let expected: Vec<String> =
        files[0].iter().map(|name| name.strip_suffix(".sql").unwrap().replace('_', " ")).collect();
    for empty in Empty::each().await {
        assert_eq!(empty.store().await.pending().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn both_databases_get_the_same_tables() {
    let sqlite = schema(&Test::sqlite().await.settings).await;
    assert!(sqlite.contains(&"sessions.id blob not null".to_owned()), "{sqlite:#?}");
    assert!(sqlite.contains(&"index sessions_user".to_owned()), "{sqlite:#?}");
    let Some(postgres) = Test::postgres().await else { return };
    assert_eq!(schema(&postgres.settings).await, sqlite);
}

#[tokio::test]
async fn migrations_run_once() {
    for empty in Empty::each().await {
        let store = empty.store().await;
        let pending = store.pending().await.unwrap();
        assert_eq!(schema(&empty.settings).await, [""; 0], "asking changes nothing");
        assert_eq!(store.migrate().await.unwrap(), pending.len());
        assert_eq!(store.pending().await.unwrap(), [""; 0]);
        assert_eq!(store.migrate().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn of_servers_that_start_together_one_migrates() {
    for empty in Empty::each().await {
        let stores = [empty.store().await, empty.store().await, empty.store().await, empty.store().await];
        let pending = stores[0].pending().await.unwrap().len();
        let tasks = stores.map(|store| tokio::spawn(async move { store.migrate().await }));
        let mut applied = 0;
        for task in tasks {
            applied += task.await.unwrap().unwrap();
        }
        assert_eq!(applied, pending);
    }
}

#[tokio::test]
async fn tables_of_somebody_else_are_left_alone() {
    let theirs = [
        "CREATE TABLE users (name text)",
        "CREATE VIEW sessions AS SELECT 1",
        "CREATE TABLE audit (entry text)",
        "CREATE TABLE _sqlx_migrations (unlike text)",
        "CREATE TABLE _sqlx_migrations (version bigint, description text, checksum bytea)",
    ];
    for theirs in theirs {
        for empty in Empty::each().await {
            execute(&empty.settings, theirs).await;
            empty.is_refused(StartProblem::Foreign, "holds tables that Doorward did not make").await;
        }
    }
    // Other tables are no reason.
    for empty in Empty::each().await {
        execute(&empty.settings, "CREATE TABLE customers (name text)").await;
        assert!(empty.store().await.migrate().await.is_ok());
    }
}

#[tokio::test]
async fn a_database_with_a_history_that_is_not_ours_is_refused() {
    let histories = [
        ("UPDATE _sqlx_migrations SET description = 'shop' WHERE version = 1", StartProblem::Foreign, "did not make"),
        ("UPDATE _sqlx_migrations SET version = 20260101000000 + version", StartProblem::Foreign, "did not make"),
        (
            "UPDATE _sqlx_migrations SET checksum = substr(checksum, 2) WHERE version = 1",
            StartProblem::Changed,
            "migration 0001 was applied",
        ),
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 9999, 'time travel', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
            StartProblem::Newer,
            "made by a newer Doorward: it has migration 9999 (time travel)",
        ),
    ];
    for (change, problem, words) in histories {
        for empty in Empty::each().await {
            let store = empty.store().await;
            store.migrate().await.unwrap();
            store.close().await;
            execute(&empty.settings, change).await;
            let store = empty.store().await;
            for error in [store.pending().await.unwrap_err(), store.migrate().await.unwrap_err()] {
                assert_eq!(error.problem(), problem, "{error}");
                assert!(error.to_string().contains(words), "{error}");
            }
        }
    }
}

/// Makes a role with a name of its own, which must give the password `secret`. Returns its name.
async fn role(cluster: &postgres::Cluster, name: &str) -> String {
    let group = postgres::PASSWORD_GROUP;
    let statements = format!(
        "DO $$ BEGIN CREATE ROLE {group}; EXCEPTION WHEN duplicate_object THEN NULL; WHEN unique_violation THEN NULL; END $$"
    );
    cluster.execute("postgres", &statements).await;
    cluster.execute("postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE {group}")).await;
    name.to_owned()
}

fn settings_as(cluster: &postgres::Cluster, role: &str, url: &str) -> Database {
    postgres_settings(&cluster.url_as(role, url.rsplit('/').next().unwrap()))
}

#[tokio::test]
async fn a_user_without_rights_on_the_schema_is_told_what_to_grant() {
    let Some(cluster) = postgres::shared() else { return };
    let role = role(cluster, "no_rights").await;
    let url = cluster.create_database("").await;
    let database = url.rsplit('/').next().unwrap();
    // As in every new database since PostgreSQL 15.
    cluster.execute(database, "REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    let store = Store::open(&settings_as(cluster, "no_rights:secret", &url), Clock::system()).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert_eq!(error.problem(), StartProblem::Permission);
    let text = error.to_string();
    assert!(text.contains("permission denied for schema public"), "{text}");
    assert!(text.contains(&format!("CREATE DATABASE {database} OWNER {role}")), "{text}");
    assert!(text.contains(&format!("GRANT CREATE, USAGE ON SCHEMA public TO {role}")), "{text}");

    // Each remedy helps.
    cluster.execute(database, &format!("GRANT CREATE, USAGE ON SCHEMA public TO {role}")).await;
    store.migrate().await.unwrap();
    let owned = cluster.create_database(&format!("OWNER {role}")).await;
    let store = Store::open(&settings_as(cluster, "no_rights:secret", &owned), Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
}

#[tokio::test]
async fn what_postgres_refuses_is_explained() {
    let Some(cluster) = postgres::shared() else { return };
    role(cluster, "somebody").await;
    let url = |tail: &str| cluster.url_as("somebody:secret", tail);
    let port = Port::free();
    let closed = port.number();
    let cases = [
        (
            cluster.url_as("somebody:wrong", "postgres"),
            StartProblem::Credentials,
            "refused the password of user somebody",
        ),
        (cluster.url_as("nobody", "postgres"), StartProblem::Credentials, "CREATE ROLE nobody LOGIN"),
        (url("nowhere"), StartProblem::UnknownDatabase, "CREATE DATABASE nowhere OWNER somebody"),
        (url("postgres?sslmode=require"), StartProblem::Tls, "sslmode=disable"),
        (url("postgres?sslmode=sometimes"), StartProblem::Url, "can't be understood"),
        ("postgres://somebody:sec#ret@127.0.0.1/postgres".to_owned(), StartProblem::Url, "# as %23"),
        ("postgres://somebody:sec/ret@127.0.0.1/postgres".to_owned(), StartProblem::Url, "/ as %2F"),
        ("postgres://somebody:sec%ffret@127.0.0.1/postgres".to_owned(), StartProblem::Url, "% as %25"),
        // The password is taken for a port, and its rest for a fragment.
        (
            format!("postgres://localhost:{closed}#secret@db/postgres"),
            StartProblem::Unreachable,
            "must be percent-encoded",
        ),
        (format!("postgres://u:secret@127.0.0.1:{closed}/p"), StartProblem::Unreachable, "answers at 127.0.0.1:"),
    ];
    for (url, problem, words) in cases {
        let Err(error) = Store::open(&postgres_settings(&url), Clock::system()).await else { panic!("{url}") };
        let text = format!("{error} {error:?}");
        assert_eq!(error.problem(), problem, "{text}");
        assert!(text.contains(words), "{text}");
        assert!(!text.contains("secret") && !text.contains("wrong") && !text.contains("sec"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let Some(url) = postgres::fresh_database().await else { return };
    let (_, address) = url.rsplit_once('@').unwrap();
    let (server, database) = address.split_once('/').unwrap();
    let (server, door) = (server.to_owned(), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = door.local_addr().unwrap().port();
    // Hangs up twice, then lets people through.
    tokio::spawn(async move {
        for visit in 0.. {
            let (mut visitor, _) = door.accept().await.unwrap();
            if visit >= 2 {
                let mut server = tokio::net::TcpStream::connect(&server).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut visitor, &mut server).await });
            }
        }
    });
    let patient = Database {
        location: Location::Postgres(Secret::new(
            format!("postgres://{}@127.0.0.1:{port}/{database}", postgres::SUPERUSER).into_bytes(),
        )),
        start_timeout: Duration::from_secs(30),
        ..postgres_settings("")
    };
    Store::open(&patient, Clock::system()).await.unwrap().ping().await.unwrap();
}
