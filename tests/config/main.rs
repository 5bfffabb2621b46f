//! Settings: what is accepted, what is refused and why, and that no report shows a value.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the message")]

mod bound;
mod deployment;
mod keys;
mod mail;
mod protection;
mod traces;

use std::net::SocketAddr;
use std::time::Duration;

use doorward::config::cookies::SameSite;
use doorward::config::database::Location;
use doorward::config::declarations::SECTIONS;
use doorward::config::server::AllowedOrigins;
use doorward::config::{Config, Environment, Problems, Source, reference};
use doorward::domain::throttle::Limit;
use doorward::domain::timestamp::Timestamp;
use proptest::prelude::*;

const KEY: &str = "sBqX0xv1cVqM3n8yJr5tQw7eKd2fHg9a";
const ROOT: &str = "x1Yp6uVn3sTz8kLw0cRb5mQe7hJd2gFa";

fn now() -> Timestamp {
    Timestamp::parse("2026-01-31T12:00:00Z").unwrap()
}

fn load(pairs: &[(&str, &str)]) -> Result<Config, Problems> {
    Config::load(&Source::from_pairs(pairs.iter().copied()), now())
}

/// A production configuration that is fine, and these.
fn production(pairs: &[(&str, &str)]) -> Result<Config, Problems> {
    let safe =
        [("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", KEY), ("SECRET_KEY", ROOT), ("TRUSTED_PROXIES", "none")];
    Config::load(&Source::from_pairs(safe.iter().chain(pairs).copied()), now())
}

/// The one problem that loading these reports.
fn problem(loaded: Result<Config, Problems>) -> String {
    let problems = loaded.unwrap_err().0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].to_string()
}

fn all_names() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().flat_map(|(_, declarations)| declarations.iter()).map(|declaration| declaration.name)
}

#[test]
fn development_needs_no_setting() {
    let config = load(&[]).unwrap();
    assert_eq!(config.environment, Environment::Development);
    let local: Vec<SocketAddr> = vec!["127.0.0.1:8000".parse().unwrap(), "[::1]:8000".parse().unwrap()];
    assert_eq!(config.server.listen, local);
    assert_eq!(config.server.allowed_origins, AllowedOrigins::AnyLoopback);
    assert!(config.server.api_docs && !config.server.hsts && config.server.shutdown_delay.is_zero());
    assert!(!config.cookies.secure && !config.cookies.host_prefix);
    assert_eq!(config.database.location.describe(), std::path::absolute("data/doorward.db").unwrap().to_str().unwrap());
    assert!(config.tokens.key.is_none());
    assert_eq!((config.tokens.issuer.as_str(), config.tokens.audience.as_str()), ("doorward", "doorward"));
    assert_eq!(config.sessions.access_ttl, Duration::from_hours(1));
    assert_eq!(config.passwords.cost, 12);
    assert_eq!(config.throttle.login.unwrap().count, 5);
    assert_eq!(config.warnings, []);
}

#[test]
fn production_needs_a_key_alone() {
    let config = production(&[]).unwrap();
    assert_eq!(config.server.listen, ["0.0.0.0:8000".parse::<SocketAddr>().unwrap()]);
    assert_eq!(config.server.allowed_origins, AllowedOrigins::Exactly(vec![]));
    assert!(!config.server.api_docs && config.server.hsts);
    assert_eq!(config.server.shutdown_delay, Duration::from_secs(5));
    assert_eq!(config.server.keep_alive_timeout, Duration::from_secs(620));
    assert!(config.cookies.secure && config.cookies.host_prefix);
    assert_eq!(config.cookies.same_site, SameSite::Strict);
    assert_eq!(config.tokens.key.unwrap().reveal(), KEY.as_bytes());
    let warned: Vec<_> = config.warnings.iter().map(|warning| warning.name.as_str()).collect();
    assert_eq!(warned, ["SMTP_HOST"], "it sends no mail");

    let report = problem(load(&[("ENVIRONMENT", "production")]));
    assert!(report.starts_with("JWT_SECRET_KEY must be set in production"), "{report}");
    let warnings = load(&[("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", KEY)]).unwrap().warnings;
    let expected = ["TRUSTED_PROXIES is not set", "SECRET_KEY is not set", "SMTP_HOST is not set"];
    assert_eq!(warnings.len(), 3);
    for (warning, expected) in warnings.iter().zip(expected) {
        assert!(warning.to_string().starts_with(expected), "{warning}");
    }
}

