//! SQLite: one writer, a pool of readers, one file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::backup::damaged;
use super::file_header::refuse_foreign_log;
use super::migrate::{self, Found};
use super::revocations::{Revocations, Source};
use super::writer::Writer;
use super::{Error, StartError, StartProblem};
use crate::domain::timestamp::Timestamp;
use crate::platform::clock::Clock;
use crate::storage::{BoxFuture, PoolUse, Tx};

/// How long to wait for another process, such as a command beside the server, or a backup.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for a reader to be free.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(in crate::storage) struct Database {
    path: PathBuf,
    options: SqliteConnectOptions,
    readers: SqlitePool,
    writer: Writer,
}

impl Database {
    /// Makes the folder and the file when they are missing. Changes nothing in a database that is there.
    pub(in crate::storage) async fn open(path: &Path, readers: u32, clock: Clock) -> Result<Self, StartError> {
        make_folder(path)?;
        refuse_foreign_log(path)?;
        private_file(path).map_err(|error| StartError::file(path, "opening the database", &error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            // An acknowledged write survives a power cut.
            .synchronous(SqliteSynchronous::Full);
        let readers = SqlitePoolOptions::new()
            .max_connections(readers)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().read_only(true));
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // Reads the header, so that a file of another kind is told at once.
        let header = async {
            let mut connection = options.connect().await?;
            sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut connection).await?;
            Ok(connection)
        };
        let connection = header.await.map_err(|error| explain(&path, error))?;
        let writer = Writer::start(connection, options.clone(), clock);
        Ok(Self { path, options, readers, writer })
    }

    pub(in crate::storage) async fn begin_read(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        Ok(self.readers.begin().await?)
    }

    pub(in crate::storage) async fn revocations(&self) -> Result<Revocations, Error> {
        let connection = self.options.clone().read_only(true).connect().await?;
        Ok(Revocations(Source::Sqlite { connection, version: None }))
    }

    pub(in crate::storage) async fn write<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.writer.write(input, work, true).await
    }

    pub(in crate::storage) async fn write_one<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.writer.write(input, work, false).await
    }

    pub(in crate::storage) fn had_its_turn(&self) -> Timestamp {
        self.writer.had_its_turn()
    }

    pub(in crate::storage) fn pool(&self) -> PoolUse {
        PoolUse::of(self.readers.size(), self.readers.num_idle(), self.readers.options().get_max_connections())
    }

    pub(in crate::storage) async fn close(&self) {
        // The writer last: the last connection that may write folds the log into the database.
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(in crate::storage) async fn migrate(&self) -> Result<usize, StartError> {
        let mut connection = self.connect().await?;
        // Refused before anything is changed; WAL mode would be a change.
        self.inspect(&mut connection).await?;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.explain(error))?;
        if mode != "wal" {
            return Err(StartError::new(
                StartProblem::Other,
                format!("{} can't be used in WAL mode: is it on a network file system?", self.path.display()),
            ));
        }
        // sqlx's SQLite migrator takes no lock and commits each migration alone; inside this transaction it does neither harm.
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.explain(error))?;
        let found = self.inspect(&mut tx).await?;
        if !found.pending.is_empty() {
            migrate::SQLITE.run_direct(None, &mut *tx, false).await.map_err(|error| self.explain_migration(error))?;
        }
        tx.commit().await.map_err(|error| self.explain(error))?;
        drop(connection.close().await);
        Ok(found.pending.len())
    }

    pub(in crate::storage) async fn pending(&self) -> Result<Vec<String>, StartError> {
        let mut connection = self.connect().await?;
        Ok(self.inspect(&mut connection).await?.pending)
    }

    async fn inspect(&self, connection: &mut SqliteConnection) -> Result<Found, StartError> {
        inspect(connection, &self.name()).await
    }

    async fn connect(&self) -> Result<SqliteConnection, StartError> {
        self.options.connect().await.map_err(|error| self.explain(error))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn explain_migration(&self, error: sqlx::migrate::MigrateError) -> StartError {
        match error {
            sqlx::migrate::MigrateError::Execute(error) | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => {
                self.explain(error)
            }
            other => StartError::new(StartProblem::Other, format!("migrating {} failed: {other}", self.name())),
        }
    }

    fn explain(&self, error: sqlx::Error) -> StartError {
        explain(&self.path, error)
    }
}

/// Which migrations a file has; refuses one that is not Doorward's.
pub(super) async fn inspect(connection: &mut SqliteConnection, name: &str) -> Result<Found, StartError> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view')")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| explain(Path::new(name), error))?;
    let applied = if tables.iter().any(|name| name == migrate::TABLE) {
        sqlx::query_as(migrate::APPLIED).fetch_all(connection).await.map_err(|_| migrate::foreign(name))?
    } else {
        Vec::new()
    };
    migrate::judge(&migrate::SQLITE, &tables, &applied, name)
}

pub(super) fn explain(path: &Path, error: sqlx::Error) -> StartError {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok()).map(|code| code & 0xff);
    let name = path.display();
    match code {
        // SQLITE_CORRUPT
        Some(11) => damaged(path, &Error::from(error).to_string()),
        // SQLITE_NOTADB
        Some(26) => StartError::new(
            StartProblem::NotADatabase,
            format!("{name} is not a SQLite database. Choose another file (DATABASE_URL=sqlite:path)"),
        ),
        // SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN
        Some(3 | 8 | 14) => StartError::new(
            StartProblem::Permission,
            format!("{name} can't be written. The file and its folder must belong to the user that runs Doorward"),
        ),
        // SQLITE_BUSY
        Some(5) => StartError::new(
            StartProblem::Other,
            format!("{name} is locked by another program. End that program, or what it does with the file"),
        ),
        _ => StartError::new(StartProblem::Other, format!("{name} can't be used: {}", Error::from(error))),
    }
}

/// Makes the database's folder, for this user alone; leaves one that is there as it is.
pub(super) fn make_folder(path: &Path) -> Result<(), StartError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| StartError::file(folder, "making the folder", &error))
}

/// Opens a file for writing; makes it, for this user alone, when it is missing.
pub(in crate::storage) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::database::{Database, Location};
    use crate::platform::clock::Clock;
    use crate::storage::{Error, Store, Tx};

    async fn pragma(tx: &mut Tx, sql: &'static str) -> Result<String, Error> {
        let value = on!(tx, conn => sqlx::query_scalar::<_, String>(sql).fetch_one(conn).await)?;
        Ok(value)
    }

    const PRAGMAS: &str = "SELECT journal_mode || ' ' || synchronous || ' ' || foreign_keys || ' ' || timeout \
                           FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_busy_timeout";

    #[tokio::test]
    async fn acknowledged_writes_are_on_the_disk_and_readers_do_not_write() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Database {
            location: Location::Sqlite(folder.path().join("doorward.db")),
            max_connections: 1,
            start_timeout: Duration::ZERO,
            audit_retention: Duration::ZERO,
        };
        let store = Store::open(&settings, Clock::system()).await.unwrap();
        store.migrate().await.unwrap();

        // synchronous 2 is FULL.
        let written = store.write((), |tx, ()| Box::pin(pragma(tx, PRAGMAS))).await.unwrap();
        assert_eq!(written, "wal 2 1 5000");
        let mut tx = store.read().await.unwrap();
        assert_eq!(pragma(&mut tx, PRAGMAS).await.unwrap(), "wal 2 1 5000");
        let refused = pragma(&mut tx, "DELETE FROM users RETURNING email").await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused}");
        drop(tx);
        store.close().await;
        // A clean end leaves one file to copy.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
