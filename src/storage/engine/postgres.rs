//! PostgreSQL: a pool, and transactions that are run again when another one was in the way.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tracing::Instrument as _;

use super::migrate::{self, Found};
use super::postgres_commit::{commit, give_up};
use super::postgres_explain::{explain, is_transient, url_mistake};
use super::postgres_pool::Pool;
use super::postgres_session;
use super::postgres_transaction::{Kind, Transaction};
use super::revocations::Revocations;
use super::{Error, StartError, StartProblem};
use crate::config::secret::Secret;
use crate::platform::clock::Clock;
use crate::storage::{BoxFuture, Inner, PoolUse, Tx};

/// How often a transaction is begun until it is given up.
const ATTEMPTS: u32 = 5;
/// How long one attempt to connect may take at start, and how long to wait after it failed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_PAUSE: Duration = Duration::from_millis(200);
/// How long the listener may wait for its connection.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the server may take over one statement: longer than it allows itself (`statement_timeout`). After that the wire is taken for
/// dead, which nothing else would tell for a quarter of an hour.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// How long it may take to say that a connection works, when nothing is wanted of it.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(in crate::storage) struct Database {
    options: PgConnectOptions,
    pool: Pool,
}

impl Database {
    pub(in crate::storage) async fn open(
        url: &Secret,
        max_connections: u32,
        wait: Duration,
    ) -> Result<Self, StartError> {
        let options = std::str::from_utf8(url.reveal())
            .map_err(|_| url_mistake("it is not valid UTF-8"))
            .and_then(|url| PgConnectOptions::from_str(url).map_err(|error| url_mistake(&error.to_string())))?;
        let options = match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("doorward"),
        };
        // Nothing here is a floating-point number, and poolers refuse what they do not know.
        let options = options.extra_float_digits(None);
        let mut connection = connect_within(&options, wait).await?;
        postgres_session::check(&mut connection, &options).await?;
        drop(connection.close().await);
        Ok(Self { pool: Pool::new(options.clone(), max_connections), options })
    }

    pub(in crate::storage) async fn begin_read(&self) -> Result<Transaction, Error> {
        self.pool.begin(Kind::Read).await
    }

    pub(in crate::storage) async fn revocations(&self) -> Result<Revocations, Error> {
        // A listener keeps its connection for ever: not one of the pool's, which may have only one.
        let own = PgPoolOptions::new().max_connections(1).acquire_timeout(LISTEN_TIMEOUT);
        let pool = own.idle_timeout(None).max_lifetime(None).connect_lazy_with(self.options.clone());
        Revocations::listen(PgListener::connect_with(&pool).await?).await
    }

    pub(in crate::storage) async fn write<I, T, F>(
        &self,
        kind: Kind,
        input: I,
        work: F,
        clock: Clock,
    ) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let pool = self.pool.clone();
        // In a task of its own: it runs to its end also when nobody waits for it any more.
        let task = async move {
            for _ in 1..ATTEMPTS {
                match attempt(&pool, kind, &input, &work, clock.clone()).await {
                    Err(Error::Conflict(reason)) => tracing::debug!(reason, "running a transaction again"),
                    outcome => return outcome,
                }
            }
            attempt(&pool, kind, &input, &work, clock).await
        };
        tokio::spawn(task.in_current_span()).await.unwrap_or_else(|error| {
            Err(if error.is_panic() {
                Error::Internal("the work panicked".to_owned())
            } else {
                Error::Unavailable("the program is ending".to_owned())
            })
        })
    }

    pub(in crate::storage) fn pool(&self) -> PoolUse {
        self.pool.in_use()
    }

    pub(in crate::storage) async fn close(&self) {
        self.pool.close().await;
    }

    pub(in crate::storage) async fn migrate(&self) -> Result<usize, StartError> {
        // A connection of its own: neither its lock nor the missing time limit may reach the pool.
        let mut connection = self.connect().await?;
        let mut tx = connection.begin().await.map_err(|error| explain(&error, &self.options))?;
        // The lock that sqlx takes, but released by the end of the transaction in any case.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('doorward migrations', 0))")
            .execute(&mut *tx)
            .await
            .map_err(|error| explain(&error, &self.options))?;
        let found = self.inspect(&mut tx).await?;
        if !found.pending.is_empty() {
            migrate::POSTGRES.run_direct(None, &mut *tx, false).await.map_err(|error| match error {
                sqlx::migrate::MigrateError::Execute(error)
                | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => explain(&error, &self.options),
                other => StartError::new(StartProblem::Other, format!("migrating failed: {other}")),
            })?;
        }
        tx.commit().await.map_err(|error| explain(&error, &self.options))?;
        drop(connection.close().await);
        Ok(found.pending.len())
    }

    pub(in crate::storage) async fn pending(&self) -> Result<Vec<String>, StartError> {
        let mut connection = self.connect().await?;
        self.inspect(&mut connection).await.map(|found| found.pending)
    }

    async fn inspect(&self, connection: &mut PgConnection) -> Result<Found, StartError> {
        // Where unqualified names are made, and so found first.
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) \
             AND relkind IN ('r', 'v', 'm', 'p', 'f')",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| explain(&error, &self.options))?;
        let database = format!("the database {}", name(&self.options));
        let applied = if tables.iter().any(|name| name == migrate::TABLE) {
            sqlx::query_as(migrate::APPLIED).fetch_all(connection).await.map_err(|_| migrate::foreign(&database))?
        } else {
            Vec::new()
        };
        migrate::judge(&migrate::POSTGRES, &tables, &applied, &database)
    }

    async fn connect(&self) -> Result<PgConnection, StartError> {
        self.options.connect().await.map_err(|error| explain(&error, &self.options))
    }
}

/// The database's name as PostgreSQL will understand the options.
pub(in crate::storage) fn name(options: &PgConnectOptions) -> &str {
    options.get_database().unwrap_or(options.get_username())
}

async fn attempt<I, T, F>(pool: &Pool, kind: Kind, input: &I, work: &F, clock: Clock) -> Result<T, Error>
where
    I: Sync,
    F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync,
{
    let mut tx = Tx::new(Inner::Postgres(pool.begin(kind).await?), clock);
    let outcome = match work(&mut tx, input).await {
        Ok(value) => tx.settle(value),
        Err(error) => Err(error),
    };
    let Inner::Postgres(transaction) = tx.inner else {
        return Err(Error::Internal("not a transaction of PostgreSQL".to_owned()));
    };
    match outcome {
        Ok(value) => commit(transaction, pool).await.map(|()| value),
        Err(error) => Err(give_up(transaction, pool, error).await),
    }
}

/// The answer of the server, or that there was none in time.
pub(in crate::storage) async fn answered<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    within(ANSWER_TIMEOUT, answer).await
}

pub(super) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

/// Whether nothing was heard in time.
pub(super) fn is_silence(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut)
}

/// Connects; while nobody answers, or the server is starting or full, tries again until the time is over.
async fn connect_within(options: &PgConnectOptions, wait: Duration) -> Result<PgConnection, StartError> {
    let deadline = Instant::now() + wait;
    let mut said = false;
    loop {
        let error = match within(CONNECT_TIMEOUT, options.connect()).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if !is_transient(&error) || Instant::now() + CONNECT_PAUSE >= deadline {
            return Err(explain(&error, options));
        }
        if !std::mem::replace(&mut said, true) {
            let (host, port) = (options.get_host(), options.get_port());
            tracing::warn!(host, port, reason = %error, "waiting for PostgreSQL");
        }
        tokio::time::sleep(CONNECT_PAUSE).await;
    }
}
