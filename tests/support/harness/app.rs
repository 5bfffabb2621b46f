//! The real service, composed as the program does it, on a free port, with a database, a clock and chance of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use doorward::cli::start::{Running, start};
use doorward::config::{Config, Source};
use doorward::domain::account::UserId;
use doorward::domain::timestamp::Timestamp;
use doorward::platform::clock::Clock;
use doorward::platform::random::Random;
use doorward::service::{App, Client, operator};
use tempfile::TempDir;

use super::answer::Answer;
use super::browser::Browser;
use super::contract::Contract;
use super::inspect::Inspector;
use super::trace;
use crate::support::postgres;

/// The key of every test's server.
pub(crate) const KEY: &str = "canary-key-of-the-tests-9f2c71aa04b6";

static SEED: AtomicU64 = AtomicU64::new(1);

/// Every test runs on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// What a browser knows of a service.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) contract: Contract,
}

/// Where services keep their data. Those that share it are nodes.
struct Home {
    url: String,
    database: Inspector,
    folder: TempDir,
}

/// A running service. It stops when this is dropped.
pub(crate) struct TestApp {
    /// Stands still until a story moves it. All nodes share it.
    pub(crate) clock: Clock,
    site: Arc<Site>,
    home: Arc<Home>,
    browsers: Arc<AtomicU32>,
    running: Running,
}

impl TestApp {
    /// Starts a service with the settings that tests have in common.
    pub(crate) async fn start(database: Database) -> Self {
        Self::with(database, &[]).await
    }

    /// Starts a service with some settings changed, by the names that its users know.
    pub(crate) async fn with(database: Database, settings: &[(&str, &str)]) -> Self {
        trace::start();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (url, database) = match database {
            Database::Sqlite => {
                let path = folder.path().join("doorward.db");
                (format!("sqlite://{}", path.display()), Inspector::Sqlite(path))
            }
            Database::Postgres => {
                let url = postgres::migrated_database().await.expect("PostgreSQL: see `postgres_is_left_out`");
                (url.clone(), Inspector::Postgres(url))
            }
        };
        let clock = Clock::manual(Timestamp::parse("2031-05-06T07:08:09Z").expect("a time"));
        let home = Arc::new(Home { url, database, folder });
        Self::on(home, clock, Arc::default(), settings).await
    }

    async fn on(home: Arc<Home>, clock: Clock, browsers: Arc<AtomicU32>, settings: &[(&str, &str)]) -> Self {
        let common = [
            ("DATABASE_URL", home.url.as_str()),
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("JWT_SECRET_KEY", KEY),
            ("BCRYPT_COST", "4"),
            ("HASH_THREADS", "1"),
            ("DATABASE_MAX_CONNECTIONS", "4"),
            ("TRUSTED_PROXIES", "127.0.0.1"),
        ];
        // Beside the database, unless a story has mails sent; on production's settings nothing is written.
        let folder = home.folder.path().join("mail").display().to_string();
        let sends = settings.iter().any(|(name, value)| *name == "SMTP_HOST" || *value == "production");
        let mail = (!sends).then_some(("MAIL_FOLDER", folder.as_str()));
        let source =
            Source::from_pairs(common.iter().chain(&mail).chain(settings).map(|(name, value)| (*name, *value)));
        let config = Config::load(&source, clock.now()).unwrap_or_else(|problems| panic!("{problems}"));
        let contract = Contract::of_the_service(config.cookies.clone());
        // Repeatable, but different for each service of a process.
        let random = Random::repeatable(SEED.fetch_add(1, Ordering::Relaxed) << 32);
        let running = start(&config, clock.clone(), random).await.expect("a service that starts");
        let site = Arc::new(Site { address: running.addresses[0], contract });
        Self { clock, site, home, browsers, running }
    }

    /// Another node on the same PostgreSQL.
    pub(crate) async fn another_node(&self, settings: &[(&str, &str)]) -> Self {
        Self::on(Arc::clone(&self.home), self.clock.clone(), Arc::clone(&self.browsers), settings).await
    }

    /// The service ends in good order and starts again, with these settings. Browsers have to [`visit`](Self::visit) it anew.
    pub(crate) async fn restart(self, settings: &[(&str, &str)]) -> Self {
        let Self { clock, home, browsers, running, .. } = self;
        running.shutdown().await.expect("an orderly end");
        Self::on(home, clock, browsers, settings).await
    }

    /// The same browser, jar and all, as a load balancer leads it to this node.
    pub(crate) fn visit(&self, browser: &Browser) -> Browser {
        browser.at(Arc::clone(&self.site))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.site.address
    }