#[test]
fn every_setting_refuses_what_it_cannot_mean() {
    for (name, values) in [
        ("ENVIRONMENT", &["prod", "Production"] as &[&str]),
        ("HOST", &["example.com", "127.0.0.1:80", "256.0.0.1", "0"]),
        ("PORT", &["65536", "-1", "+1", "http", "80 "]),
        ("PUBLIC_URL", &["auth.example.com", "https://a.example/", "https://a.example/x", "*"]),
        ("TRUSTED_PROXIES", &["10.0.0.0/33", "proxy", "0.0.0.0/0", "10.0.0.0/8,::/0", "all"]),
        ("KEEP_ALIVE_TIMEOUT", &["0s", "75", "25h", "off"]),
        ("SHUTDOWN_DELAY", &["5", "6m", "1h", "-1s"]),
        (
            "ALLOWED_ORIGINS",
            &["*", "null", "https://a.example/path", "https://a.example,*", "a.example", "https://*.example"],
        ),
        ("SECURE_COOKIES", &["maybe", "TRUE", "2"]),
        ("COOKIE_PREFIX", &["secure", "__Host-"]),
        ("COOKIE_SAMESITE", &["none", "None", "Strict"]),
        (
            "COOKIE_DOMAIN",
            &["localhost", ".example.com", "127.0.0.1", "a..b", "-a.example", "a.example/", "a_b.example", "com"],
        ),
        ("HSTS", &["yes"]),
        ("API_DOCS", &["public"]),
        (
            "DATABASE_URL",
            &["doorward.db", "mysql://a/b", "sqlite://", "sqlite://data/", "sqlite://a?mode=rwc", "sqlite://:memory:"],
        ),
        ("DATABASE_MAX_CONNECTIONS", &["0", "1001", "ten"]),
        ("DATABASE_START_TIMEOUT", &["30", "2h"]),
        ("AUDIT_RETENTION", &["0s", "1h", "forever"]),
        ("JWT_ALGORITHM", &["RS256", "es256", "none", "Ed25519"]),
        ("JWT_ALGORITHM_PREVIOUS", &["HS512", "HS256"]),
        ("JWT_SECRET_KEY", &["0123456789abcdefghijklmnopqrstu"]),
        ("JWT_PRIVATE_KEY", &["0123456789abcdef0123456789abcdef", "-----BEGIN PRIVATE KEY-----"]),
        ("JWT_TYP", &["jwt", "AT+JWT", "at"]),
        ("SECRET_KEY", &["0123456789abcdefghijklmnopqrstu"]),
        ("SECRET_KEY_PREVIOUS", &["0123456789abcdefghijklmnopqrstu"]),
        ("JWT_ISSUER", &["two words", "tab\t"]),
        ("ACCESS_TOKEN_TTL", &["0s", "2d", "60"]),
        ("REFRESH_TOKEN_TTL", &["0s", "1w", "31d"]),
        ("SESSION_TTL", &["3651d", "6d"]),
        ("REFRESH_GRACE", &["6m", "301s", "30"]),
        ("REFRESH_LOST_REPLIES_PER_DAY", &["9", "-1"]),
        ("SESSIONS_NOT_BEFORE", &["2025-12-30", "yesterday"]),
        ("MAX_SESSIONS_PER_USER", &["0"]),
        ("BCRYPT_COST", &["3", "17", "1e1"]),
        ("PASSWORD_COMPOSITION", &["strong"]),
        (
            "RESET_URL",
            &["app.example.com/reset", "https://a.example/#/reset", "ftp://a.example/", "https://u@a.example/"],
        ),
        ("HASH_THREADS", &["0"]),
        ("HASH_LANES", &["0", "7"]),
        ("HASH_QUEUE", &["0s", "8s"]),
        ("LOGIN_RATE_LIMIT", &["5", "5/minute", "0/1m", "5/0s", "5/2d", "10001/1m", "-5/1m", "5/1m/1", "on"]),
        (
            "LOGIN_RATE_LIMIT_NETWORKS",
            &["203.0.113.0/24", "203.0.113.0/24:off", "x:5/1m", "10.0.0.1/8:5/1m,10.0.0.0/8:6/1m"],
        ),
        ("LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS", &["203.0.113.0/24", "5/1m", "10.0.0.1:5/1m,10.0.0.1/32:6/1m"]),
        ("LOG_FORMAT", &["text"]),
        ("LOG_LEVEL", &["inof", "info,doorward", "doorward=loud", "=debug", "info,", "[span]=info"]),
    ] {
        for value in values {
            let report = problem(load(&[(name, value)]));
            // What is too long compared with another setting is reported under the shorter one's name.
            let named = report.starts_with(name) || (name == "SESSION_TTL" && report.starts_with("REFRESH_TOKEN_TTL"));
            assert!(named, "{name}={value}: {report}");
        }
    }
}

