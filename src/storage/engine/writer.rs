//! SQLite's one writer: a task that owns the only connection that writes.
//!
//! Whoever waits for the writer waits in one queue rather than for SQLite's lock, which is not fair and which a transaction
//! that read before it wrote can't wait for at all. Waiting jobs share a commit, and so its fsync; each runs in a savepoint
//! of its own, so that the failure of one does not touch the others. One that is a single statement needs none.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::FutureExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, Span};

use super::Error;
use crate::domain::timestamp::Timestamp;
use crate::platform::clock::Clock;
use crate::storage::{BoxFuture, Inner, Tx};

/// How many jobs share a commit at most: bounds how long the first of them waits for the last.
const MAX_BATCH: usize = 128;

/// Hands jobs to the writer task. The queue is not bounded: each job has a request that waits for it, and those are.
#[derive(Clone)]
pub(in crate::storage) struct Writer {
    queue: mpsc::UnboundedSender<Message>,
    /// When it last held the database's lock, in microseconds; at first, when it started.
    turn: Arc<AtomicI64>,
}

enum Message {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the task on the current runtime. It ends when it is closed or the last handle is dropped.
    pub(in crate::storage) fn start(connection: SqliteConnection, options: SqliteConnectOptions, clock: Clock) -> Self {
        let (queue, messages) = mpsc::unbounded_channel();
        let tx = Some(Tx::new(Inner::SqliteWriter(connection), clock.clone()));
        let turn = Arc::new(AtomicI64::new(clock.now().micros()));
        tokio::spawn(Task { options, clock, tx, closing: None, turn: Arc::clone(&turn) }.run(messages));
        Self { queue, turn }
    }

    /// `undoable`: in a savepoint. Work of one statement needs none.
    pub(in crate::storage) async fn write<I, T, F>(&self, input: I, work: F, undoable: bool) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let closed = || Error::Unavailable("the database is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        self.queue
            .send(Message::Job(Box::new(Pending { input, work, undoable, span: Span::current(), result: None, reply })))
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// When this process last held the lock: nobody else was writing then.
    pub(in crate::storage) fn had_its_turn(&self) -> Timestamp {
        Timestamp::from_micros(self.turn.load(Ordering::Acquire))
    }

    /// Runs what waits, then closes the connection.
    pub(in crate::storage) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Message::Close(reply)).is_ok() {
            drop(answer.await);
        }
    }
}

/// Work whose type is known only to who waits for it.
trait Job: Send {
    /// Whether it runs in a savepoint.
    fn is_undoable(&self) -> bool;
    /// Runs the work and keeps its result. Says whether what it wrote is to stay.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;
    /// Answers, after the commit or its failure.
    fn answer(self: Box<Self>, commit: Result<(), Error>);
}

struct Pending<I, T, F> {
    input: I,
    work: F,
    undoable: bool,
    /// What the work logs belongs to the request that asked for it.
    span: Span,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<I, T, F> Job for Pending<I, T, F>
where
    I: Send + Sync,
    F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, Error>> + Send + Sync,
    T: Send,
{
    fn is_undoable(&self) -> bool {
        self.undoable
    }

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let work = AssertUnwindSafe(async { (self.work)(tx, &self.input).await }).catch_unwind();
            let result = match work.instrument(self.span.clone()).await {
                Ok(Ok(value)) => tx.settle(value),
                Ok(Err(error)) => Err(error),
                Err(_panic) => Err(Error::Internal("the work panicked".to_owned())),
            };
            tx.failed = false;
            let keep = result.is_ok();
            self.result = Some(result);
            keep
        })
    }

    fn answer(self: Box<Self>, commit: Result<(), Error>) {
        let result = match (self.result, commit) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(Error::Internal("the work did not run".to_owned())),
        };
        // Nobody may be waiting any more.
        drop(self.reply.send(result));
    }
}

struct Task {
    options: SqliteConnectOptions,
    clock: Clock,
    /// None after a failure: the next job gets a new connection, which is in no half-finished transaction.
    tx: Option<Tx>,
    closing: Option<oneshot::Sender<()>>,
    turn: Arc<AtomicI64>,
}

impl Task {
    async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        while self.closing.is_none() {
            let Some(message) = messages.recv().await else { break };
            let mut batch = Vec::new();
            self.accept(message, &mut batch);
            if batch.is_empty() {
                continue;
            }
            let outcome = self.commit_together(&mut batch, &mut messages).await;
            for job in batch {
                job.answer(outcome.clone());
            }
        }
        if let Some(Tx { inner: Inner::SqliteWriter(connection), .. }) = self.tx
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
        if let Some(closing) = self.closing {
            let _ = closing.send(());
        }
    }

    fn accept(&mut self, message: Message, batch: &mut Vec<Box<dyn Job>>) {
        match message {
            Message::Job(job) => batch.push(job),
            Message::Close(reply) => self.closing = Some(reply),
        }
    }

    /// Lets those who wait by now join, so that they share the commit, and its failure too.
    fn fill(&mut self, batch: &mut Vec<Box<dyn Job>>, messages: &mut mpsc::UnboundedReceiver<Message>) {
        while batch.len() < MAX_BATCH && self.closing.is_none() {
            let Ok(message) = messages.try_recv() else { break };
            self.accept(message, batch);
        }
    }

    /// Runs the batch, and who joins it, in one transaction. An error is an error for all of them.
    async fn commit_together(
        &mut self,
        batch: &mut Vec<Box<dyn Job>>,
        messages: &mut mpsc::UnboundedReceiver<Message>,
    ) -> Result<(), Error> {
        self.fill(batch, messages);
        let mut tx = match self.tx.take() {
            Some(tx) => tx,
            None => Tx::new(Inner::SqliteWriter(self.options.connect().await?), self.clock.clone()),
        };
        let mut next = 0;
        // Each statement is a way to the connection's thread and back: those that follow each other go together.
        let mut in_savepoint = false;
        while next < batch.len() {
            let undoable = batch[next].is_undoable();
            let statements = match (next, in_savepoint, undoable) {
                (0, _, true) => "BEGIN IMMEDIATE; SAVEPOINT job",
                (0, _, false) => "BEGIN IMMEDIATE",
                (_, true, true) => "RELEASE job; SAVEPOINT job",
                (_, true, false) => "RELEASE job",
                (_, false, true) => "SAVEPOINT job",
                (_, false, false) => "",
            };
            if !statements.is_empty() {
                execute(&mut tx, statements).await?;
            }
            if next == 0 {
                self.turn.store(self.clock.now().micros(), Ordering::Release);
            }
            in_savepoint = undoable;
            if !batch[next].run(&mut tx).await {
                if !undoable {
                    // The statement has failed, and the whole transaction with it, perhaps.
                    return Err(Error::Unavailable("a statement of the same commit failed".to_owned()));
                }
                execute(&mut tx, "ROLLBACK TO job").await?;
            }
            next += 1;
            self.fill(batch, messages);
        }
        execute(&mut tx, if in_savepoint { "RELEASE job; COMMIT" } else { "COMMIT" }).await?;
        self.tx = Some(tx);
        Ok(())
    }
}

async fn execute(tx: &mut Tx, statement: &'static str) -> Result<(), Error> {
    on!(tx, conn => conn.execute(statement).await.map(drop))
}
