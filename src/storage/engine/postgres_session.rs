//! Whether PostgreSQL's sessions are ours, or a pooler's that it lends to several clients.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};

use super::postgres::within;
use super::postgres_explain::{explain, place};
use super::{StartError, StartProblem};

/// How long to wait for a second connection. A pooler in session mode may have no more than one.
const SECOND_TIMEOUT: Duration = Duration::from_secs(2);
/// How often both are asked: a pooler that has several sessions may lend another one each time.
const ROUNDS: usize = 3;

/// Makes sure that a connection has one session, and no other connection has it.
pub(super) async fn check(first: &mut PgConnection, options: &PgConnectOptions) -> Result<(), StartError> {
    let Ok(mut second) = within(SECOND_TIMEOUT, options.connect()).await else { return Ok(()) };
    let mut seen = Vec::new();
    for _ in 0..ROUNDS {
        seen.push([backend(first, options).await?, backend(&mut second, options).await?]);
    }
    drop(within(SECOND_TIMEOUT, second.close()).await);
    let of_its_own = seen.iter().all(|[one, other]| one != other && [*one, *other] == seen[0]);
    if of_its_own {
        return Ok(());
    }
    Err(StartError::new(
        StartProblem::Pooler,
        format!(
            "what answers at {} is a pooler that lends one session of PostgreSQL to several clients (PgBouncer with pool_mode = \
             transaction, or statement). Doorward needs sessions of its own: they keep prepared statements, time limits and LISTEN. \
             Set pool_mode = session for this database, or let DATABASE_URL name PostgreSQL itself",
            place(options)
        ),
    ))
}

async fn backend(connection: &mut PgConnection, options: &PgConnectOptions) -> Result<i32, StartError> {
    let asked = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection);
    within(SECOND_TIMEOUT, asked).await.and_then(|row| row.try_get(0)).map_err(|error| explain(&error, options))
}