#[test]
fn values_mean_what_they_say() {
    let config = load(&[
        ("HOST", "[::1]"),
        ("PORT", "0"),
        ("TRUSTED_PROXIES", "10.1.2.3/8, 192.0.2.7,fd00::/8"),
        ("ALLOWED_ORIGINS", "http://localhost:3000, HTTPS://App.Example.com:443"),
        ("SECURE_COOKIES", "true"),
        ("COOKIE_SAMESITE", "lax"),
        ("COOKIE_DOMAIN", "Example.com"),
        ("PUBLIC_URL", "https://auth.example.com"),
        ("LOGIN_RATE_LIMIT", "off"),
        ("LOGIN_RATE_LIMIT_NETWORKS", "203.0.113.0/24:60/1m,2001:db8::/32:100/1h"),
        ("LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS", "203.0.113.77/24:6/1m,10.0.0.0/8:7/1m"),
        ("LOG_LEVEL", "Info,doorward::service=DEBUG"),
        ("SESSIONS_NOT_BEFORE", "2026-01-31T12:00:00Z"),
        ("PASSWORD_COMPOSITION", "off"),
        ("RESET_URL", "http://app.example.com/reset"),
    ])
    .unwrap();
    assert_eq!(config.server.listen, ["[::1]:0".parse::<SocketAddr>().unwrap()]);
    let proxies: Vec<String> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]);
    let origins = ["http://localhost:3000", "https://app.example.com"].map(str::to_owned).to_vec();
    assert_eq!(config.server.allowed_origins, AllowedOrigins::Exactly(origins));
    assert!(config.cookies.secure && config.cookies.host_prefix && config.cookies.same_site == SameSite::Lax);
    assert_eq!(config.cookies.domain.as_deref(), Some("example.com"));
    assert_eq!(config.throttle.login, None);
    let count = |limit: Option<Limit>| limit.map(|limit| limit.count);
    let networks = config.throttle.networks.iter();
    let networks: Vec<_> =
        networks.map(|limits| (limits.network.to_string(), count(limits.whole), count(limits.each))).collect();
    let expected =
        [("10.0.0.0/8", None, Some(7)), ("203.0.113.0/24", Some(60), Some(6)), ("2001:db8::/32", Some(100), None)];
    assert_eq!(networks, expected.map(|(network, whole, each)| (network.to_owned(), whole, each)));
    assert_eq!(config.logging.filter, "info,doorward::service=debug");
    assert_eq!(config.sessions.not_before, Some(now()));
    assert!(!config.passwords.composition);
    assert_eq!(config.passwords.reset_url.unwrap().as_str(), "http://app.example.com/reset");
}

#[test]
fn a_reachable_development_server_is_warned_about_and_answers_no_foreign_page() {
    let config = load(&[("HOST", "0.0.0.0")]).unwrap();
    assert_eq!(config.server.allowed_origins, AllowedOrigins::Exactly(vec![]));
    assert!(config.warnings[0].to_string().starts_with("HOST makes the service reachable"), "{:?}", config.warnings);
}

#[test]
fn cookie_settings_must_fit_together() {
    for (pairs, name) in [
        (&[("COOKIE_PREFIX", "host")] as &[_], "COOKIE_PREFIX"),
        (&[("COOKIE_DOMAIN", "example.com")], "COOKIE_DOMAIN"),
        (
            &[("SECURE_COOKIES", "on"), ("COOKIE_DOMAIN", "example.com"), ("PUBLIC_URL", "https://badexample.com")],
            "COOKIE_DOMAIN",
        ),
        (
            &[("SECURE_COOKIES", "on"), ("COOKIE_DOMAIN", "a.example.com"), ("PUBLIC_URL", "https://example.com")],
            "COOKIE_DOMAIN",
        ),
    ] {
        let report = problem(load(pairs));
        assert!(report.starts_with(name), "{report}");
    }
    assert!(!production(&[("COOKIE_PREFIX", "none")]).unwrap().cookies.host_prefix);
}