    /// A new browser, with an empty jar, somewhere else on the internet (198.18.0.0/15: RFC 2544).
    pub(crate) fn browser(&self) -> Browser {
        let number = self.browsers.fetch_add(1, Ordering::Relaxed);
        Browser::new(Arc::clone(&self.site), Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 1).to_bits() + number))
    }

    /// A browser whose person has an account and is not logged in.
    pub(crate) async fn register(&self, email: &str) -> Browser {
        let browser = self.browser();
        browser.register(email).await.is(201);
        browser
    }

    /// A browser whose person has an account and is logged in.
    pub(crate) async fn register_and_login(&self, email: &str) -> Browser {
        let browser = self.register(email).await;
        browser.login(email).await.ok();
        browser
    }

    /// Somebody else presents this refresh token.
    pub(crate) async fn refresh_with(&self, token: &str) -> Answer {
        let somebody = self.browser();
        somebody.put_refresh_cookie(token);
        somebody.refresh().await
    }

    /// Where the mails of a story are.
    pub(super) fn mail_folder(&self) -> PathBuf {
        self.home.folder.path().join("mail")
    }

    /// Every row of the database, as text: what was written, and what was not. What is being sent is sent first.
    pub(crate) async fn dump(&self) -> String {
        self.all_sent().await;
        self.home.database.dump().await
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.home.database.number(&format!("SELECT count(*) FROM {table}")).await
    }

    /// Changes rows by hand.
    pub(crate) async fn execute(&self, statement: &str) {
        self.home.database.execute(statement).await;
    }

    /// How PostgreSQL calls the database.
    pub(crate) async fn database_name(&self) -> String {
        self.home.database.texts("SELECT current_database()::text").await.remove(0)
    }

    /// What a query of one number gives.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        self.home.database.number(query).await
    }

    /// A column of bytes or plain text.
    pub(crate) async fn bytes(&self, table: &str, column: &str) -> Vec<Vec<u8>> {
        self.home.database.bytes(table, column).await
    }

    /// Waits for what the service does after its answer: until the query's number is this.
    pub(crate) async fn until(&self, query: &str, number: i64) {
        let begun = Instant::now();
        while self.home.database.number(query).await != number {
            assert!(begun.elapsed() < Duration::from_mins(1), "{query} never gave {number}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The use cases, as an operator's command calls them.
    pub(crate) fn service(&self) -> Arc<App> {
        Arc::clone(&self.running.app)
    }

    /// The id behind an email.
    pub(crate) async fn id_of(&self, email: &str) -> UserId {
        UserId(self.number(&format!("SELECT id FROM users WHERE email = '{email}'")).await)
    }

    /// An operator makes a reset token that can be used for half an hour.
    pub(crate) async fn reset_token(&self, email: &str) -> String {
        let (app, id) = (self.service(), self.id_of(email).await);
        let made = operator::make_reset(&app, id, Duration::from_mins(30), &Client::operator()).await;
        let token = made.expect("a database").expect("an account").reveal();
        trace::remember(&token);
        token
    }

    /// What the audit tells of an account, the oldest first: the event, the detail where there is one, and who did it where that was
    /// not the person.
    pub(crate) async fn audit_of(&self, id: UserId) -> Vec<String> {
        let query = "SELECT event || coalesce(' ' || detail, '') || CASE coalesce(actor, 'person') WHEN 'person' THEN '' ELSE ' ' || actor END \
                     FROM audit WHERE user_id =";
        self.home.database.texts(&format!("{query} {id} ORDER BY id")).await
    }

    /// An operator disables an account by hand.
    pub(crate) async fn disable(&self, email: &str) {
        let off = match self.home.database {
            Inspector::Sqlite(_) => "0",
            Inspector::Postgres(_) => "false",
        };
        let now = self.clock.now().micros();
        let statement = format!("UPDATE users SET is_active = {off}, updated_at = {now} WHERE email = '{email}'");
        self.home.database.execute(&statement).await;
    }

    /// An account from another service, with whatever password that one allowed.
    pub(crate) async fn import(&self, email: &str, password: &str) {
        #[expect(clippy::disallowed_methods, reason = "made as another service would")]
        let hash = bcrypt::hash(password, 4).expect("a hash");
        self.put_account(email, &hash).await;
    }

    /// What is stored of an account's password.
    pub(crate) async fn hash_of(&self, email: &str) -> String {
        let query = format!("SELECT password_hash FROM users WHERE email = '{email}'");
        self.home.database.texts(&query).await.remove(0)
    }

    /// An account in whose row this stands in the place of a password.
    pub(crate) async fn put_account(&self, email: &str, hash: &str) {
        let hash = hash.replace('\'', "''");
        let (on, off) = match self.home.database {
            Inspector::Sqlite(_) => ("1", "0"),
            Inspector::Postgres(_) => ("true", "false"),
        };
        let now = self.clock.now().micros();
        let statement = format!(
            "INSERT INTO users (email, password_hash, is_active, is_superuser, created_at, updated_at) \
             VALUES ('{email}', '{hash}', {on}, {off}, {now}, {now})"
        );
        self.home.database.execute(&statement).await;
    }

    /// Runs the program beside the service, with these settings more. How it ended, and what it printed.
    pub(crate) async fn program(&self, arguments: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.args(arguments).env_clear().current_dir(self.home.folder.path()).stdin(Stdio::null());
        let common = [("DATABASE_URL", self.home.url.as_str()), ("JWT_SECRET_KEY", KEY), ("BCRYPT_COST", "4")];
        command.envs(common.iter().chain(settings).copied());
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("a program");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    }

    /// The database goes away under the service's feet.
    pub(crate) async fn lose_database(&self) {
        self.running.app.store.close().await;
    }
}
