//! PostgreSQL's connections: how many there are, who may have one, and when one is given up.
//!
//! A pool of its own, since sqlx's can't be told what a database in trouble asks for. A `BEGIN` without an answer costs its
//! connection and not the request, which takes another one. Writes leave some connections to reads. A commit that the server is still at
//! keeps its place, so that what hangs there is bounded.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::Error;
use super::postgres::{PING_TIMEOUT, is_silence, within};
use super::postgres_explain::is_transient;
use super::postgres_transaction::{Kind, Transaction};
use crate::storage::PoolUse;

/// How long to wait for a connection, or for a place for one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// For so long after its last answer a connection is not asked whether it works, before a statement that stands alone.
const FRESH: Duration = Duration::from_millis(100);
/// How long to wait before connecting again; twice as long each time.
const CONNECT_PAUSE: Duration = Duration::from_millis(50);
/// How long what has begun may go on when the pool is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection is no older than this when it is given back, and no longer idle.
const MAX_AGE: Duration = Duration::from_mins(30);
const MAX_IDLE: Duration = Duration::from_mins(10);
/// What every session is set to. A node that falls silent in a transaction must not hold its locks for ever, and one that waits for such
/// a lock, nor its connection. The server may have another isolation for what has no BEGIN.
const ON_CONNECT: &str = "SET statement_timeout = '3s'; SET idle_in_transaction_session_timeout = '4s'; \
     SET default_transaction_isolation = 'read committed'; SELECT pg_backend_pid()";

/// The connections of a node. Clones share them.
#[derive(Clone)]
pub(in crate::storage) struct Pool(Arc<Shared>);

pub(super) struct Shared {
    options: PgConnectOptions,
    most: u32,
    /// As many as there may be connections.
    places: Arc<Semaphore>,
    /// As many of them as may write.
    writers: Arc<Semaphore>,
    /// The one that was used last is at the end, and is used next.
    idle: Mutex<Vec<Idle>>,
    /// How many commits have had no answer in time, and may have one yet.
    pub(super) hanging: AtomicU32,
    closed: AtomicBool,
}

pub(super) struct Session {
    pub(super) connection: PgConnection,
    /// The server's process.
    pub(super) backend: i32,
    since: Instant,
}

struct Idle {
    session: Session,
    since: Instant,
}

impl Pool {
    /// Connects when it has to, at most so often.
    pub(in crate::storage) fn new(options: PgConnectOptions, most: u32) -> Self {
        let semaphore = |places: u32| Arc::new(Semaphore::new(places as usize));
        let for_reads = if most > 1 { (most / 4).max(1) } else { 0 };
        Self(Arc::new(Shared {
            options,
            most,
            places: semaphore(most),
            writers: semaphore(most - for_reads),
            idle: Mutex::default(),
            hanging: AtomicU32::new(0),
            closed: AtomicBool::new(false),
        }))
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When no connection is to be had in time.
    pub(in crate::storage) async fn begin(&self, kind: Kind) -> Result<Transaction, Error> {
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        timeout(ACQUIRE_TIMEOUT, self.begin_by(kind, deadline))
            .await
            .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
    }

    async fn begin_by(&self, kind: Kind, deadline: Instant) -> Result<Transaction, Error> {
        let writer = if kind == Kind::Read { None } else { Some(self.0.writer().await?) };
        let place = Arc::clone(&self.0.places).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        if self.0.closed.load(Ordering::Acquire) {
            return Err(sqlx::Error::PoolClosed.into());
        }
        let pool = Arc::clone(&self.0);
        let mut tx = Transaction::new(pool, kind, (place, writer));
        // The server may have gone and come back, and the wire may be silent: then the next one is tried.
        while let Some(Idle { session, since }) = self.0.pop() {
            if kind == Kind::Statement && since.elapsed() < FRESH {
                tx.run_in(session);
                return Ok(tx);
            }
            let asked = Instant::now();
            match tx.begin(session).await {
                Ok(()) => return Ok(tx),
                Err(error) if is_silence(&error) => self.0.forget(asked),
                Err(_) => {}
            }
        }
        let session = self.0.connect(deadline).await?;
        tx.begin(session).await?;
        Ok(tx)
    }

    /// How many connections there are.
    pub(super) fn in_use(&self) -> PoolUse {
        let free = u32::try_from(self.0.places.available_permits()).unwrap_or(u32::MAX);
        let (busy, idle) = (self.0.most.saturating_sub(free), self.0.idle().len());
        PoolUse { busy, idle: u32::try_from(idle).unwrap_or(u32::MAX), max: self.0.most }
    }

    /// A connection that is not one of the pool's.
    pub(super) async fn connect_beside(&self) -> Result<PgConnection, Error> {
        Ok(within(ACQUIRE_TIMEOUT, self.0.options.connect()).await?)
    }

    /// Waits for what has begun, and closes the connections.
    pub(in crate::storage) async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        drop(timeout(CLOSE_TIMEOUT, self.0.places.acquire_many(self.0.most)).await);
        self.0.places.close();
        self.0.writers.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for one in idle {
            drop(within(PING_TIMEOUT, one.session.connection.close()).await);
        }
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<Idle> {
        self.idle().pop()
    }

    /// A place to write. While commits hang nobody waits for one.
    async fn writer(&self) -> Result<OwnedSemaphorePermit, Error> {
        let writers = Arc::clone(&self.writers);
        if self.hanging.load(Ordering::Acquire) > 0 {
            return writers
                .try_acquire_owned()
                .map_err(|_| Error::CommitsHang("all that may write are at it".to_owned()));
        }
        writers.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed.into())
    }

    /// What fell silent has hardly done so alone: drops all connections that were not heard of since.
    pub(super) fn forget(&self, since: Instant) {
        let forgotten: Vec<Idle> = self.idle().extract_if(.., |idle| idle.since < since).collect();
        if !forgotten.is_empty() {
            tracing::warn!(
                connections = forgotten.len(),
                "PostgreSQL does not answer on a connection: its elders are dropped"
            );
        }
    }

    /// Takes a connection back, and lets those go that are too old.
    pub(super) fn put(&self, session: Session) {
        let mut idle = self.idle();
        idle.push(Idle { session, since: Instant::now() });
        let old: Vec<Idle> = idle
            .extract_if(.., |one| one.session.since.elapsed() > MAX_AGE || one.since.elapsed() > MAX_IDLE)
            .collect();
        drop(idle);
        if let Ok(runtime) = Handle::try_current() {
            for one in old {
                runtime.spawn(async move { within(PING_TIMEOUT, one.session.connection.close()).await });
            }
        }
    }

    /// Connects. A server that is being started again is tried again.
    async fn connect(&self, deadline: Instant) -> Result<Session, sqlx::Error> {
        let mut pause = CONNECT_PAUSE;
        loop {
            match self.options.connect().await {
                Ok(mut connection) => {
                    let row = sqlx::raw_sql(ON_CONNECT).fetch_one(&mut connection).await?;
                    return Ok(Session { connection, backend: row.try_get(0)?, since: Instant::now() });
                }
                Err(error) if is_transient(&error) && Instant::now() + pause < deadline => sleep(pause).await,
                Err(error) => return Err(error),
            }
            pause *= 2;
        }
    }
}