#[test]
fn production_refuses_what_is_not_safe_and_says_why() {
    for (name, value, reason) in [
        ("SECURE_COOKIES", "false", "clear text"),
        ("BCRYPT_COST", "11", "guessed too fast"),
        ("LOGIN_RATE_LIMIT", "off", "slow down guessing"),
        ("REGISTER_RATE_LIMIT", "off", "slow down guessing"),
        ("REFRESH_RATE_LIMIT", "off", "slow down guessing"),
        ("ACCOUNT_RATE_LIMIT", "off", "slow down guessing"),
        ("ALLOWED_ORIGINS", "https://a.example,http://b.example", "plain http"),
        ("PUBLIC_URL", "http://a.example", "https alone"),
        ("RESET_URL", "http://a.example/reset", "take the token"),
        ("COOKIE_SAMESITE", "none", "any site"),
        ("ALLOWED_ORIGINS", "*", "safe with cookies"),
        ("ALLOWED_ORIGINS", "null", "safe with cookies"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "anybody"),
    ] {
        // The proxies are part of the safe settings: the later pair counts.
        let report = problem(production(&[(name, value)]));
        assert!(report.starts_with(name) && report.contains(reason), "{report}");
    }
    production(&[("RESET_URL", "http://localhost:3000/reset")]).unwrap();
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let everything: Vec<_> = all_names().map(|name| (name, "!")).collect();
    let report = load(&everything).unwrap_err();
    let named: Vec<&str> = report.0.iter().map(|problem| problem.name.as_str()).collect();
    // Which may be called so.
    let free = [
        "JWT_ISSUER",
        "JWT_AUDIENCE",
        "APP_NAME",
        "SMTP_USER",
        "SMTP_PASSWORD",
        "SMTP_CA",
        "MAIL_FOLDER",
        "MAIL_TEMPLATES",
        "IMPORT_PEPPER",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
    ];
    for name in all_names().filter(|name| !free.contains(name)) {
        assert_eq!(named.iter().filter(|named| **named == name).count(), 1, "{name} in {report}");
    }
    assert_eq!(report.to_string().lines().count(), report.0.len() + 1);
}

#[test]
fn empty_is_unset() {
    let everything: Vec<_> = all_names().flat_map(|name| [name.to_owned(), format!("{name}_FILE")]).collect();
    let config = Config::load(&Source::from_pairs(everything.into_iter().map(|name| (name, ""))), now()).unwrap();
    assert_eq!(config.server.listen.len(), 2);
}

