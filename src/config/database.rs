//! Which database.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::declarations::{AUDIT_RETENTION, DATABASE_MAX_CONNECTIONS, DATABASE_START_TIMEOUT, DATABASE_URL};
use super::secret::Secret;
use super::setting::{Kind, Parse, Reader, Reason};

/// Settings of the database.
#[derive(Clone, Debug)]
pub struct Database {
    /// `DATABASE_URL`.
    pub location: Location,
    /// `DATABASE_MAX_CONNECTIONS`.
    pub max_connections: u32,
    /// `DATABASE_START_TIMEOUT`: how long to wait at start for a database that is not there yet.
    pub start_timeout: Duration,
    /// `AUDIT_RETENTION`: how long audit records are kept.
    pub audit_retention: Duration,
}

/// Where the data lives.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file; its folder is made when it is missing.
    Sqlite(PathBuf),
    /// A PostgreSQL URL that the driver understands (`postgres://..`), password and all.
    Postgres(Secret),
}

impl Location {
    /// For people: the file's absolute path, or `host/database`. Never a user's name, a password or a parameter.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Sqlite(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            Self::Postgres(url) => {
                let url = str::from_utf8(url.reveal()).ok().and_then(|url| Url::parse(url).ok());
                url.as_ref().map_or_else(String::new, describe_postgres)
            }
        }
    }
}

fn describe_postgres(url: &Url) -> String {
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let host = url.host_str().filter(|host| !host.is_empty()).map(str::to_owned);
    let host = host.or_else(|| parameter("host")).unwrap_or_else(|| "localhost".to_owned());
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_start_matches('/');
    let name = if path.is_empty() { parameter("dbname").unwrap_or_default() } else { path.to_owned() };
    format!("{host}{port}/{name}")
}

impl Database {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.get(&DATABASE_URL);
        if url.as_ref().is_some_and(|url| url.ignored_parameters) {
            reader.warn(&DATABASE_URL, "has parameters that Doorward does not know; they are ignored");
        }
        let max_connections = reader.get(&DATABASE_MAX_CONNECTIONS);
        let start_timeout = reader.get(&DATABASE_START_TIMEOUT);
        let audit_retention = reader.get(&AUDIT_RETENTION);
        Some(Self {
            location: url?.location,
            max_connections: max_connections?,
            start_timeout: start_timeout?,
            audit_retention: audit_retention?,
        })
    }
}

/// What `DATABASE_URL` says.
#[derive(Clone, Debug)]
pub(super) struct DatabaseUrl {
    pub(super) location: Location,
    pub(super) ignored_parameters: bool,
}

pub(super) const KIND: Kind<DatabaseUrl> = Kind {
    values: "`sqlite://path` or `postgres://user:password@host/database`",
    parse: Parse::Text(|text| {
        let (scheme, rest) = text.split_once("://").ok_or(Reason::Values)?;
        match scheme {
            "sqlite" => sqlite(rest),
            // Drivers that URLs of Python programs name.
            "postgres"
            | "postgresql"
            | "postgres+asyncpg"
            | "postgresql+asyncpg"
            | "postgres+psycopg"
            | "postgresql+psycopg"
            | "postgres+psycopg2"
            | "postgresql+psycopg2" => postgres(rest),
            _ => Err(Reason::Values),
        }
    }),
};

/// The path is taken as it is written.
fn sqlite(path: &str) -> Result<DatabaseUrl, Reason> {
    if path.is_empty() || path.ends_with('/') {
        return Err(Reason::Because("must name a file, such as sqlite://data/doorward.db"));
    }
    if path.contains('?') {
        return Err(Reason::Because("takes no parameters with SQLite"));
    }
    if path.contains(":memory:") {
        return Err(Reason::Because("must name a file: accounts in memory are lost when the service stops"));
    }
    Ok(DatabaseUrl { location: Location::Sqlite(PathBuf::from(path)), ignored_parameters: false })
}

const ESCAPE: Reason = Reason::Because(
    "has a character in its user name or password that must be percent-encoded: write @ as %40, : as %3A, / as %2F, \
     ? as %3F, # as %23 and % as %25",
);
const NO_NAME: Reason = Reason::Because("must name one database: postgres://user:password@host/database");
const SSL_MODE: Reason =
    Reason::Because("must have one of these as sslmode: disable, allow, prefer, require, verify-ca, verify-full");

fn postgres(rest: &str) -> Result<DatabaseUrl, Reason> {
    let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    check_user_info(authority, after)?;
    if authority.contains(',') {
        return Err(Reason::Because("must name one host"));
    }
    let mut url = Url::parse(&format!("postgres://{rest}")).map_err(|error| match error {
        // What was meant as a password looks like a port when the `@` behind it is not seen.
        url::ParseError::InvalidPort if after.contains('@') && !authority.contains('@') => ESCAPE,
        url::ParseError::InvalidPort => Reason::Because("has a port that is not a number"),
        _ => Reason::Values,
    })?;
    if url.fragment().is_some() {
        return Err(ESCAPE);
    }
    let (parameters, ignored_parameters) = parameters(&url)?;
    let path = url.path().trim_start_matches('/');
    if path.contains('/') || (path.is_empty() && !parameters.iter().any(|(key, _)| key == "dbname")) {
        return Err(NO_NAME);
    }
    url.set_query(None);
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    let location = Location::Postgres(Secret::new(String::from(url).into_bytes()));
    Ok(DatabaseUrl { location, ignored_parameters })
}

/// User name and password are cut off at the first character that ends them; if it was meant to be part of them, an `@` is left
/// where none belongs.
fn check_user_info(authority: &str, after: &str) -> Result<(), Reason> {
    let Some((user_info, _)) = authority.rsplit_once('@') else {
        let outside_query = after.split('?').next().unwrap_or_default();
        return if outside_query.contains('@') { Err(ESCAPE) } else { Ok(()) };
    };
    let escapes =
        user_info.split('%').skip(1).all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    if user_info.contains('@') || !escapes || percent_decoded(user_info).is_none() {
        return Err(ESCAPE);
    }
    Ok(())
}

/// Decodes `%40`; none: not UTF-8, or a `%` without its two digits.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The parameters that the driver understands, with `ssl` as `sslmode`; and whether there were others.
fn parameters(url: &Url) -> Result<(Vec<(String, String)>, bool), Reason> {
    const KNOWN: [&str; 16] = [
        "sslrootcert",
        "ssl-root-cert",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
        "statement-cache-capacity",
    ];
    let (mut kept, mut ignored) = (Vec::new(), false);
    let mut mode = None;
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "sslmode" | "ssl-mode" | "ssl" => {
                let value = match value.as_ref() {
                    "true" | "1" if key == "ssl" => "require",
                    "false" | "0" if key == "ssl" => "disable",
                    value @ ("disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full") => value,
                    _ => return Err(SSL_MODE),
                };
                if mode.replace(value.to_owned()).is_some_and(|earlier| earlier != value) {
                    return Err(Reason::Because("says twice, and differently, whether to use TLS"));
                }
            }
            name if KNOWN.contains(&name) || (name.starts_with("options[") && name.ends_with(']')) => {
                kept.push((key.into_owned(), value.into_owned()));
            }
            _ => ignored = true,
        }
    }
    kept.extend(mode.map(|mode| ("sslmode".to_owned(), mode)));
    Ok((kept, ignored))
}
