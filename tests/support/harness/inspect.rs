//! A look into the database past the service: what is written, what is not, and what an operator may change by hand. None of it
//! is logged: the logs are searched for what the service tells.

use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection};

/// Where the service keeps its data.
pub(crate) enum Inspector {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Inspector {
    /// Every row of every table, as text; but for the counters of attempts, which every attempt moves, and for mails that are done with,
    /// which go when their time has come.
    pub(crate) async fn dump(&self) -> String {
        let mut lines = Vec::new();
        for table in self.texts(self.tables()).await {
            let only = if table == "outbox" { "WHERE done_at IS NULL" } else { "" };
            let rows = match self {
                Self::Sqlite(_) => {
                    let columns = self.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
                    let columns: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                    format!("SELECT {} FROM \"{table}\" {only} ORDER BY rowid", columns.join(" || ', ' || "))
                }
                Self::Postgres(_) => format!("SELECT t::text FROM \"{table}\" t {only} ORDER BY 1"),
            };
            lines.extend(self.texts(&rows).await.iter().map(|row| format!("{table}: {row}\n")));
        }
        lines.concat()
    }

    /// The first column of the first row.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let query = AssertSqlSafe(query.to_owned());
        match self {
            Self::Sqlite(_) => sqlx::query_scalar(query).fetch_one(&mut self.sqlite().await).await,
            Self::Postgres(url) => sqlx::query_scalar(query).fetch_one(&mut postgres(url).await).await,
        }
        .expect("a number")
    }

    /// Runs a statement.
    pub(crate) async fn execute(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        match self {
            Self::Sqlite(_) => self.sqlite().await.execute(statement).await.map(drop),
            Self::Postgres(url) => postgres(url).await.execute(statement).await.map(drop),
        }
        .expect("a statement that runs");
    }

    fn tables(&self) -> &'static str {
        match self {
            // But `sqlite_sequence`: the ids of refused rows are not used again, on either database.
            Self::Sqlite(_) => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'throttle' ORDER BY name"
            }
            Self::Postgres(_) => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'throttle' ORDER BY 1"
            }
        }
    }

    /// The first column of every row.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        match self {
            Self::Sqlite(_) => sqlx::query_scalar(query).fetch_all(&mut self.sqlite().await).await,
            Self::Postgres(url) => sqlx::query_scalar(query).fetch_all(&mut postgres(url).await).await,
        }
        .expect("texts")
    }

    /// A column of bytes or plain text.
    pub(crate) async fn bytes(&self, table: &str, column: &str) -> Vec<Vec<u8>> {
        let hex = match self {
            Self::Sqlite(_) => format!("hex({column})"),
            Self::Postgres(_) => format!("encode({column}::bytea, 'hex')"),
        };
        let rows = self.texts(&format!("SELECT {hex} FROM {table}")).await;
        let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).expect("digits"), 16).expect("digits");
        rows.iter().map(|row| row.as_bytes().chunks(2).map(byte).collect()).collect()
    }

    async fn sqlite(&self) -> SqliteConnection {
        let Self::Sqlite(path) = self else { panic!("not SQLite") };
        let options = SqliteConnectOptions::new().filename(path).disable_statement_logging();
        SqliteConnection::connect_with(&options).await.expect("the database file")
    }
}

async fn postgres(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().expect("a URL");
    PgConnection::connect_with(&options.disable_statement_logging()).await.expect("the cluster")
}