#[test]
fn any_setting_can_be_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |content: &[u8]| {
        let path = folder.path().join(content.len().to_string());
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let port = |content: &[u8]| load(&[("PORT_FILE", &file(content))]).map(|config| config.server.listen[0].port());
    assert_eq!(port(b"9000").unwrap(), 9000);
    assert_eq!(port(b"9000\n").unwrap(), 9000);
    assert_eq!(port(b"9000\r\n").unwrap(), 9000);
    assert_eq!(problem(port(b"9000\n\n").map(|_| unreachable!())), "PORT must be a number from 0 to 65535");
    assert!(problem(port(b"\n").map(|_| unreachable!())).starts_with("PORT_FILE names an empty file"));

    // Keys are bytes: one newline is cut, nothing else is touched.
    let key = load(&[("JWT_SECRET_KEY_FILE", &file(b"\xff\x00 0123456789abcdefghijklmnopqrstuvwxyz \n\n"))])
        .unwrap()
        .tokens
        .key;
    assert_eq!(key.unwrap().reveal(), b"\xff\x00 0123456789abcdefghijklmnopqrstuvwxyz \n");

    let missing = folder.path().join("missing");
    assert!(
        problem(load(&[("PORT_FILE", missing.to_str().unwrap())]))
            .starts_with("PORT_FILE names a file that does not exist")
    );
    assert!(problem(load(&[("PORT_FILE", folder.path().to_str().unwrap())])).starts_with("PORT_FILE names a folder"));
    let both = problem(load(&[("PORT", "1"), ("PORT_FILE", &file(b"2"))]));
    assert_eq!(both, "PORT and PORT_FILE are both set: choose one");
    assert!(
        problem(load(&[("PORT_FILE", &file(&vec![b'1'; 65_537]))])).starts_with("PORT_FILE names a file of more than")
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("port");
    std::fs::write(&path, "9003").unwrap();
    let dotenv = format!("PORT=9001\nBCRYPT_COST=13\nHASH_THREADS_FILE={}\n", path.display());
    let source =
        Source::from_pairs([("PORT", "9002"), ("BCRYPT_COST", ""), ("HASH_THREADS", "2")]).with_dotenv(&dotenv);
    let config = Config::load(&source, now()).unwrap();
    assert_eq!(config.server.listen[0].port(), 9002);
    assert_eq!(config.passwords.cost, 13, "an empty variable is unset, so that the file counts");
    assert_eq!(config.hashing.threads, Some(2), "a name in the environment wins over its _FILE in .env");
    assert!(source.dotenv_path().unwrap().is_absolute());

    let wrong = Source::from_pairs([("PORT", "x")]).with_dotenv("PORT 9000\nBCRYPT_COST=1");
    let report = Config::load(&wrong, now()).unwrap_err().to_string();
    for part in [".env, line 1,", "PORT must", "BCRYPT_COST must"] {
        assert!(report.contains(part), "{part} in {report}");
    }
}

#[test]
fn a_name_that_is_nearly_a_setting_is_warned_about() {
    let source =
        Source::from_pairs([("JWT_SECRT_KEY", "canary"), ("HOME", "/root")]).with_dotenv("ALLOWED_ORIGIN=canary");
    let warnings = Config::load(&source, now()).unwrap().warnings;
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "ALLOWED_ORIGIN is not a setting and is ignored; did you mean ALLOWED_ORIGINS?",
            "JWT_SECRT_KEY is not a setting and is ignored; did you mean JWT_SECRET_KEY?",
        ]
    );
}

#[test]
fn postgres_urls_are_made_what_the_driver_understands() {
    for (given, expected) in [
        ("postgres://u:p@db/app", "postgres://u:p@db/app"),
        ("postgresql+asyncpg://u:p@db:5433/app?ssl=require", "postgres://u:p@db:5433/app?sslmode=require"),
        ("postgresql+psycopg2://u@db/app", "postgres://u@db/app"),
        (
            "postgres+psycopg://u:p%40%2F%23@db/app?sslmode=verify-full&sslrootcert=/ca.pem",
            "postgres://u:p%40%2F%23@db/app?sslrootcert=%2Fca.pem&sslmode=verify-full",
        ),
        ("postgres://u:p@db/app?ssl=true&sslmode=require", "postgres://u:p@db/app?sslmode=require"),
        ("postgres://u:p@db/app?ssl=false", "postgres://u:p@db/app?sslmode=disable"),
        (
            "postgres:///app?host=/var/run/postgresql&user=a@b",
            "postgres:///app?host=%2Fvar%2Frun%2Fpostgresql&user=a%40b",
        ),
        ("postgres://u:p@[::1]:5432/app", "postgres://u:p@[::1]:5432/app"),
    ] {
        let config = load(&[("DATABASE_URL", given)]).unwrap();
        let Location::Postgres(url) = config.database.location else { panic!("{given}") };
        assert_eq!(str::from_utf8(url.reveal()).unwrap(), expected);
        assert_eq!(config.warnings, []);
    }
    let unknown = load(&[("DATABASE_URL", "postgres://u:p@db/app?canary=canary")]).unwrap();
    assert!(unknown.warnings[0].to_string().contains("parameters that Doorward does not know"));
}

#[test]
fn a_database_is_described_without_credentials() {
    let describe = |url: &str| load(&[("DATABASE_URL", url)]).unwrap().database.location.describe();
    assert_eq!(describe("postgresql+asyncpg://canary:canary@db.example:5433/app?ssl=require"), "db.example:5433/app");
    assert_eq!(describe("postgres://canary@db/app?password=canary"), "db/app");
    assert_eq!(describe("postgres:///app?host=/var/run/postgresql"), "/var/run/postgresql/app");
    assert_eq!(describe("postgres:///?dbname=app"), "localhost/app");
    assert_eq!(describe("sqlite:///var/lib/doorward/a b%20.db"), "/var/lib/doorward/a b%20.db");
}

