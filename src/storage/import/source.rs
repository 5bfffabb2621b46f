//! Where accounts come from.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Executor as _, Row as _, TypeInfo as _,
    ValueRef as _,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::file::{self, Format};
use crate::config::secret::Secret;
use crate::domain::import::Record;

/// A source can't be read. The text says what is wrong, and shows no value and no password.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Where the rows are.
#[derive(Clone, Debug)]
pub enum Place {
    /// A PostgreSQL database.
    Postgres(Secret),
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A file.
    File(PathBuf, Format),
}

impl Place {
    /// Reads what was given at the command line: `postgres://..`, `sqlite:path`, or the path of a file, whose name tells what it is unless
    /// `format` does.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str, format: Option<Format>) -> Result<Self, SourceError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text.as_bytes().to_vec())));
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into()));
        }
        let path = Path::new(text);
        if let Some(format) = format.or_else(|| Format::of(path)) {
            return Ok(Self::File(path.to_owned(), format));
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension, "db" | "sqlite" | "sqlite3" | "db3") {
            return Ok(Self::Sqlite(path.to_owned()));
        }
        Err(SourceError(
            "the source must be a URL (postgres://.., sqlite:path), or a file whose name ends with .csv, .json, .ndjson, .db or .sqlite"
                .to_owned(),
        ))
    }
}

/// How many rows are read ahead.
const AHEAD: usize = 1_000;

/// The rows of a source, one after the other.
pub struct Records(Receiver<Result<Record, SourceError>>);

impl Records {
    /// The next rows, at most so many; none at the end.
    ///
    /// # Errors
    /// When they can't be read.
    pub async fn next(&mut self, most: usize) -> Result<Vec<Record>, SourceError> {
        let mut records = Vec::with_capacity(most);
        self.0.recv_many(&mut records, most).await;
        records.into_iter().collect()
    }
}

/// Begins to read. Of a database, the first of the tables that is there; each may be a query in parentheses. Writes nothing.
///
/// # Errors
/// When there is nothing to read.
pub async fn open(place: &Place, tables: &[String]) -> Result<Records, SourceError> {
    let (to, from) = channel(AHEAD);
    match place {
        Place::File(path, format) => {
            let (path, format) = (path.clone(), *format);
            tokio::task::spawn_blocking(move || file::read(&path, format, &to));
        }
        Place::Sqlite(path) => {
            let missing = |error: sqlx::Error| SourceError(format!("{}: {}", path.display(), plain(&error)));
            // As it was found: not even a missing file is made.
            let options = SqliteConnectOptions::new().filename(path).read_only(true).create_if_missing(false);
            let mut connection = options.connect().await.map_err(missing)?;
            connection.execute("BEGIN").await.map_err(missing)?;
            let sql = pick(tables, async |table| {
                connection.execute(AssertSqlSafe(format!("SELECT * FROM {table} LIMIT 0"))).await.map(drop)
            });
            let table = sql.await?;
            tokio::spawn(async move {
                let sql = AssertSqlSafe(format!("SELECT * FROM {table}"));
                let rows = sqlx::query(sql).fetch(&mut connection).map_ok(|row| of_sqlite(&row));
                hand_over(to, Box::pin(rows)).await;
            });
        }
        Place::Postgres(url) => {
            let url = str::from_utf8(url.reveal()).map_err(|_| SourceError("the URL is not UTF-8".to_owned()))?;
            let options = PgConnectOptions::from_str(url)
                .map_err(|_| SourceError("this is not a URL of PostgreSQL that can be understood".to_owned()))?;
            let missing = |error: sqlx::Error| SourceError(plain(&error));
            let mut connection = options.application_name("doorward import").connect().await.map_err(missing)?;
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TIME ZONE 'UTC'";
            connection.execute(begin).await.map_err(missing)?;
            let table = pick(tables, async |table| {
                // A statement that fails would end the transaction.
                let mut attempt = connection.begin().await?;
                attempt.execute(AssertSqlSafe(format!("SELECT * FROM {table} AS t LIMIT 0"))).await.map(drop)
            });
            let table = table.await?;
            tokio::spawn(async move {
                let sql = AssertSqlSafe(format!("SELECT to_jsonb(t)::text FROM {table} AS t"));
                let rows = sqlx::query_scalar::<_, String>(sql).fetch(&mut connection);
                // What is no object has no address, and is told as such.
                hand_over(to, Box::pin(rows.map_ok(|row| serde_json::from_str(&row).unwrap_or_default()))).await;
            });
        }
    }
    Ok(Records(from))
}

/// The first of the tables that is there, as SQL has it.
async fn pick(
    tables: &[String],
    mut try_it: impl AsyncFnMut(&str) -> Result<(), sqlx::Error>,
) -> Result<String, SourceError> {
    let mut problem = SourceError("no table is named".to_owned());
    for table in tables {
        let quoted = if table.starts_with('(') { table.clone() } else { quoted(table) };
        match try_it(&quoted).await {
            Ok(()) => return Ok(quoted),
            Err(error) => {
                problem =
                    SourceError(format!("{}; --table names another table, or a query in parentheses", plain(&error)));
            }
        }
    }
    Err(problem)
}

/// `schema.table` as identifiers.
fn quoted(table: &str) -> String {
    table.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}

/// Sends the rows until there are none, or nobody wants them.
async fn hand_over(to: Sender<Result<Record, SourceError>>, mut rows: BoxStream<'_, Result<Record, sqlx::Error>>) {
    while let Some(row) = rows.next().await {
        let broken = |error| SourceError(format!("the source could not be read to its end: {}", plain(&error)));
        let failed = row.is_err();
        if to.send(row.map_err(broken)).await.is_err() || failed {
            return;
        }
    }
}

/// Without details, which name stored values.
fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        other => other.to_string(),
    }
}

/// Bytes become hexadecimal: some programs keep ids so.
fn of_sqlite(row: &SqliteRow) -> Record {
    let value = |index: usize| {
        let raw = row.try_get_raw(index).ok()?;
        if raw.is_null() {
            return None;
        }
        match raw.type_info().name() {
            "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(index).ok().map(Value::from),
            "REAL" => row.try_get_unchecked::<f64, _>(index).ok().map(Value::from),
            "BLOB" => {
                let bytes = row.try_get_unchecked::<Vec<u8>, _>(index).ok()?;
                let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                Some(Value::from(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect::<String>()))
            }
            _ => row.try_get_unchecked::<String, _>(index).ok().map(Value::from),
        }
    };
    let columns = row.columns().iter().enumerate();
    columns.map(|(index, column)| (column.name().to_owned(), value(index).unwrap_or_default())).collect()
}