#[test]
fn mistakes_in_postgres_urls_are_explained() {
    for (url, reason) in [
        ("postgres://u:can@ry@db/app", "percent-encoded"),
        ("postgres://u:can/ry@db/app", "percent-encoded"),
        ("postgres://u:12/canary@db/app", "percent-encoded"),
        ("postgres://u:can#ry@db/app", "percent-encoded"),
        ("postgres://u:12#canary@db/app", "percent-encoded"),
        ("postgres://u:can?ry@db/app", "percent-encoded"),
        ("postgres://u:canary%@db/app", "percent-encoded"),
        ("postgres://u:canary%zz@db/app", "percent-encoded"),
        ("postgres://u:canary%ff@db/app", "percent-encoded"),
        ("postgres://u:canary@db", "must name one database"),
        ("postgres://u:canary@db/", "must name one database"),
        ("postgres://u:canary@db/a/b", "must name one database"),
        ("postgres://u:canary@db:port/app", "port"),
        ("postgres://u:canary@db1,db2/app", "one host"),
        ("postgres://u:canary@db/app?sslmode=canary", "verify-full"),
        ("postgres://u:canary@db/app?sslmode=disable&ssl=require", "twice"),
        ("postgres://u:canary@d b/app", "must be"),
    ] {
        let report = problem(load(&[("DATABASE_URL", url)]));
        assert!(report.starts_with("DATABASE_URL") && report.contains(reason), "{url}: {report}");
        assert!(!report.contains("canary") && !report.contains("can@ry"), "{report}");
    }
}

#[test]
fn the_documentation_is_up_to_date() {
    for (path, text) in [("docs/configuration.md", reference::markdown()), (".env.example", reference::dotenv())] {
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == text, "{path} is out of date. To accept the change:\n  {}", reference::ACCEPT);
    }
}

#[test]
fn the_example_file_changes_nothing_but_by_being_edited() {
    let config = Config::load(&Source::default().with_dotenv(&reference::dotenv()), now()).unwrap();
    assert_eq!(config.warnings, []);
    // With every line that has a value in force, development is as it is without them.
    let all: String = reference::dotenv()
        .lines()
        .filter_map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ') && line.contains('=')))
        .fold(String::new(), |all, line| all + line + "\n");
    assert_eq!(all.lines().count(), all_names().count());
    let config = Config::load(&Source::default().with_dotenv(&all), now()).unwrap();
    assert_eq!(config.server.listen.len(), 2);
    assert_eq!(config.warnings, []);
}

proptest! {
    /// Whatever is set, whole or in part, in development or production: a report or a warning never shows it.
    #[test]
    fn no_value_is_ever_shown(
        name in proptest::sample::select(all_names().collect::<Vec<_>>()),
        before in "[ -~]{0,12}", after in "[ -~]{0,12}", in_file: bool, in_production: bool, template in 0..4_usize,
    ) {
        let canary = "zzCanaryzz";
        let value = match template {
            0 => format!("{before}{canary}{after}"),
            1 => format!("postgres://u:{before}{canary}{after}@db/app"),
            2 => format!("https://{before}{canary}{after}"),
            _ => format!("{before}://{canary}:{after}@{canary}/{canary}?{canary}={canary}"),
        };
        let mut pairs = vec![("ENVIRONMENT", if in_production { "production" } else { "development" })];
        let quoted = format!("{name}='{value}'");
        let source = if in_file {
            Source::from_pairs(pairs).with_dotenv(&quoted)
        } else {
            pairs.push((name, &value));
            Source::from_pairs(pairs)
        };
        let told = match Config::load(&source, now()) {
            Ok(config) => format!("{:?} {:?}", config.warnings, config.tokens) + &config.database.location.describe(),
            Err(problems) => format!("{problems} {problems:?}"),
        };
        let public = ["JWT_ISSUER", "JWT_AUDIENCE"].contains(&name) || (name == "DATABASE_URL" && !told.contains("DATABASE_URL"));
        prop_assert!(public || !told.contains(canary), "{told}");
    }
}
